"""Every row of the source accounted for: what became events, what was left out, and why."""

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from osler.record.mapping.job import FirstPass, SecondPass

READ, LEFT_OUT, KEPT, NOT_READ, TOLD_ONCE = "read", "left out", "kept", "not read", "told once"
IN_PART = "kept in part"
COLUMNS = {
    "table": pl.String(),
    "step": pl.String(),
    "reason": pl.String(),
    "n_rows": pl.Int64(),
    "n_events": pl.Int64(),
    "n_subjects": pl.Int64(),
}


def attrition_frame(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """The attrition table out of rows with `table, step, reason` and any of the counts."""
    return pl.DataFrame([{name: row.get(name) for name in COLUMNS} for row in rows], schema=COLUMNS)


def attrition_of(
    first: FirstPass, second: SecondPass, *, before: Sequence[dict[str, Any]] = ()
) -> pl.DataFrame:
    """The attrition table of an ingest.

    Of each table the rows that were read are those kept, some of them in part, and those left out; the events
    of the dataset are those that kept rows made, less those that are told once.

    Args:
        first, second: what the passes found and wrote.
        before: rows for what never became a row of a table.
    """
    tables = dict(first.meanings.codes.select("number", "table").iter_rows())
    again: dict[str, int] = {}
    for number, n in second.told_once.items():
        table = tables.get(number, "dataset that was continued")
        again[table] = again.get(table, 0) + n
    rows = list(before)
    for name, counts in first.collected.counts.items():
        rows.append({"table": name, "step": READ, "reason": "rows of the table", "n_rows": counts.read})
        rows += [
            {"table": name, "step": LEFT_OUT, "reason": reason, "n_rows": n}
            for reason, n in sorted(counts.left.items(), key=lambda entry: (-entry[1], entry[0]))
        ]
        rows.append(
            {
                "table": name,
                "step": KEPT,
                "reason": "rows that made events",
                "n_rows": counts.kept,
                "n_events": counts.events,
            }
        )
        rows += [
            {"table": name, "step": IN_PART, "reason": f"{reason}: without that event", "n_rows": n}
            for reason, n in sorted(counts.partly.items())
        ]
    rows += [
        {"table": name, "step": TOLD_ONCE, "reason": "told before of the subject", "n_events": n}
        for name, n in sorted(again.items())
    ]
    rows += [
        {"table": name, "step": NOT_READ, "reason": reason, "n_rows": n}
        for name, (reason, n) in first.not_read.items()
    ]
    return attrition_frame(rows)
