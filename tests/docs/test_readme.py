"""The README's files and commands, as they are written, on sources made for it."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def _patients(rows: int = 160) -> pl.DataFrame:
    random = np.random.default_rng(0)
    creatinine = random.lognormal(0.2, 0.5, rows).round(2)
    died = random.random(rows) < 1 / (1 + np.exp(3.0 - 1.6 * creatinine))
    return pl.DataFrame(
        {
            "patient": np.arange(rows),
            "hospital": random.choice(["north", "south"], rows),
            "age": random.integers(20, 95, rows),
            "sex": random.choice(["F", "M"], rows),
            "heart_rate": random.integers(50, 140, rows),
            "creatinine": creatinine,
            "died_in_hospital": np.where(died, "yes", "no"),
            "length_of_stay": random.integers(1, 30, rows),
        }
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the table and the README's files, the current one."""
    _patients().write_csv(tmp_path / "patients.csv")
    (tmp_path / "omop").mkdir()
    (tmp_path / "omop" / "PERSON.csv").write_text("person_id,gender_concept_id,year_of_birth\n7,8532,1950\n")
    for block in _blocks("yaml"):
        name, content = block.split("\n", 1)
        (tmp_path / name.removeprefix("# ")).write_text(content)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("block", [block for block in _blocks("sh") if "osler" in block])
def test_the_commands_run_as_written(folder: Path, osler: Callable[..., Any], block: str) -> None:
    for line in block.strip().splitlines():
        words = shlex.split(line, comments=True)
        if words == [".", ".venv/bin/activate"]:
            continue  # only says where the command is
        assert words[0] == "osler"
        told = osler(*words[1:])
        assert told.code == 0, f"{line}\n{told.err}"
    if "run study.yaml" in block:
        page = (folder / "results" / "report.html").read_text(encoding="utf-8")
        assert "died_in_hospital" in page or "death" in page
        assert osler("report", "results", "--private").code == 0
        assert (folder / "results" / "report-private.html").stat().st_mode & 0o777 == 0o600


def test_the_python_names_of_the_readme_exist() -> None:
    import osler

    for name in re.findall(r"`osler\.([a-z]+)`", README):
        assert callable(getattr(osler, name)), name


def test_links_and_make_targets_exist() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if not target.startswith("http"):
                assert (document.parent / target).exists(), f"{document.name}: {target}"
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^    make ([a-z]+)", README, flags=re.MULTILINE):
        assert f"\n{target}:" in makefile
