"""Writing Parquet by rows that arrive in batches: groups of rows of bounded size, whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.files import atomic_path
from osler.record.sources.fhir.tables import INTEGER, NUMBER, TEXT
from osler.record.sources.fhir.texts import CONTENT

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 20_000  # rows
_ROW_GROUP_OF_TEXTS = 1_000  # rows, where each holds a document
_BYTES_OF_TEXTS = 32 << 20  # a group of documents ends when it holds this much


def arrow_schema(columns: dict[str, str]) -> "pa.Schema":
    """The Arrow schema of columns of text, numbers and integers."""
    import pyarrow as pa

    kinds = {TEXT: pa.string(), NUMBER: pa.float64(), INTEGER: pa.int64()}
    return pa.schema([(name, kinds[kind]) for name, kind in columns.items()])


class ParquetRows:
    """A Parquet file that is being written. Its bytes do not depend on how its rows are cut into batches.

    Attributes:
        rows: rows so far.
    """

    def __init__(self, path: Path, columns: dict[str, str]) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        self._has_texts = CONTENT in columns
        self._group = _ROW_GROUP_OF_TEXTS if self._has_texts else ROW_GROUP
        self._schema = arrow_schema(columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=1)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = 0

    def add(self, batch: "pa.RecordBatch") -> None:
        """Add rows; the columns are in the order of the file."""
        self.rows += batch.num_rows
        while (missing := self._missing(batch)) is not None:
            self._waiting.append(batch.slice(0, missing))
            self._flush()
            batch = batch.slice(missing)
        if batch.num_rows:
            self._waiting.append(batch)
            self._waiting_rows += batch.num_rows

    def _missing(self, batch: "pa.RecordBatch") -> int | None:
        """How many rows of a batch fill the group; None, and the batch is counted, where it does not."""
        missing = self._group - self._waiting_rows
        rows = missing if missing <= batch.num_rows else None
        if self._has_texts:
            import pyarrow.compute as pc

            lengths = pc.fill_null(pc.binary_length(batch.column(CONTENT)), 0).to_numpy()
            sizes = self._waiting_bytes + lengths.cumsum(dtype="int64")
            full = int(sizes.searchsorted(_BYTES_OF_TEXTS))
            if full < len(sizes):
                rows = full + 1 if rows is None else min(rows, full + 1)
            elif rows is None and len(sizes):
                self._waiting_bytes = int(sizes[-1])
        return rows

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        if self._waiting:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(self._waiting).cast(self._schema)
        self._writer.write_table(table.combine_chunks(), row_group_size=self._group)
        self._waiting.clear()
        self._waiting_rows = self._waiting_bytes = 0


@contextmanager
def parquet_rows(path: Path, columns: dict[str, str]) -> Iterator[ParquetRows]:
    """A Parquet file to write, readable by its owner only; it is there when all of it is.

    Args:
        path: its place.
        columns: column -> text, number or integer.
    """
    with atomic_path(path, private=True) as temporary:
        rows = ParquetRows(temporary, columns)
        try:
            yield rows
        finally:
            rows.close()
