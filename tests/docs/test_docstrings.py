"""The examples of the docstrings run and say what they claim."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import osler

ROOMS = [module.name for module in pkgutil.iter_modules(osler.__path__)]


@pytest.mark.parametrize("room", ROOMS)
def test_examples_run(room: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    package = importlib.import_module(f"osler.{room}")
    names = [module.name for module in pkgutil.walk_packages(package.__path__, f"osler.{room}.")]
    results = {name: doctest.testmod(importlib.import_module(name)) for name in names}
    assert {name: result.failed for name, result in results.items() if result.failed} == {}
    if room in ("base", "measure", "represent", "statements"):
        assert sum(result.attempted for result in results.values()) >= 5
