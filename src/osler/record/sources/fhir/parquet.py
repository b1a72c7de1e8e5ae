"""Writing Parquet by rows that arrive in batches: groups of rows of one size, whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.files import atomic_path
from osler.record.sources.fhir.tables import INTEGER, NUMBER, TEXT

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 20_000  # rows
_GROUP_BYTES = 64 << 20  # a group of long texts is written earlier


def arrow_schema(columns: dict[str, str]) -> "pa.Schema":
    """The Arrow schema of columns of text, numbers and integers."""
    import pyarrow as pa

    kinds = {TEXT: pa.string(), NUMBER: pa.float64(), INTEGER: pa.int64()}
    return pa.schema([(name, kinds[kind]) for name, kind in columns.items()])


class ParquetRows:
    """A Parquet file that is being written.

    Attributes:
        rows: rows so far.
    """

    def __init__(self, path: Path, columns: dict[str, str]) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        self._schema = arrow_schema(columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=1)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = self._waiting_bytes = 0

    def add(self, batch: "pa.RecordBatch") -> None:
        """Add rows; the columns are in the order of the file."""
        self.rows += batch.num_rows
        self._waiting.append(batch)
        self._waiting_rows += batch.num_rows
        self._waiting_bytes += batch.nbytes
        if self._waiting_rows >= ROW_GROUP or self._waiting_bytes >= _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        if self._waiting:
            self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(self._waiting)
        self._writer.write_table(table.cast(self._schema), row_group_size=ROW_GROUP)
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
