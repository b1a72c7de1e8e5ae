"""The files of a run, as a report may read them.

The shareable page is made by code that cannot open patient data: `RunFiles` gives out aggregate files only,
by the patterns below. `PrivateFiles` gives out the others, and only the private page holds one.
"""

import fnmatch
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.reports.settings import ReportSettings

STUDY = "study.json"
ENVIRONMENT = "environment.json"
TIMINGS = "timings.json"
METRICS = "metrics.parquet"

AGGREGATE = (
    STUDY,
    ENVIRONMENT,
    TIMINGS,
    METRICS,
    "dataset/metadata/codes.parquet",
    "labels/*/task.json",
    "labels/*/attrition.parquet",
    "labels/*/sensitivity.parquet",
    "cohort/*/task.json",
    "cohort/*/attrition.parquet",
    "table_one/*/table_one.parquet",
    "texts/*/texts.json",
    "vectors/*/encoder.json",
    "predictions/*/predictions.json",
    "predictions/*/*/curves.parquet",
    "phenotypes/*/*/indices.parquet",
    "phenotypes/*/*/outcomes.parquet",
    "phenotypes/*/*/describe.parquet",
    "phenotypes/*/*/verdicts.parquet",
    "phenotypes/*/*/effects.parquet",
    "phenotypes/*/*/classes.parquet",
    "phenotypes/*/*/survival.parquet",
    "phenotypes/*/*/names.parquet",
    "phenotypes/*/*/phenotypes.json",
    "phenotypes/*/compare/compare.json",
    "phenotypes/*/compare/scores.parquet",
    "phenotypes/*/compare/agreement.parquet",
    "phenotypes/*/compare/flow.parquet",
    "phenotypes/*/compare/artefacts.parquet",
    "phenotypes/*/compare/separation.parquet",
    "phenotypes/*/compare/permutation.parquet",
)
TEXT_COUNTS = ("n_tokens", "n_statements", "n_dropped")
VOLATILE = (ENVIRONMENT, TIMINGS)


class RunFiles:
    """Aggregate files of a run folder.

    Args:
        path: the folder.

    Raises:
        InputError: the folder is no run.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not (self.path / STUDY).is_file():
            raise InputError(
                "no run: study.json is not there",
                where=self.path,
                remedy="name the folder that `osler run` or `osler demo` wrote",
            )
        self._read: dict[str, Path] = {}

    @cached_property
    def study(self) -> dict[str, Any]:
        """The resolved study."""
        study = self.json(STUDY)
        assert study is not None
        return study

    @cached_property
    def settings(self) -> ReportSettings:
        """The study's `report` block."""
        return ReportSettings.parse(self.study.get("report") or {}, where=f"{STUDY}: report")

    @property
    def min_cell(self) -> int:
        """Largest count of patients that the shareable page hides."""
        return self.settings.min_cell

    @property
    def name(self) -> str:
        """Name of the study."""
        return str(self.study.get("name") or "study")

    def cohort(self, task: str, name: str) -> str:
        """Where a file about the cohort of a task is: `cohort/` where the splits left samples out."""
        narrowed = f"cohort/{task}/{name}"
        return narrowed if (self.path / narrowed).is_file() else f"labels/{task}/{name}"

    def json(self, name: str) -> dict[str, Any] | None:
        """An aggregate JSON file, or None when the run has none."""
        path = self._allowed(name)
        return read_json(path) if path else None

    def frame(self, name: str) -> pl.DataFrame | None:
        """An aggregate Parquet file, or None when the run has none."""
        path = self._allowed(name)
        return pl.read_parquet(path) if path else None

    def text_counts(self, name: str) -> pl.DataFrame | None:
        """`n_tokens, n_statements, n_dropped` of a text's samples: no ids, no times, no text."""
        files = self._text_files(name)
        return pl.scan_parquet(files).select(TEXT_COUNTS).collect() if files else None

    def subjects_by_cut(self, name: str) -> tuple[int, int]:
        """How many subjects have a text over its budget, and how many one within it."""
        files = self._text_files(name)
        cut = pl.col("n_dropped") > 0
        counts = [pl.col("subject_id").filter(one).n_unique() for one in (cut, ~cut)]
        over, within = pl.scan_parquet(files).select(over=counts[0], within=counts[1]).collect().row(0)
        return int(over), int(within)

    def _text_files(self, name: str) -> list[Path]:
        place = self.path / "texts" / name / "texts"
        return sorted(place.glob("*.parquet")) + sorted(place.glob("*/*.parquet"))

    def names(self, folder: str) -> list[str]:
        """Sub-folders of a folder of the run, sorted; files count by their name without ending."""
        place = self.path / folder
        if not place.is_dir():
            return []
        entries = [entry for entry in place.iterdir() if not entry.name.startswith(".")]
        return sorted(
            entry.name if entry.is_dir() else entry.stem
            for entry in entries
            if entry.is_dir() or entry.suffix == ".parquet"
        )

    def tasks(self) -> list[str]:
        """Names of the tasks, in the order of the study, else sorted."""
        there = {
            name
            for folder in ("labels", "table_one", "predictions", "phenotypes")
            for name in self.names(folder)
        }
        declared = [name for name in self.study.get("tasks", {}) if name in there]
        return declared + sorted(there - set(declared))

    def files_read(self) -> list[tuple[str, int]]:
        """Name and bytes of each file that was given out, but for those that differ between machines.

        No hashes: a reader could try the few values of a suppressed cell until the hash fits.
        """
        return [
            (name, path.stat().st_size) for name, path in sorted(self._read.items()) if name not in VOLATILE
        ]

    def _allowed(self, name: str) -> Path | None:
        if not any(_matches(name, pattern) for pattern in AGGREGATE):
            raise ValueError(f"{name} may hold patient data; only the private page reads it")
        path = self.path / name
        if not path.is_file():
            return None
        self._read[name] = path
        return path


class PrivateFiles:
    """Every file of a run folder, patient data too; only for the page that is marked as such."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def scan(self, name: str) -> pl.LazyFrame | None:
        """One Parquet file or a folder of them, lazily; None when there is none."""
        place = self.path / name
        files = sorted(place.glob("**/*.parquet")) if place.is_dir() else [place] if place.is_file() else []
        return pl.scan_parquet(files) if files else None

    def frame(self, name: str) -> pl.DataFrame | None:
        """One Parquet file or a folder of them, read; None when there is none."""
        found = self.scan(name)
        return None if found is None else found.collect()


def _matches(name: str, pattern: str) -> bool:
    """Like `fnmatch`, but a star stays inside one folder."""
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, want) for part, want in zip(parts, wanted, strict=True)
    )
