"""When were the events known? Zones, midnight stamps and events without a time (METHODS 1)."""

import polars as pl

from osler.checks.finding import OK, WARNING, Finding, example, listed, percent
from osler.checks.place import Place
from osler.checks.survey import Survey
from osler.checks.zones import zone_findings
from osler.record.schema import DEMOGRAPHICS

MUCH = 0.25  # a share of midnight stamps that times of day do not explain


def check(place: Place) -> list[Finding]:
    """Zones; midnight stamps; events that stay visible at every time because they have none."""
    survey = place.survey
    if survey is None or not survey.dataset.rows:
        return []
    zones = zone_findings([shard.path for shard in survey.dataset.shards], "time")
    return [*zones, _midnight(survey), *_null(survey)]


def _midnight(survey: Survey) -> Finding:
    file = str(survey.path)
    if survey.dataset.undated:
        return Finding(OK, "undated: times only order the events", file=file)
    pairs = survey.pairs
    n, midnight = int(pairs["n_dated"].sum()), int(pairs["n_midnight"].sum())
    what = f"{percent(midnight, n)} of {n:,} dated events are stamped midnight"
    if midnight <= MUCH * n:
        return Finding(OK, what, file=file, column="time", count=midnight)
    most = pairs.sort("n_midnight", descending=True, maintain_order=True).row(0, named=True)
    return Finding(
        WARNING,
        what + ", as dates without a time of day are",
        file=file,
        column="time",
        count=midnight,
        example=example(subject_id=most["with_midnight"], code=most["code"]),
        remedy="a date says what was known at the end of that day: stamp such events 23:59",
    )


def _null(survey: Survey) -> list[Finding]:
    book = survey.dataset.codes
    fixed = book.filter(pl.col("section") == DEMOGRAPHICS)["code"]
    timeless = (
        survey.pairs.filter((pl.col("n_timeless") > 0) & ~pl.col("code").is_in(fixed.implode()))
        .group_by("code")
        .agg(pl.col("n_timeless").sum(), pl.col("with_timeless").min())
        .sort("n_timeless", "code", descending=[True, False])
    )
    if timeless.is_empty():
        return []
    first = timeless.row(0, named=True)
    return [
        Finding(
            WARNING,
            f"events without a time, of {timeless.height:,} codes that are no demographics "
            f"({listed(timeless['code'])}): every prediction sees them",
            file=str(survey.path),
            column="time",
            count=int(timeless["n_timeless"].sum()),
            example=example(subject_id=first["with_timeless"], code=first["code"]),
            remedy="give them the time at which they were known; only facts fixed at birth have none",
        )
    ]
