"""Table 1: who is in the cohort, by outcome, with standardised differences."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.reports.blocks import Block, Column, Details, Heading, Row, Section, Table, Words, say
from osler.reports.formats import count, decimals, number, percent, with_interval
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import hidden_rows, is_small
from osler.reports.words import plural, task_title

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
    )
    if n_rows <= _MOST_ROWS:
        return [whole]
    ranked = sorted(
        (variable for variable in variables if not variable.derived), key=lambda one: -one.difference
    )[:_SHOWN]
    chosen = [variable for variable in variables if variable.derived or variable in ranked]
    caption = f"Patients by outcome: the basics and the {len(ranked)} variables that differ most"
    part = _table(task, chosen, totals, caption, by_outcome=by_outcome)
    return [part, Details(f"All {plural(len(variables), 'variable')}", (whole,))]


def _totals(frame: pl.DataFrame) -> dict[str, int]:
    """Samples of each group: with a value and without, of the first variable."""
    first = frame.filter(pl.col("variable") == frame["variable"][0])
    found = first.group_by("group").agg(pl.col("n").sum() + pl.col("n_missing").first())
    return {group: int(n) for group, n in found.iter_rows()}


def _table(
    task: str, variables: Sequence[_Variable], totals: dict[str, int], caption: str, *, by_outcome: bool
) -> Table:
    titles = {"overall": "All", "negative": "Without the event", "positive": "With the event"}
    shown = _ALL if by_outcome else _ALL[:1]
    columns = [Column("", numeric=False)]
    columns += [Column(say("{}<br>n = {}", titles[group], count(totals[group]))) for group in shown]
    columns += [Column("Standardised difference")] if by_outcome else []
    notes = [
        "Numbers: median (quartiles). Levels: n (share of those with a value). Values are the latest at "
        "or before the prediction time."
    ]
    if by_outcome:
        notes.append(
            "Standardised difference: difference of means or shares, with minus without the event, over "
            "the root mean of the two variances (Austin 2009). Levels of few patients are counted "
            "together."
        )
    else:
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
    first = levels[0][0]
    known = {group: totals[group] - first[group]["n_missing"] for group in _ALL}
    named: list[_Level] = []
    rare: list[_Level] = []
    for found, level in levels:
        pooled = level.startswith(_OTHER) or found["overall"]["n"] <= min_cell
        (rare if pooled else named).append((found, level))
    entries = [
        (level, {group: found[group]["n"] for group in _ALL}, found["overall"]["smd"])
        for found, level in named
    ]
    if rare:
        sums = {group: sum(found[group]["n"] for found, _ in rare) for group in _ALL}
        entries.append((_OTHER, sums, None))
    missing = {group: first[group]["n_missing"] for group in _ALL}
    if missing["overall"]:
        entries.append(("missing", missing, None))
    groups = _GROUPS if by_outcome else _ALL[:1]
    counts = np.array([[entry[1][group] for group in groups] for entry in entries], dtype=np.int64)
    hidden = hidden_rows(counts, [totals[group] for group in groups], min_cell=min_cell)
    yield Row((str(part["variable"][0]),), tone="group")
    for (level, sizes, smd), hide in zip(entries, hidden, strict=True):
        base = totals if level == "missing" else known
        shown: dict[str, Words | None] = {
            group: None if hide else _share(sizes[group], base[group]) for group in _ALL
        }
        gap = "" if level in (_OTHER, "missing") else _difference(smd, hide=bool(hide))
        yield Row(_cells(level, shown, gap, by_outcome=by_outcome), tone="level")


def _missing(
    found: dict[str, dict[str, int]], totals: dict[str, int], *, by_outcome: bool, min_cell: int
) -> Iterator[Row]:
    if not found["overall"]["n_missing"]:
        return
    groups = _GROUPS if by_outcome else _ALL[:1]
    counts = np.array([[found[group]["n_missing"] for group in groups]], dtype=np.int64)
    hide = hidden_rows(counts, [totals[group] for group in groups], min_cell=min_cell)[0]
    shown: dict[str, Words | None] = {
        group: None if hide else _share(found[group]["n_missing"], totals[group]) for group in _ALL
    }
    yield Row(_cells("missing", shown, "", by_outcome=by_outcome), tone="level")


def _cells(
    name: str, shown: dict[str, Words | None], gap: Words | None, *, by_outcome: bool
) -> tuple[Words | None, ...]:
    return (name, *(shown[group] for group in _ALL), gap) if by_outcome else (name, shown["overall"])


def _difference(value: float | None, *, hide: bool) -> str | None:
    return None if hide else number(value, 2, signed=True)


def _quartiles(row: dict[str, float], digits: int) -> str:
    return with_interval(row["value"], row["low"], row["high"], digits) if row["n"] else "–"


def _share(n: int, total: int) -> str:
    return f"{count(n)} ({percent(n / total if total else None)})"
