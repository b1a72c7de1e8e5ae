"""What a task family hands over: every unit that it looked at, labelled or excluded with the reason."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Description:
    """A task in words, under the headings that every task has."""

    cohort: str
    prediction_time: str
    window: str
    label: str
    exclusions: str
    why: str


@dataclass(frozen=True)
class Drawn:
    """The units of a task.

    Attributes:
        frame: `subject_id, prediction_time, visit_id, boolean_value, reason`; a row with a null `reason`
            is a sample.
        unit: what a row is, in the plural.
        reasons: every reason for exclusion, in the order in which they are tried.
        description: the task in words.
        noted: (text, rows concerned) of facts that exclude nothing.
        warnings: sentences for the person who labels.
        sensitivity: the labels under other choices, or None.
        facts: numbers worth keeping with the task.
    """

    frame: pl.DataFrame
    unit: str
    reasons: tuple[str, ...]
    description: Description
    noted: Sequence[tuple[str, pl.DataFrame]] = ()
    warnings: Sequence[str] = ()
    sensitivity: pl.DataFrame | None = None
    facts: dict[str, Any] = field(default_factory=dict)
