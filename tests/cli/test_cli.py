"""The program as a whole: help, start-up time, exit codes."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osler import __version__
from osler.base.errors import InputError

HELP = "from osler.cli.main import app"
COMMANDS = (
    ["demo"],
    ["run"],
    ["report"],
    ["simulate"],
    ["ingest"],
    ["label"],
    ["text"],
    ["encode"],
    ["encoders", "list"],
    ["encoders", "check"],
    ["predict", "fit"],
    ["phenotype", "fit"],
    ["phenotype", "assign"],
    ["phenotype", "replicate"],
    ["phenotype", "compare"],
    ["show"],
    ["doctor"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help(osler: Callable[..., Any], command: list[str]) -> None:
    told = osler(*command, "--help")
    assert told.code == 0
    assert "Usage" in told.out


def test_version(osler: Callable[..., Any]) -> None:
    assert osler("--version").out.strip() == __version__


def test_wrong_usage_is_exit_2(osler: Callable[..., Any]) -> None:
    assert osler("run").code == 2
    assert osler("frobnicate").code == 2
    assert osler("show", "x", "1", "--nonsense").code == 2


def test_an_input_error_is_exit_2_without_a_traceback(osler: Callable[..., Any], tmp_path: Path) -> None:
    told = osler("run", tmp_path / "none.yaml")
    assert told.code == 2
    assert told.err.startswith("osler: no such file")
    assert "Traceback" not in told.err


def test_our_fault_is_exit_1_and_names_no_data(
    osler: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(path: Path) -> None:
        raise KeyError("text of a record")

    monkeypatch.setattr("osler.study.schema.read_study", broken)
    told = osler("run", tmp_path / "a.yaml")
    assert told.code == 1
    assert "internal error: KeyError" in told.err
    assert "text of a record" not in told.err


def test_start_up_is_quick() -> None:
    """Generous sanity limits; `make bench` measures exactly."""

    def best(code: str) -> float:
        times = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best("import osler") < 1.5
    assert best(f"{HELP}; app(['--help'], standalone_mode=False)") < 1.5


def test_help_loads_nothing_heavy() -> None:
    heavy = ["numpy", "pandas", "polars", "pyarrow", "sklearn", "torch", "transformers"]
    code = f"{HELP}; import sys, json; print(json.dumps([m for m in {heavy} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == []


def test_errors_say_what_where_how_many_and_how() -> None:
    error = InputError("found", where="file", count=1200, allowed=range(50), remedy="do")
    lines = str(error).splitlines()
    assert lines[0] == "found"
    assert lines[1:3] == ["  where: file", "  count: 1,200"]
    assert lines[3].endswith("39 ... and 10 more")
    assert lines[4] == "  remedy: do"
