"""Hospital stays: admissions paired with discharges, stays that touch or overlap taken as one.

Pairing is by `visit_id` where a visit has both events, else by order in time: a discharge closes the stay
that is open; at the same time a discharge closes the earlier stay before an admission opens the next.
"""

from dataclasses import dataclass

import polars as pl

from osler.task.events import has_code, hours

UNTIMED = "admission without a time"
REVERSED = "discharge before the admission"
CONTINUED = "continues the stay before (transfer)"

_KEY = ["subject_id", "visit_id"]


@dataclass(frozen=True)
class Stays:
    """The stays of a shard.

    Attributes:
        frame: one row for each admission: `subject_id, visit_id, admitted, discharged` (null: none
            recorded), `reason` (null, or why it is no stay of its own), sorted by subject and admission. A
            stay that others continue has the discharge of the last of them.
        orphans: discharges that no admission precedes (`subject_id`).
    """

    frame: pl.DataFrame
    orphans: pl.DataFrame


def hospital_stays(
    events: pl.DataFrame, *, admission: str, discharge: str, merge_hours: float | None
) -> Stays:
    """Pair admissions with discharges.

    Args:
        events: `subject_id, time, code, visit_id` of at least the admissions and discharges.
        admission: code of admissions (or the beginning of it, before `//`).
        discharge: code of discharges.
        merge_hours: an admission at most so many hours after the end of the stay before continues that
            stay; 0 joins stays that touch or overlap, None joins none.
    """
    marked = events.select(
        *_KEY, "time", pl.when(has_code(admission)).then(0).when(has_code(discharge)).then(1).alias("kind")
    ).filter(pl.col("kind").is_not_null())
    untimed = marked.filter((pl.col("kind") == 0) & pl.col("time").is_null())
    timed = marked.filter(pl.col("time").is_not_null())
    whole = (
        (pl.col("kind").min().over(_KEY) == 0)
        & (pl.col("kind").max().over(_KEY) == 1)
        & pl.col("visit_id").is_not_null()
    )
    timed = timed.with_columns(whole.alias("whole"))
    by_visit = _pair_by_visit(timed.filter("whole"))
    by_order, orphans = _pair_by_order(timed.filter(~pl.col("whole")))
    stays = pl.concat([by_visit, by_order]).with_columns(
        pl.when(pl.col("discharged") < pl.col("admitted")).then(pl.lit(REVERSED)).alias("reason")
    )
    closed = pl.col("reason").is_null() & pl.col("discharged").is_not_null()
    frames = [
        _merge(stays.filter(closed), merge_hours),
        stays.filter(~closed),
        untimed.select(
            *_KEY,
            pl.col("time").alias("admitted"),
            pl.lit(None, dtype=pl.Datetime("us")).alias("discharged"),
            pl.lit(UNTIMED).alias("reason"),
        ),
    ]
    order = ["subject_id", "admitted", "discharged", "visit_id"]
    return Stays(frame=pl.concat(frames).sort(order), orphans=orphans)


def _pair_by_visit(events: pl.DataFrame) -> pl.DataFrame:
    return events.group_by(_KEY).agg(
        pl.col("time").filter(pl.col("kind") == 0).min().alias("admitted"),
        pl.col("time").filter(pl.col("kind") == 1).max().alias("discharged"),
    )


def _pair_by_order(events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    # The same admission written twice is one admission; the visit that comes first names it.
    events = events.sort(
        "subject_id", "time", "kind", "visit_id", nulls_last=[False, False, False, True]
    ).unique(["subject_id", "time", "kind"], keep="first", maintain_order=True)
    # Discharges first, so that they close the stay before. One that finds no open stay goes behind an
    # admission of the same instant when nothing else closes that: a stay without length.
    events = events.sort("subject_id", "time", pl.col("kind") == 0).with_columns(
        _neighbour("kind", 1).alias("before"), _neighbour("kind", -1).alias("after")
    )
    same_instant = (pl.col("after") == 0) & (_neighbour("time", -1) == pl.col("time"))
    closes_nothing = (pl.col("before") != 0).fill_null(value=True)
    unclosed = (_neighbour("kind", -2) != 1).fill_null(value=True)
    late = (pl.col("kind") == 1) & closes_nothing & same_instant.fill_null(value=False) & unclosed
    rank = pl.when(late).then(2).when(pl.col("kind") == 0).then(1).otherwise(0)
    events = events.with_columns(rank.alias("rank")).sort("subject_id", "time", "rank")
    events = events.with_columns(
        _neighbour("kind", 1).alias("before"),
        _neighbour("kind", -1).alias("after"),
        _neighbour("time", -1).alias("next_time"),
        _one_visit(1).alias("visit_before"),
        _one_visit(-1).alias("visit_after"),
    )
    stays = events.filter(pl.col("kind") == 0).select(
        *_KEY,
        pl.col("time").alias("admitted"),
        pl.when((pl.col("after") == 1) & pl.col("visit_after")).then(pl.col("next_time")).alias("discharged"),
    )
    opened = (pl.col("before") == 0).fill_null(value=False) & pl.col("visit_before")
    return stays, events.filter((pl.col("kind") == 1) & ~opened).select("subject_id")


def _neighbour(column: str, steps: int) -> pl.Expr:
    return pl.col(column).shift(steps).over("subject_id")


def _one_visit(steps: int) -> pl.Expr:
    # Two events that name different visits never make one stay.
    return (_neighbour("visit_id", steps) == pl.col("visit_id")).fill_null(value=True)


def _merge(stays: pl.DataFrame, merge_hours: float | None) -> pl.DataFrame:
    if merge_hours is None or stays.is_empty():
        return stays
    stays = stays.sort("subject_id", "admitted", "discharged", "visit_id")
    reach = pl.col("discharged").to_physical().cum_max().over("subject_id").shift(1).over("subject_id")
    begins = (pl.col("admitted") > reach.cast(pl.Datetime("us")) + hours(merge_hours)).fill_null(value=True)
    stays = stays.with_columns(begins.alias("begins")).with_columns(pl.col("begins").cum_sum().alias("stay"))
    return stays.with_columns(
        pl.when("begins")
        .then(pl.col("discharged").max().over("stay"))
        .otherwise("discharged")
        .alias("discharged"),
        pl.when(~pl.col("begins")).then(pl.lit(CONTINUED)).otherwise("reason").alias("reason"),
    ).drop("begins", "stay")


def first_deaths(events: pl.DataFrame, *, death: str) -> pl.DataFrame:
    """The time of death of each subject that has one: the earliest; null when no death event has a time.

    Returns:
        `subject_id, death, has_death` (true).
    """
    return (
        events.filter(has_code(death))
        .group_by("subject_id")
        .agg(pl.col("time").min().alias("death"), pl.lit(value=True).alias("has_death"))
    )


def describe_merging(merge_hours: float | None) -> str:
    """In words, when an admission continues the stay before (a transfer) instead of beginning one."""
    if merge_hours is None:
        return "each admission is a stay of its own, a transfer too"
    if merge_hours == 0:
        return "stays that touch or overlap are one (transfer)"
    return f"an admission at most {merge_hours:g} h after a discharge continues that stay (transfer)"
