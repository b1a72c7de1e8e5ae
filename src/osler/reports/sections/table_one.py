"""Table 1: who is in the cohort, by outcome, with standardised differences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.reports.blocks import Block, Column, Details, Heading, Paragraph, Row, Section, Table, Words, say
from osler.reports.formats import count, decimals, number, percent, with_interval
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import hidden_rows, is_small
from osler.reports.words import listed, plural, task_title

_GROUPS = ("negative", "positive")
_ALL = ("overall", *_GROUPS)
_MOST_ROWS = 45
_SHOWN = 15
_OTHER = "other levels"
_MISSING = "missing"
_Sizes = dict[str, int]


@dataclass(frozen=True)
class _Totals:
    """Samples and distinct patients of each group."""

    samples: _Sizes
    patients: _Sizes

    def is_small(self, group: str, *, min_cell: int) -> bool:
        return any(is_small(sizes[group], min_cell=min_cell) for sizes in (self.samples, self.patients))


@dataclass(frozen=True)
class _Level:
    """A level of a variable: samples and distinct patients in each group."""

    name: str
    samples: _Sizes
    patients: _Sizes


@dataclass(frozen=True)
class _Variable:
    """Rows of one variable, and the size of its largest difference."""

    name: str
    rows: tuple[Row, ...]
    difference: float
    derived: bool


def section(run: RunFiles) -> Section | None:
    """Table 1 of each task."""
    tables = {
        task: frame for task in run.tasks() if (frame := run.frame(_file(task))) is not None and frame.height
    }
    if not tables:
        return None
    blocks: list[Block] = []
    for task, frame in tables.items():
        if len(tables) > 1:
            blocks.append(Heading(task_title(run, task)))
        blocks += _task(task, frame, min_cell=run.min_cell)
    return Section("table-one", "Table 1", tuple(blocks))


def _file(task: str) -> str:
    return f"table_one/{task}/table_one.parquet"


def _task(task: str, frame: pl.DataFrame, *, min_cell: int) -> list[Block]:
    if "n_patients" not in frame.columns:
        frame = frame.with_columns(n_patients="n", n_missing_patients="n_missing")
    totals = _totals(frame)
    if totals.is_small("overall", min_cell=min_cell):
        return [Paragraph("Suppressed: too few patients.", files=(_file(task),))]
    by_outcome = not any(totals.is_small(group, min_cell=min_cell) for group in _GROUPS)
    keys = pl.concat_str("variable", pl.col("code").fill_null(""), separator="\x00")
    parts = frame.with_columns(keys.alias("key")).partition_by("key", maintain_order=True)
    variables = [_variable(part, totals, by_outcome=by_outcome, min_cell=min_cell) for part in parts]
    n_rows = sum(len(variable.rows) for variable in variables)
    whole = _table(
        task,
        variables,
        totals,
        f"Patients by outcome, all {plural(len(variables), 'variable')}",
        by_outcome=by_outcome,
        min_cell=min_cell,
    )
    if n_rows <= _MOST_ROWS:
        return [whole]
    ranked = sorted(
        (variable for variable in variables if not variable.derived), key=lambda one: -one.difference
    )[:_SHOWN]
    chosen = [variable for variable in variables if variable.derived or variable in ranked]
    caption = f"Patients by outcome: the basics and the {len(ranked)} variables that differ most"
    part = _table(task, chosen, totals, caption, by_outcome=by_outcome, min_cell=min_cell)
    return [part, Details(f"All {plural(len(variables), 'variable')}", (whole,))]


def _totals(frame: pl.DataFrame) -> _Totals:
    """Samples: with a value and without, of the first variable. Patients: of the fullest row."""
    first = frame.filter(pl.col("variable") == frame["variable"][0])
    found = first.group_by("group").agg(pl.col("n").sum() + pl.col("n_missing").first())
    most = frame.group_by("group").agg(pl.max_horizontal("n_patients", "n_missing_patients").max())
    return _Totals(
        samples={group: int(n) for group, n in found.iter_rows()},
        patients={group: int(n) for group, n in most.iter_rows()},
    )


def _table(
    task: str,
    variables: Sequence[_Variable],
    totals: _Totals,
    caption: str,
    *,
    by_outcome: bool,
    min_cell: int,
) -> Table:
    titles = {"overall": "All", "negative": "Without the event", "positive": "With the event"}
    shown = _ALL if by_outcome else _ALL[:1]
    columns = [Column("", numeric=False)]
    columns += [Column(say("{}<br>n = {}", titles[group], count(totals.samples[group]))) for group in shown]
    columns += [Column("Standardised difference")] if by_outcome else []
    notes = [
        "Numbers: median (quartiles). Levels: n (share of the whole group). Values are the latest at or "
        "before the prediction time."
    ]
    if by_outcome:
        notes.append(
            "Standardised difference: difference of means or shares, with minus without the event, over "
            "the root mean of the two variances (Austin 2009)."
        )
    if min_cell:
        notes.append(f"Levels are counted together where a count of 1 to {min_cell} patients would show.")
    if not by_outcome:
        notes.append("Not shown by outcome: too few patients in one group.")
    rows = tuple(row for variable in variables for row in variable.rows)
    return Table(caption, tuple(columns), rows, files=(_file(task),), notes=tuple(notes))


def _variable(part: pl.DataFrame, totals: _Totals, *, by_outcome: bool, min_cell: int) -> _Variable:
    make = _numeric if part["kind"][0] == "numeric" else _categorical
    rows = tuple(make(part, totals, by_outcome=by_outcome, min_cell=min_cell))
    differences = [abs(value) for value in part["smd"].drop_nulls()]
    derived = part["code"][0] is None or part["code"][0] == "MEDS_BIRTH"
    return _Variable(str(part["variable"][0]), rows, max(differences, default=0.0), derived)


def _numeric(part: pl.DataFrame, totals: _Totals, *, by_outcome: bool, min_cell: int) -> Iterator[Row]:
    found = {row["group"]: row for row in part.to_dicts()}
    few = {group: min(found[group]["n"], found[group]["n_patients"]) <= min_cell for group in _ALL}
    shown: dict[str, Words | None] = {}
    digits = decimals(pl.concat([part["value"], part["low"], part["high"]]))
    for group in _ALL:
        row = found[group]
        hide = few["overall"] or (group != "overall" and any(few[one] for one in _GROUPS))
        shown[group] = None if hide and row["n"] else _quartiles(row, digits)
    hide_difference = any(few[group] for group in _GROUPS)
    name = str(part["variable"][0])
    yield Row(
        _cells(name, shown, _difference(found["overall"]["smd"], hide=hide_difference), by_outcome=by_outcome)
    )
    yield from _missing(found, totals, by_outcome=by_outcome, min_cell=min_cell)


def _categorical(part: pl.DataFrame, totals: _Totals, *, by_outcome: bool, min_cell: int) -> Iterator[Row]:
    found = [
        {row["group"]: row for row in rows.to_dicts()}
        for rows in part.partition_by("level", maintain_order=True)
    ]
    levels = [
        _Level(
            str(rows["overall"]["level"]),
            {group: rows[group]["n"] for group in _ALL},
            {group: rows[group]["n_patients"] for group in _ALL},
        )
        for rows in found
    ]
    missing = _missing_level(found[0])
    entries = _pooled(levels, [missing] if missing.samples["overall"] else [], totals, min_cell=min_cell)
    apart = _are_apart([*levels, missing], totals)
    hidden = _hidden(entries, totals, apart=apart, by_outcome=by_outcome, min_cell=min_cell)
    shown = [entry for entry, hide in zip(entries, hidden, strict=True) if not hide]
    together = [entry for entry, hide in zip(entries, hidden, strict=True) if hide]
    name = str(part["variable"][0])
    if not shown:
        stars: dict[str, Words | None] = dict.fromkeys(_ALL)
        yield Row(_cells(name, stars, None, by_outcome=by_outcome))
        return
    yield Row((name,), tone="group")
    for level in shown:
        gap = (
            ""
            if level.name in (_OTHER, _MISSING)
            else number(_difference_of_shares(level.samples, totals.samples), 2, signed=True)
        )
        cells = _cells(level.name, _shares(level.samples, totals.samples), gap, by_outcome=by_outcome)
        yield Row(cells, tone="level")
    if together:
        sums = _sums([level.samples for level in together])
        label = listed([level.name for level in together], "or")
        complete = _sums([level.samples for level in entries]) == totals.samples
        # Complete levels give this sum away anyway; it is safe, or more rows would have been hidden.
        numbers = _shares(sums, totals.samples) if complete else dict.fromkeys(_ALL)
        yield Row(_cells(label, numbers, "", by_outcome=by_outcome), tone="level")


def _pooled(
    levels: Sequence[_Level], missing: Sequence[_Level], totals: _Totals, *, min_cell: int
) -> list[_Level]:
    """The levels, those of few patients as one: their names may be record text."""
    few = [level for level in levels if _is_rare(level, min_cell=min_cell)]
    kept = [level for level in levels if level not in few]
    if not few:
        return [*kept, *missing]
    patients = [level.patients for level in few]
    # One patient may have several of them; the fewest that they can be is one who has the commonest.
    apart = _are_apart([*levels, *missing], totals)
    fewest = _sums(patients) if apart else {group: max(one[group] for one in patients) for group in _ALL}
    return [*kept, _Level(_OTHER, _sums([level.samples for level in few]), fewest), *missing]


def _is_rare(level: _Level, *, min_cell: int) -> bool:
    fewest = min(level.samples["overall"], level.patients["overall"])
    return level.name.startswith(_OTHER) or fewest <= min_cell


def _hidden(
    levels: Sequence[_Level], totals: _Totals, *, apart: bool, by_outcome: bool, min_cell: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    groups = _GROUPS if by_outcome else _ALL[:1]
    return hidden_rows(
        np.array([[level.samples[group] for group in groups] for level in levels], dtype=np.int64),
        [totals.samples[group] for group in groups],
        min_cell=min_cell,
        patients=np.array([[level.patients[group] for group in groups] for level in levels], dtype=np.int64),
        patient_totals=[totals.patients[group] for group in groups] if apart else None,
    )


def _are_apart(levels: Sequence[_Level], totals: _Totals) -> bool:
    """Whether no patient is at two of the levels, of which there are no others."""
    return _sums([level.patients for level in levels]) == totals.patients


def _sums(sizes: Sequence[_Sizes]) -> _Sizes:
    return {group: sum(one[group] for one in sizes) for group in _ALL}


def _missing_level(rows: dict[str, dict[str, Any]]) -> _Level:
    return _Level(
        _MISSING,
        {group: rows[group]["n_missing"] for group in _ALL},
        {group: rows[group]["n_missing_patients"] for group in _ALL},
    )


def _missing(
    found: dict[str, dict[str, int]], totals: _Totals, *, by_outcome: bool, min_cell: int
) -> Iterator[Row]:
    if not found["overall"]["n_missing"]:
        return
    missing = _missing_level(found)
    known = _Level("known", *({group: found[group][name] for group in _ALL} for name in ("n", "n_patients")))
    apart = _are_apart([missing, known], totals)
    hide = _hidden([missing, known], totals, apart=apart, by_outcome=by_outcome, min_cell=min_cell)[0]
    shown = dict.fromkeys(_ALL) if hide else _shares(missing.samples, totals.samples)
    yield Row(_cells(_MISSING, shown, "", by_outcome=by_outcome), tone="level")


def _cells(
    name: str, shown: dict[str, Words | None], gap: Words | None, *, by_outcome: bool
) -> tuple[Words | None, ...]:
    return (name, *(shown[group] for group in _ALL), gap) if by_outcome else (name, shown["overall"])


def _difference(value: float | None, *, hide: bool) -> str | None:
    return None if hide else number(value, 2, signed=True)


def _quartiles(row: dict[str, float], digits: int) -> str:
    return with_interval(row["value"], row["low"], row["high"], digits) if row["n"] else "–"


def _difference_of_shares(sizes: _Sizes, totals: _Sizes) -> float | None:
    """Standardised difference of two shares (Austin 2009), from the numbers that are shown and no others."""
    p, q = (sizes[group] / totals[group] if totals[group] else math.nan for group in ("positive", "negative"))
    spread = math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    return (p - q) / spread if spread > 0 else None


def _shares(sizes: _Sizes, totals: _Sizes) -> dict[str, Words | None]:
    """Counts with their share of the whole group: one of known values would tell how many are missing."""
    return {
        group: f"{count(sizes[group])} ({percent(sizes[group] / totals[group] if totals[group] else None)})"
        for group in _ALL
    }
