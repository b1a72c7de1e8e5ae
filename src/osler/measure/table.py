"""The long table of metrics: one object per number, the same columns everywhere."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

COLUMNS: dict[str, pl.DataType] = {
    "task": pl.String(),
    "split": pl.String(),
    "fold": pl.String(),
    "k": pl.String(),
    "replicate": pl.Int64(),
    "representation": pl.String(),
    "head": pl.String(),
    "group": pl.String(),
    "level": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "interval": pl.String(),
    "n": pl.Int64(),
    "n_events": pl.Int64(),
    "against": pl.String(),
    "p": pl.Float64(),
    "p_holm": pl.Float64(),
    "file": pl.String(),
}


@dataclass(frozen=True, kw_only=True)
class MetricRow:
    """One number with its interval. What does not apply is None.

    Attributes:
        task: name of the task.
        metric: name of the metric.
        value: its value.
        split: side of the split that it was measured on (held_out).
        fold: number of a fold, "mean" over folds, or "pooled" for out-of-fold predictions taken together.
        k: training samples per class, "all" for the whole training side.
        replicate: repeat of the split or draw of the training samples.
        representation: what the head read.
        head: the model on top.
        group: a declared group (site, sex); level: one value of it.
        low: lower limit; high: upper limit; interval: how they were made.
        n: samples; n_events: events among them.
        against: the model compared with; p: two-sided; p_holm: corrected.
        file: the file that the number can be recomputed from, relative to the folder of the table.
    """

    task: str
    metric: str
    value: float | None
    split: str | None = None
    fold: str | None = None
    k: str | None = None
    replicate: int | None = None
    representation: str | None = None
    head: str | None = None
    group: str | None = None
    level: str | None = None
    low: float | None = None
    high: float | None = None
    interval: str | None = None
    n: int | None = None
    n_events: int | None = None
    against: str | None = None
    p: float | None = None
    p_holm: float | None = None
    file: str | None = None


def metrics_frame(rows: Iterable[MetricRow]) -> pl.DataFrame:
    """The table of metrics; NaN and infinities become null.

    Examples:
        >>> frame = metrics_frame([MetricRow(task="death", metric="auroc", value=float("nan"))])
        >>> frame["value"].null_count(), frame.columns[:3]
        (1, ['task', 'split', 'fold'])
    """
    return pl.DataFrame([_plain(row) for row in rows], schema=COLUMNS)


def metrics_objects(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """JSON-ready list of objects with the same keys; absent is None."""
    return frame.select(list(COLUMNS)).to_dicts()


def _plain(row: MetricRow) -> dict[str, Any]:
    values = asdict(row)
    for name in ("value", "low", "high", "p", "p_holm"):
        if values[name] is not None and not math.isfinite(values[name]):
            values[name] = None
    return {name: values[name] for name in COLUMNS}
