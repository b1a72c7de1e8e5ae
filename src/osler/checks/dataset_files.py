"""Do all files of the dataset open, to the last row, and do the required columns have their types?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, WARNING, Finding, counted, example
from osler.checks.place import Place
from osler.record.dataset import Shard


def check(place: Place) -> list[Finding]:
    """Open the dataset and read every shard once."""
    dataset = place.dataset
    if dataset is None:
        return []
    broken = [finding for shard in dataset.shards if (finding := _unreadable(shard)) is not None]
    if broken:
        return broken
    if dataset.rows == 0:
        return [
            Finding(
                WARNING,
                "the dataset has no events",
                file=str(place.path),
                count=0,
                example=example(file=dataset.shards[0].path),
                remedy="check the source and what `osler ingest` left out (metadata/attrition.parquet)",
            )
        ]
    subjects = dataset.scan().select(pl.col("subject_id").n_unique()).collect(engine="streaming").item()
    what = ", ".join(
        counted(number, noun)
        for number, noun in ((len(dataset.shards), "shard"), (dataset.rows, "event"), (subjects, "subject"))
    )
    return [Finding(OK, what, file=str(place.path))]


def _unreadable(shard: Shard) -> Finding | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(shard.path) as file:
            for _ in file.iter_batches(batch_size=1_000_000):
                pass
    except (pa.ArrowException, OSError, ValueError) as error:
        return Finding(
            BROKEN,
            f"the file cannot be read to its end ({type(error).__name__})",
            file=str(shard.path),
            count=1,
            example=example(file=shard.path),
            remedy="write or copy the file again",
        )
    return None
