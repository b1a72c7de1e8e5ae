"""When were the events known? Midnight stamps and events without a time (METHODS 1)."""

import polars as pl

from osler.checks.finding import OK, WARNING, Finding
from osler.checks.place import Place
from osler.record.dataset import Dataset
from osler.record.schema import BIRTH, DEMOGRAPHICS

MUCH = 0.25  # a share of midnight stamps that times of day do not explain


def check(place: Place) -> list[Finding]:
    """Count midnight stamps, and events that stay visible at every time because they have none."""
    dataset = place.dataset
    if dataset is None or not dataset.rows:
        return []
    return [_midnight(dataset, place), *_null(dataset, place)]


def _midnight(dataset: Dataset, place: Place) -> Finding:
    if dataset.undated:
        return Finding(OK, "undated: times only order the events", file=str(place.path))
    time = pl.col("time")
    dated = dataset.scan().filter(time.is_not_null() & (pl.col("code") != BIRTH))
    counts = dated.select(n=pl.len(), midnight=(time.dt.truncate("1d") == time).sum()).collect(
        engine="streaming"
    )
    n, midnight = counts.row(0)
    share = midnight / n if n else 0.0
    what = f"{share:.1%} of {n:,} dated events are stamped midnight"
    if share <= MUCH:
        return Finding(OK, what, file=str(place.path), column="time", count=midnight)
    return Finding(
        WARNING,
        what + ", as dates without a time of day are",
        file=str(place.path),
        column="time",
        count=midnight,
        remedy="a date says what was known at the end of that day: stamp such events 23:59",
    )


def _null(dataset: Dataset, place: Place) -> list[Finding]:
    fixed = dataset.codes.filter(pl.col("section") == DEMOGRAPHICS)["code"]
    timeless = (
        dataset.scan()
        .filter(pl.col("time").is_null() & ~pl.col("code").is_in(fixed.implode()))
        .select(n=pl.len(), codes=pl.col("code").n_unique())
        .collect(engine="streaming")
    )
    n, codes = timeless.row(0)
    if not n:
        return []
    return [
        Finding(
            WARNING,
            f"events without a time, of {codes:,} codes that are no demographics: every prediction sees them",
            file=str(place.path),
            column="time",
            count=n,
            remedy="give them the time at which they were known; only facts fixed at birth have none",
        )
    ]
