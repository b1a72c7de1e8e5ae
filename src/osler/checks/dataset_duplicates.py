"""Are there rows that are identical in every column?

Identical rows are of one subject, whose rows are together: rows are hashed and compared subject by subject,
some hundred thousand rows at a time. Different rows of a subject have the same hash of 64 bits with a
probability that can be left out of account.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from osler.checks.finding import OK, WARNING, Finding, example, percent
from osler.checks.place import Place
from osler.record.dataset import Dataset

FEW = 0.001  # a share that does not distort counts
BATCH_ROWS = 200_000


def check(place: Place) -> list[Finding]:
    """Count rows that repeat another one; a warning above one in a thousand."""
    dataset = place.dataset
    if dataset is None or not dataset.rows:
        return []
    repeated = repeated_rows(dataset)
    count = int(repeated["n"].sum())
    if not count:
        return []
    worst = repeated.row(0, named=True)
    what = (
        f"{percent(count, dataset.rows)} of the rows repeat another one in every column; "
        f"most of them {worst['code']} ({worst['n']:,})"
    )
    if count <= FEW * dataset.rows:
        return [Finding(OK, what, file=str(place.path), count=count)]
    return [
        Finding(
            WARNING,
            what,
            file=str(place.path),
            count=count,
            example=example(subject_id=worst["subject_id"], code=worst["code"]),
            remedy="drop duplicates in the source; they count twice in texts and features",
        )
    ]


def repeated_rows(dataset: Dataset) -> pl.DataFrame:
    """Rows that are identical with an earlier row of their subject.

    Args:
        dataset: the dataset; the rows of a subject are together.

    Returns:
        `code, n, subject_id`: how many there are, and the least subject that has one; the code with most of
        them first.
    """
    parts = [_repeated(rows) for shard in dataset.shards for rows in _whole_subjects(shard.path)]
    return (
        pl.concat(parts)
        .group_by("code")
        .agg(pl.col("n").sum(), pl.col("subject_id").min())
        .sort("n", "code", descending=[True, False])
    )


def _repeated(rows: pl.DataFrame) -> pl.DataFrame:
    extra = rows.filter(rows["hash"].is_duplicated() & ~rows["hash"].is_first_distinct())
    return extra.group_by("code").agg(n=pl.len(), subject_id=pl.col("subject_id").min())


def _whole_subjects(file: Path) -> Iterator[pl.DataFrame]:
    """`subject_id, code, hash` of some rows of a shard at a time, no subject in two parts."""
    import pyarrow.parquet as pq

    held: list[pl.DataFrame] = []
    with pq.ParquetFile(file) as source:
        for batch in source.iter_batches(batch_size=BATCH_ROWS):
            rows = _hashed(pl.DataFrame(pl.from_arrow(batch)))
            if rows.is_empty():
                continue
            last = rows["subject_id"][-1]
            before = rows.select(pl.col("subject_id").ne_missing(last).arg_true().max()).item()
            begun = 0 if before is None else before + 1
            if begun:
                yield pl.concat([*held, rows[:begun]])
                held = []
            held.append(rows[begun:])
    if held:
        yield pl.concat(held)


def _hashed(frame: pl.DataFrame) -> pl.DataFrame:
    """`subject_id, code` and a hash of all columns; dictionaries, which differ by batch, are spelled out."""
    plain = frame.with_columns(pl.col(pl.Categorical).cast(pl.String))
    return plain.select(
        pl.col("subject_id").cast(pl.Int64), pl.col("code").cast(pl.String), hash=plain.hash_rows()
    )
