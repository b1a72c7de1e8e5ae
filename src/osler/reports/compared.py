"""The comparison of a task's phenotypes, as the report reads it."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from osler.reports.runfiles import RunFiles
from osler.reports.suppress import few_events

VARIABLES = "variables"


@dataclass(frozen=True)
class Compared:
    """The files of one comparison.

    Attributes:
        task: name of the task.
        folder: of the comparison.
        facts: content of `compare.json`.
        tables: by name, those that are there.
        hidden: whether so few have the event that nothing about it may be shown.
    """

    task: str
    folder: str
    facts: dict[str, Any]
    tables: dict[str, pl.DataFrame]
    hidden: bool

    @property
    def arms(self) -> dict[str, dict[str, Any]]:
        """Facts of each arm, in the order of the study."""
        return dict(self.facts.get("arms") or {})

    @property
    def chosen(self) -> dict[str, int]:
        """The arms with clusters."""
        return {name: int(one["k"]) for name, one in self.arms.items() if one.get("k")}

    def file(self, table: str) -> str:
        """Where a table is."""
        return f"{self.folder}/{table}.parquet"


TABLES = ("scores", "agreement", "flow", "artefacts", "separation")


def compared(run: RunFiles, task: str) -> Compared | None:
    """The comparison of a task; None where there is none."""
    folder = f"phenotypes/{task}/compare"
    facts = run.json(f"{folder}/compare.json")
    if facts is None:
        return None
    found = {name: run.frame(f"{folder}/{name}.parquet") for name in TABLES}
    tables = {name: frame for name, frame in found.items() if frame is not None and not frame.is_empty()}
    total, events = int(facts.get("n_samples") or 0), int(facts.get("n_events") or 0)
    hidden = few_events(total, events, facts, min_cell=run.min_cell)
    return Compared(task, folder, facts, tables, hidden)


def k_words(k: int) -> str:
    """A number of clusters, kept on one line."""
    return f"k\u00a0=\u00a0{k}"


def arm_words(label: str) -> str:
    """What an arm is called on the page.

    Examples:
        >>> arm_words("counts/kmeans"), arm_words("variables/gower+pam")
        ('counts, kmeans', 'gower+pam')
    """
    source, _, arm = label.partition("/")
    return arm if source == VARIABLES else f"{source}, {arm}"
