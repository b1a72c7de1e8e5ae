"""Texts of documents on the side: while rows are sorted and joined, a text is two numbers, place and length.

A database works on some thousand rows at a time, which is too much where each holds a document.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

CONTENT = "content"
AT, LENGTH = "content_at", "content_bytes"
TEXTS_AT_A_TIME = 16 << 20  # bytes


class TextWriter(AbstractContextManager["TextWriter"]):
    """A file of texts that is being written; closed at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, batch: "pa.RecordBatch") -> "pa.RecordBatch":
        """Rows with two numbers in the place of their text.

        Args:
            batch: rows, with or without a column `content`.

        Returns:
            Rows with `content_at` and `content_bytes` at the end instead; null where there is no text.
        """
        import pyarrow as pa

        if CONTENT not in batch.schema.names:
            return batch
        places: list[int | None] = []
        lengths: list[int | None] = []
        for text in batch.column(CONTENT).to_pylist():
            data = None if text is None else text.encode()
            places.append(None if data is None else self._file.tell())
            lengths.append(None if data is None else self._file.write(data))
        rest = batch.drop_columns([CONTENT])
        numbers = [pa.array(places, pa.int64()), pa.array(lengths, pa.int64())]
        return pa.record_batch([*rest.columns, *numbers], names=[*rest.schema.names, AT, LENGTH])


class TextReader(AbstractContextManager["TextReader"]):
    """A file of texts, read at any place; closed at the end of the block."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def get(self, batch: "pa.RecordBatch", columns: list[str]) -> "Iterator[pa.RecordBatch]":
        """Rows with their texts, some megabytes at a time.

        Args:
            batch: rows, with or without `content_at` and `content_bytes`.
            columns: the columns to give, in order.
        """
        if AT not in batch.schema.names:
            yield batch.select(columns)
            return
        import pyarrow as pa

        places, lengths = (batch.column(name).to_pylist() for name in (AT, LENGTH))
        start = size = 0
        for end, length in enumerate(lengths, start=1):
            size += length or 0
            if size < TEXTS_AT_A_TIME and end < len(lengths):
                continue
            texts = [self._text(places[row], lengths[row]) for row in range(start, end)]
            part = batch.slice(start, end - start).append_column(CONTENT, pa.array(texts, pa.string()))
            yield part.select(columns)
            start, size = end, 0

    def _text(self, place: int | None, length: int | None) -> bytes | None:
        if place is None or length is None:
            return None
        # Not mapped into memory: the pages of a map would count as the process's own.
        return os.pread(self._file.fileno(), length, place)
