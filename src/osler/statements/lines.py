"""Statements and the lines that show them, on their way from events to a text."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Statements:
    """Distinct statements.

    Attributes:
        texts: [n] what they say.
        tokens: int32 [n].
    """

    texts: pl.Series
    tokens: np.ndarray


@dataclass(frozen=True)
class Lines:
    """Statements as shown to samples; arrays are [n_lines].

    Attributes:
        sample: number of the sample.
        place: position of the event that gives the line its time and its place in the order.
        rank: order within a sample; ties keep the order that they stand in here.
        section: index into the book's sections.
        statement: index into `statements`.
        statements: the distinct statements.
        sources: Arrow list array of the positions of all events behind a line; None: `place` alone.
        spans: [n_lines, 2] where the statement stands in its note (characters); None: no notes.
    """

    sample: np.ndarray
    place: np.ndarray
    rank: np.ndarray
    section: np.ndarray
    statement: np.ndarray
    statements: Statements
    sources: Any = None
    spans: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.sample)


def position_lists(counts: np.ndarray, positions: np.ndarray) -> Any:
    """Arrow list array: `counts[i]` positions for line i, laid end to end."""
    import pyarrow as pa

    offsets = np.zeros(len(counts) + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(positions.astype(np.int64)))


def joined(parts: list[Lines]) -> Lines:
    """Several kinds of lines as one.

    Args:
        parts: at least one.
    """
    import pyarrow as pa

    if len(parts) == 1:
        return parts[0]
    shifts = np.cumsum([0, *(len(part.statements.tokens) for part in parts[:-1])])
    sources = None
    if any(part.sources is not None for part in parts):
        lists = [
            part.sources if part.sources is not None else position_lists(np.ones(len(part)), part.place)
            for part in parts
        ]
        sources = pa.concat_arrays(lists)
    spans = None
    if any(part.spans is not None for part in parts):
        none = [np.full((len(part), 2), -1) for part in parts]
        spans = np.concatenate(
            [blank if part.spans is None else part.spans for part, blank in zip(parts, none, strict=True)]
        )
    return Lines(
        sample=np.concatenate([part.sample for part in parts]),
        place=np.concatenate([part.place for part in parts]),
        rank=np.concatenate([part.rank for part in parts]),
        section=np.concatenate([part.section for part in parts]),
        statement=np.concatenate([part.statement + shift for part, shift in zip(parts, shifts, strict=True)]),
        statements=Statements(
            texts=pl.concat([part.statements.texts for part in parts]),
            tokens=np.concatenate([part.statements.tokens for part in parts]),
        ),
        sources=sources,
        spans=spans,
    )
