"""Laying strings end to end: texts are views on one long buffer, never joined one by one."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.statements.glue import GlueTexts


@dataclass(frozen=True)
class Pieces:
    """Texts cut at statements: glue, statement, glue, statement, ..., end for each sample.

    Attributes:
        text: Arrow strings [n_samples].
        start, end: [n_lines] characters of each statement in its text.
    """

    text: Any
    start: np.ndarray
    end: np.ndarray


def put_together(
    sample: np.ndarray,
    block: np.ndarray,
    statement: np.ndarray,
    texts: pl.Series,
    glue: GlueTexts,
    n_samples: int,
) -> Pieces:
    """Lay statements and glue end to end.

    Args:
        sample: [n_lines] ascending.
        block: [n_lines] the heading that each line stands under.
        statement: [n_lines] index into `texts`.
        texts: the distinct statements.
        glue: the fixed texts.
        n_samples: number of samples.
    """
    import pyarrow as pa

    glues = pl.Series(glue.texts, dtype=pl.String)
    n_blocks, n_lines = len(glue.first), len(sample)
    between, end, empty = 2 * n_blocks, 2 * n_blocks + 1, 2 * n_blocks + 2
    count = np.bincount(sample, minlength=n_samples)
    stop = np.cumsum(count)
    place = 2 * np.arange(n_lines) + sample  # of the glue before each line; one more piece ends each sample
    begin = 2 * (stop - count) + np.arange(n_samples)
    pieces = np.empty(2 * n_lines + n_samples, dtype=np.int64)
    follows = np.append(False, (block[1:] == block[:-1]))[:n_lines]
    before = np.where(follows, between, n_blocks + block)
    heads = (stop - count)[count > 0]
    before[heads] = block[heads]
    pieces[place] = before
    pieces[place + 1] = len(glues) + statement
    pieces[begin + 2 * count] = np.where(count > 0, end, empty)

    parts = pl.concat([glues, texts])
    taken = parts.to_arrow().cast(pa.large_string()).take(pa.array(pieces))
    _, offsets, data = taken.buffers()
    edges = np.append(begin, len(pieces))
    bytes_at = np.frombuffer(offsets, dtype=np.int64, count=len(pieces) + 1)[edges]
    text = pa.LargeStringArray.from_buffers(n_samples, pa.py_buffer(bytes_at.copy()), data)

    lengths = parts.str.len_chars().cast(pl.Int64).to_numpy()
    ends = np.cumsum(lengths[pieces])
    base = np.append(0, ends)[begin]
    stops = ends[place + 1] - base[sample]
    starts = stops - lengths[pieces[place + 1]]
    return Pieces(text=text, start=starts.astype(np.int32), end=stops.astype(np.int32))
