"""Table 1: who is in the cohort, by outcome, with standardised differences."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.reports.blocks import Block, Column, Details, Heading, Row, Section, Table, Words, say
from osler.reports.formats import count, decimals, number, percent, with_interval
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import hidden_rows, is_small
from osler.reports.words import listed, plural, task_title

_GROUPS = ("negative", "positive")
_ALL = ("overall", *_GROUPS)
_MOST_ROWS = 45
_SHOWN = 15
_OTHER = "other levels"
_Level = tuple[dict[str, dict[str, Any]], str]


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
    totals = _totals(frame)
    by_outcome = not any(is_small(totals[group], min_cell=min_cell) for group in _GROUPS)
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


def _totals(frame: pl.DataFrame) -> dict[str, int]:
    """Samples of each group: with a value and without, of the first variable."""
    first = frame.filter(pl.col("variable") == frame["variable"][0])
    found = first.group_by("group").agg(pl.col("n").sum() + pl.col("n_missing").first())
    return {group: int(n) for group, n in found.iter_rows()}


def _table(
    task: str,
    variables: Sequence[_Variable],
    totals: dict[str, int],
    caption: str,
    *,
    by_outcome: bool,
    min_cell: int,
) -> Table:
    titles = {"overall": "All", "negative": "Without the event", "positive": "With the event"}
    shown = _ALL if by_outcome else _ALL[:1]
    columns = [Column("", numeric=False)]
    columns += [Column(say("{}<br>n = {}", titles[group], count(totals[group]))) for group in shown]
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


def _variable(part: pl.DataFrame, totals: dict[str, int], *, by_outcome: bool, min_cell: int) -> _Variable:
    make = _numeric if part["kind"][0] == "numeric" else _categorical
    rows = tuple(make(part, totals, by_outcome=by_outcome, min_cell=min_cell))
    differences = [abs(value) for value in part["smd"].drop_nulls()]
    derived = part["code"][0] is None or part["code"][0] == "MEDS_BIRTH"
    return _Variable(str(part["variable"][0]), rows, max(differences, default=0.0), derived)


def _numeric(part: pl.DataFrame, totals: dict[str, int], *, by_outcome: bool, min_cell: int) -> Iterator[Row]:
    found = {row["group"]: row for row in part.to_dicts()}
    few = {group: found[group]["n"] <= min_cell for group in _ALL}
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


def _categorical(
    part: pl.DataFrame, totals: dict[str, int], *, by_outcome: bool, min_cell: int
) -> Iterator[Row]:
    levels = [
        ({row["group"]: row for row in rows.to_dicts()}, str(rows["level"][0]))
        for rows in part.partition_by("level", maintain_order=True)
    ]
    entries = [(level, {group: found[group]["n"] for group in _ALL}) for found, level in levels]
    pooled = [entry for entry in entries if entry[0].startswith(_OTHER) or entry[1]["overall"] <= min_cell]
    entries = [entry for entry in entries if entry not in pooled]
    if pooled:
        # Names of levels that few patients have may be record text.
        entries.append((_OTHER, {group: sum(entry[1][group] for entry in pooled) for group in _ALL}))
    missing = {group: levels[0][0][group]["n_missing"] for group in _ALL}
    if missing["overall"]:
        entries.append(("missing", missing))
    groups = _GROUPS if by_outcome else _ALL[:1]
    counts = np.array([[sizes[group] for group in groups] for _, sizes in entries], dtype=np.int64)
    hidden = hidden_rows(counts, [totals[group] for group in groups], min_cell=min_cell)
    shown = [entry for entry, hide in zip(entries, hidden, strict=True) if not hide]
    together = [entry for entry, hide in zip(entries, hidden, strict=True) if hide]
    name = str(part["variable"][0])
    if not shown:
        stars: dict[str, Words | None] = dict.fromkeys(_ALL)
        yield Row(_cells(name, stars, None, by_outcome=by_outcome))
        return
    yield Row((name,), tone="group")
    for level, sizes in shown:
        gap = (
            ""
            if level in (_OTHER, "missing")
            else number(_difference_of_shares(sizes, totals), 2, signed=True)
        )
        yield Row(_cells(level, _shares(sizes, totals), gap, by_outcome=by_outcome), tone="level")
    if together:
        sums = {group: sum(sizes[group] for _, sizes in together) for group in _ALL}
        label = listed([level for level, _ in together], "or")
        complete = all(sum(sizes[group] for _, sizes in entries) == totals[group] for group in _ALL)
        # Complete levels give this sum away anyway; it is safe, or more rows would have been hidden.
        numbers = _shares(sums, totals) if complete else dict.fromkeys(_ALL)
        yield Row(_cells(label, numbers, "", by_outcome=by_outcome), tone="level")


def _missing(
    found: dict[str, dict[str, int]], totals: dict[str, int], *, by_outcome: bool, min_cell: int
) -> Iterator[Row]:
    if not found["overall"]["n_missing"]:
        return
    groups = _GROUPS if by_outcome else _ALL[:1]
    counts = np.array([[found[group]["n_missing"] for group in groups]], dtype=np.int64)
    hide = hidden_rows(counts, [totals[group] for group in groups], min_cell=min_cell)[0]
    sizes = {group: found[group]["n_missing"] for group in _ALL}
    shown = dict.fromkeys(_ALL) if hide else _shares(sizes, totals)
    yield Row(_cells("missing", shown, "", by_outcome=by_outcome), tone="level")


def _cells(
    name: str, shown: dict[str, Words | None], gap: Words | None, *, by_outcome: bool
) -> tuple[Words | None, ...]:
    return (name, *(shown[group] for group in _ALL), gap) if by_outcome else (name, shown["overall"])


def _difference(value: float | None, *, hide: bool) -> str | None:
    return None if hide else number(value, 2, signed=True)


def _quartiles(row: dict[str, float], digits: int) -> str:
    return with_interval(row["value"], row["low"], row["high"], digits) if row["n"] else "–"


def _difference_of_shares(sizes: dict[str, int], totals: dict[str, int]) -> float | None:
    """Standardised difference of two shares (Austin 2009), from the numbers that are shown and no others."""
    p, q = (sizes[group] / totals[group] if totals[group] else math.nan for group in ("positive", "negative"))
    spread = math.sqrt((p * (1 - p) + q * (1 - q)) / 2)
    return (p - q) / spread if spread > 0 else None


def _shares(sizes: dict[str, int], totals: dict[str, int]) -> dict[str, Words | None]:
    """Counts with their share of the whole group: one of known values would tell how many are missing."""
    return {
        group: f"{count(sizes[group])} ({percent(sizes[group] / totals[group] if totals[group] else None)})"
        for group in _ALL
    }
