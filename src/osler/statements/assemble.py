"""Texts, statements and lines as tables: strings are laid end to end once, never joined one by one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.statements.book import Book
from osler.statements.glue import GlueTexts
from osler.statements.layout import Layout
from osler.statements.lines import Lines, Statements
from osler.statements.names import ID_DIGITS, Names
from osler.statements.packing import factor, factor_text, ragged
from osler.statements.pieces import put_together
from osler.statements.view import NO_TIME, View

_NULLABLE = ("time", "note_start", "note_end")


@dataclass(frozen=True)
class ShardTexts:
    """What a shard's samples say, as Arrow tables with the columns of the `texts` contract.

    Attributes:
        texts: `subject_id, prediction_time, text, n_tokens, n_statements, n_dropped`, one row per sample.
        statements: `statement_id, text, n_tokens`, each distinct statement shown once.
        lines: `subject_id, prediction_time, line, statement_id, section, time, rows, char_start, char_end`;
            with notes also `note_start, note_end`, the characters of the note that a sentence is made of.
    """

    texts: Any
    statements: Any
    lines: Any

    def frame(self, name: str) -> pl.DataFrame:
        """One of the tables as a frame, strings as strings.

        Args:
            name: `texts`, `statements` or `lines`.
        """
        frame = pl.from_arrow(getattr(self, name))
        assert isinstance(frame, pl.DataFrame)
        return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))


def used_only(statement: np.ndarray, statements: Statements) -> tuple[np.ndarray, Statements]:
    """Leave out statements that no line shows, and make those with the same text one.

    Args:
        statement: [n_lines] index into `statements`.
        statements: all of them.

    Returns:
        [n_lines] index into the statements returned, and those statements.
    """
    index, used = factor(statement)
    texts, tokens = statements.texts.gather(used), statements.tokens[used]
    if texts.n_unique() == len(texts):
        return index, Statements(texts=texts, tokens=tokens)
    same, distinct = factor_text(texts)
    first = np.full(len(distinct), -1)
    first[same[::-1]] = np.arange(len(texts))[::-1]
    return same[index], Statements(texts=distinct, tokens=tokens[first])


def tables(view: View, book: Book, lines: Lines, layout: Layout, glue: GlueTexts, names: Names) -> ShardTexts:
    """The three tables of a shard.

    Args:
        view: the visible events.
        book: the code book.
        lines: all lines.
        layout: those shown, in order.
        glue: the fixed texts.
        names: names the statements.
    """
    import pyarrow as pa

    shown = layout.lines
    sample = lines.sample[shown]
    statement, statements = used_only(lines.statement[shown], lines.statements)
    digits = names.of(statements.texts).encode()
    ends = np.arange(0, len(digits) + 1, ID_DIGITS, dtype=np.int32)
    ids = pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(digits))
    n_samples = view.samples.height
    pieces = put_together(sample, layout.block, statement, statements.texts, glue, n_samples)
    count = np.bincount(sample, minlength=n_samples)
    subject = view.samples["subject_id"].to_numpy()
    moment = pa.timestamp("us")
    texts = pa.table(
        {
            "subject_id": subject,
            "prediction_time": pa.array(view.prediction).cast(moment),
            "text": pieces.text,
            "n_tokens": layout.n_tokens,
            "n_statements": count.astype(np.int32),
            "n_dropped": layout.n_dropped,
        }
    )
    time = view.time[lines.place[shown]]
    columns = {
        "subject_id": np.repeat(subject, count),
        "prediction_time": pa.array(np.repeat(view.prediction, count)).cast(moment),
        "line": ragged(count)[1],
        "statement_id": pa.DictionaryArray.from_arrays(pa.array(statement), ids),
        "section": pa.DictionaryArray.from_arrays(
            pa.array(lines.section[shown].astype(np.int32)), pa.array(book.sections)
        ),
        "time": pa.array(time, mask=time == NO_TIME).cast(moment),
        "rows": _rows(view, lines, shown),
        "char_start": pieces.start,
        "char_end": pieces.end,
    }
    if lines.spans is not None:
        spans = lines.spans[shown]
        for name, column in (("note_start", spans[:, 0]), ("note_end", spans[:, 1])):
            columns[name] = pa.array(column.astype(np.int32), mask=column < 0)
    return ShardTexts(
        texts=texts,
        statements=pa.table(
            {
                "statement_id": ids,
                "text": statements.texts.to_arrow().cast(pa.large_string()),
                "n_tokens": statements.tokens,
            }
        ),
        lines=_without_nulls(pa.table(columns)),
    )


def _without_nulls(lines: Any) -> Any:
    """Say that columns have no nulls where they have none, which spares files the marks of it."""
    import pyarrow as pa

    fields = []
    for field in lines.schema:
        if field.name == "rows":
            element = field.type.value_field.with_nullable(False)  # noqa: FBT003
            field = field.with_type(pa.list_(element))  # noqa: PLW2901
        fields.append(field.with_nullable(field.name in _NULLABLE))
    return lines.cast(pa.schema(fields))


def _rows(view: View, lines: Lines, shown: np.ndarray) -> Any:
    """Positions in the dataset of the events behind each line, as an Arrow list array."""
    import pyarrow as pa

    if lines.sources is None:
        offsets = pa.array(np.arange(len(shown) + 1, dtype=np.int32))
        return pa.ListArray.from_arrays(offsets, pa.array(view.row[lines.place[shown]]))
    taken = lines.sources.take(pa.array(shown))
    return pa.ListArray.from_arrays(taken.offsets, pa.array(view.row[taken.values.to_numpy()]))
