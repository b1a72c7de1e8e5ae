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
    end, empty = 2 * n_blocks + 1, 2 * n_blocks + 2
    count = np.bincount(sample, minlength=n_samples)
    stop = np.cumsum(count)
    heads = (stop - count)[count > 0]
    opens = np.append(True, block[1:] != block[:-1])[:n_lines]
    opens[heads] = True
    opened = np.cumsum(opens, dtype=np.int32)

    # Pieces: a line that opens a block and the glue before it; any other line and its glue in one.
    place = np.arange(n_lines, dtype=np.int32)
    place += opened
    place += sample
    finish = stop + np.append(0, opened)[stop] + np.arange(n_samples)
    pieces = np.empty(n_lines + int(opens.sum()) + n_samples, dtype=np.int32)
    pieces[place] = np.where(opens, 0, len(texts)) + (len(glues) + statement)
    before = n_blocks + block[opens]
    is_head = np.zeros(n_lines, dtype=bool)
    is_head[heads] = True
    before[is_head[opens]] -= n_blocks
    pieces[place[opens] - 1] = before
    pieces[finish] = np.where(count > 0, end, empty)

    parts = pl.concat([glues, texts, glue.between + texts])
    taken = parts.to_arrow().cast(pa.large_string()).take(pa.array(pieces))
    _, offsets, data = taken.buffers()
    edges = np.append(0, finish + 1)
    bytes_at = np.frombuffer(offsets, dtype=np.int64, count=len(pieces) + 1)[edges]
    text = pa.LargeStringArray.from_buffers(n_samples, pa.py_buffer(bytes_at.copy()), data)

    lengths = parts.str.len_chars().cast(pl.Int32).to_numpy()
    ends = np.cumsum(lengths[pieces], dtype=np.int64)
    base = np.append(0, ends)[edges[:-1]]
    stops = (ends[place] - np.repeat(base, count)).astype(np.int32)
    return Pieces(text=text, start=stops - lengths[len(glues) + statement], end=stops)
