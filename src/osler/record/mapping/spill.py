"""Events on their way: rows in files by bucket, so that each part of the subjects can be read by itself.

A bucket is a range of a hash of the subject. A run is a file with the events of some hundred thousand rows,
one record batch per bucket; a shard of the dataset is made of the same buckets of all runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from osler.base.files import atomic_path
from osler.record.splits import uniform_hash

if TYPE_CHECKING:
    import pyarrow as pa

# Types of the columns of events that are not yet resolved; numbers of texts are those of a `Numbering`. A run
# has those of them that its events use.
COLUMNS: dict[str, pl.DataType] = {
    "subject_id": pl.Int64(),
    "time": pl.Datetime("us"),
    "code": pl.UInt32(),
    "number": pl.Float32(),
    "text": pl.String(),
    "label": pl.UInt32(),
    "unit": pl.UInt32(),
    "visit_id": pl.Int64(),
    "note_id": pl.Int64(),
    "site": pl.UInt32(),
}
_SEED = 20_200_131  # another division than that of the splits


def buckets_of(subject_ids: np.ndarray, buckets: int) -> np.ndarray:
    """The bucket of each subject, uint16 [n]; a coarser division joins neighbouring buckets.

    Examples:
        >>> ids = np.arange(1000)
        >>> bool((buckets_of(ids, 8) // 2 == buckets_of(ids, 4)).all())
        True
    """
    return np.asarray((uniform_hash(subject_ids, seed=_SEED) * buckets).astype(np.uint16))


@dataclass(frozen=True)
class Run:
    """A file of events by bucket.

    Attributes:
        path: the file.
        batches: bucket of each of its record batches, ascending.
    """

    path: Path
    batches: tuple[int, ...]


class Spill:
    """Collects events and writes them as runs.

    Args:
        folder: where the runs go.
        name: how they are called.
        buckets: number of buckets.
        rows: events that are held before they are written.
        bytes_held: bytes of text that are held before they are written.
    """

    def __init__(self, folder: Path, name: str, *, buckets: int, rows: int, bytes_held: int) -> None:
        self.folder = folder
        self.name = name
        self.buckets = buckets
        self.runs: list[Run] = []
        self._rows, self._bytes = rows, bytes_held
        self._held: list[pl.DataFrame] = []
        self._sizes = [0, 0]

    def add(self, events: pl.DataFrame) -> None:
        """Take events; columns as in `COLUMNS`, any others too."""
        if events.height == 0:
            return
        self._held.append(events)
        self._sizes[0] += events.height
        self._sizes[1] += int(events.estimated_size())
        if self._sizes[0] >= self._rows or self._sizes[1] >= self._bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is held as one run."""
        if not self._held:
            return
        events = pl.concat(self._held, how="diagonal")
        self._held, self._sizes = [], [0, 0]
        bucket = buckets_of(events["subject_id"].to_numpy(), self.buckets)
        order = np.argsort(bucket, kind="stable")
        events = events[order]
        here, starts = np.unique(bucket[order], return_index=True)
        path = self.folder / f"{self.name}-{len(self.runs):05d}.arrow"
        _write(path, events, [*starts.tolist(), events.height])
        self.runs.append(Run(path, tuple(here.tolist())))


def _write(path: Path, events: pl.DataFrame, edges: Sequence[int]) -> None:
    import pyarrow as pa

    table = events.to_arrow(compat_level=pl.CompatLevel.oldest())
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with (
        atomic_path(path, private=True) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, table.schema, options=options) as writer,
    ):
        for start, end in pairwise(edges):
            for batch in table.slice(start, end - start).combine_chunks().to_batches():
                writer.write_batch(batch)


def completed(events: pl.DataFrame) -> pl.DataFrame:
    """Events with all of `COLUMNS`: where one is absent there is no text, id or value."""
    return events.select(
        pl.col(name).fill_null(0) if name in events.columns and kind == pl.UInt32()
        else pl.col(name) if name in events.columns
        else pl.lit(0 if kind == pl.UInt32() else None, dtype=kind).alias(name)
        for name, kind in COLUMNS.items()
    )  # fmt: skip


def read_buckets(runs: Sequence[Run], first: int, end: int) -> Iterator["pa.Table"]:
    """The events of buckets `first <= bucket < end`, run by run."""
    import pyarrow as pa

    for run in runs:
        wanted = [place for place, bucket in enumerate(run.batches) if first <= bucket < end]
        if not wanted:
            continue
        with pa.OSFile(str(run.path), "rb") as source, pa.ipc.open_file(source) as reader:
            yield pa.Table.from_batches([reader.get_batch(place) for place in wanted])
