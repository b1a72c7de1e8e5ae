"""Reading the few events that a task needs from a shard, without loading the rest of it."""

from collections.abc import Sequence

import polars as pl

from osler.base.errors import InputError
from osler.record.dataset import ROW, Dataset, Shard, in_canonical_order
from osler.record.schema import EVENT_TYPES

HOUR_US = 3_600_000_000
_INDEX = "__osler_row"


def scan_shard(shard: Shard, *, extra: Sequence[str] = ()) -> pl.LazyFrame:
    """Events of one shard lazily, in file order, typed, with `row`, their position in the dataset.

    Args:
        shard: the shard.
        extra: further columns (hospital, insurance ...), given as text; null where the shard lacks them.
    """
    # A name of its own: shards may have a column that is called `row`.
    frame = pl.scan_parquet(shard.path, row_index_name=_INDEX, row_index_offset=shard.offset)
    columns = {**EVENT_TYPES, **{name: pl.String() for name in extra if name not in EVENT_TYPES}}
    return frame.select(
        pl.col(_INDEX).cast(pl.UInt64).alias(ROW),
        *(
            pl.col(name).cast(kind) if name in shard.columns else pl.lit(None, dtype=kind).alias(name)
            for name, kind in columns.items()
        ),
    )


def select_events(shard: Shard, wanted: pl.Expr, *, extra: Sequence[str] = ()) -> pl.DataFrame:
    """Events of one shard for which `wanted` holds, in canonical order."""
    return in_canonical_order(scan_shard(shard, extra=extra).filter(wanted).collect(engine="streaming"))


def has_code(code: str) -> pl.Expr:
    """Whether an event has this code or one below it (`MEDS_DEATH`, `MEDS_DEATH//HOSPICE`)."""
    return (pl.col("code") == code) | pl.col("code").str.starts_with(f"{code}//")


def hours(value: float) -> pl.Expr:
    """A span of hours as a duration, exact to the microsecond."""
    return pl.duration(microseconds=round(value * HOUR_US))


def event_value() -> pl.Expr:
    """The value of an event as text: its text, else its number (`1`, `0.5`), else null."""
    text = pl.col("text_value").str.strip_chars()
    number = pl.col("numeric_value").cast(pl.Float64)
    whole = number.is_finite() & (number == number.floor()) & (number.abs() < 2**53)
    written = (
        pl.when(whole)
        .then(number.cast(pl.Int64, strict=False).cast(pl.String))
        .when(number.is_finite())
        .then(pl.col("numeric_value").cast(pl.String))
    )
    return pl.when(text.str.len_chars() > 0).then(text).otherwise(written)


def require_one_shard_per_subject(dataset: Dataset) -> None:
    """Refuse a dataset in which a subject's events lie in more than one shard.

    Raises:
        InputError: names how many subjects are concerned.
    """
    if len(dataset.shards) < 2:
        return
    parts = [
        pl.scan_parquet(shard.path)
        .select(pl.col("subject_id").cast(pl.Int64))
        .unique()
        .collect(engine="streaming")
        for shard in dataset.shards
    ]
    repeated = pl.concat(parts).group_by("subject_id").len().filter(pl.col("len") > 1)
    if repeated.height:
        raise InputError(
            "subjects have events in more than one shard",
            where=dataset.path,
            count=repeated.height,
            remedy="MEDS wants all events of a subject in one file: write the shards again by subject",
        )


def require_codes(dataset: Dataset, wanted: dict[str, str]) -> None:
    """Refuse a dataset that has no event with one of these codes or a code below it.

    Args:
        dataset: the dataset.
        wanted: code -> name of the setting that chose it.

    Raises:
        InputError: names the code and the setting.
    """
    codes = dataset.codes["code"]
    for code, setting in wanted.items():
        if not ((codes == code) | codes.str.starts_with(f"{code}//")).any():
            raise InputError(
                f"no event has the code {code} or one below it",
                where=dataset.path,
                remedy=f"set '{setting}' to the code that this dataset uses, or choose another task",
            )
