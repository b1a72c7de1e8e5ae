"""Writing Parquet by rows that arrive in batches: groups of rows of one size, whole or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.files import atomic_path
from osler.record.sources.fhir.tables import INTEGER, NUMBER, TEXT

if TYPE_CHECKING:
    import pyarrow as pa

_ROW_GROUP = 20_000  # rows
_ROW_GROUP_OF_TEXTS = 1_000  # rows, where each holds a document


def rows_in_group(columns: Mapping[str, str]) -> int:
    """Rows of a group, and of a batch that is in memory at a time."""
    return _ROW_GROUP_OF_TEXTS if "content" in columns else _ROW_GROUP


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
        self._group = rows_in_group(columns)
        self._schema = arrow_schema(columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=1)
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0

    def add(self, batch: "pa.RecordBatch") -> None:
        """Add rows; the columns are in the order of the file."""
        self.rows += batch.num_rows
        while self._waiting_rows + batch.num_rows >= self._group:
            missing = self._group - self._waiting_rows
            self._waiting.append(batch.slice(0, missing))
            self._flush()
            batch = batch.slice(missing)
        if batch.num_rows:
            self._waiting.append(batch)
            self._waiting_rows += batch.num_rows

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
        self._waiting_rows = 0


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
