"""Windows of tokens: a text in pieces of whole statements that each fit an encoder's context.

Nothing is cut silently: a statement is divided only when it is longer than a window by itself, at a token
boundary, and that is counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Windows:
    """Windows of some texts.

    Attributes:
        ids: token ids of each window, without special tokens and instruction.
        owner: int64 [n_windows] the text that each window belongs to, ascending.
        n_texts: number of texts; each has at least one window (an empty text an empty one).
        n_cut: statements that were longer than a window and had to be divided.
    """

    ids: list[list[int]]
    owner: np.ndarray
    n_texts: int
    n_cut: int

    @property
    def n_overflow(self) -> int:
        """Texts of more than one window."""
        return int((np.bincount(self.owner, minlength=self.n_texts) > 1).sum())


def pack(lengths: np.ndarray, room: int) -> np.ndarray:
    """Where windows begin when pieces are packed in order, each window as full as whole pieces allow.

    Args:
        lengths: number of tokens of each piece, each <= room.
        room: most tokens of a window.

    Returns:
        int64 positions of the first piece of each window; one window for no pieces.

    Examples:
        >>> pack(np.array([3, 3, 4, 1]), 6).tolist()
        [0, 2]
    """
    before = np.concatenate([[0], np.cumsum(lengths)])
    starts = [0]
    while True:
        stop = int(np.searchsorted(before, before[starts[-1]] + room, side="right")) - 1
        if stop >= len(lengths):
            return np.array(starts, dtype=np.int64)
        starts.append(stop)


def windows_of_pieces(
    pieces: Sequence[list[int]], piece: np.ndarray, counts: np.ndarray, *, room: int
) -> Windows:
    """Pack texts that are sequences of pieces.

    Args:
        pieces: token ids of each distinct piece.
        piece: int64 [n_pieces of all texts] the distinct piece at each place, text after text.
        counts: int64 [n_texts] number of pieces of each text.
        room: most tokens of text in a window.
    """
    parts = [[one[i : i + room] for i in range(0, max(len(one), 1), room)] for one in pieces]
    ids: list[list[int]] = []
    owner: list[int] = []
    n_cut = 0
    places = piece.tolist()
    at = 0
    for text, count in enumerate(counts.tolist()):
        sequence: list[list[int]] = []
        for place in places[at : at + count]:
            sequence += parts[place]
            n_cut += len(parts[place]) > 1
        at += count
        starts = pack(np.array([len(part) for part in sequence], dtype=np.int64), room).tolist()
        for start, stop in zip(starts, [*starts[1:], len(sequence)], strict=True):
            ids.append([token for part in sequence[start:stop] for token in part])
            owner.append(text)
    return Windows(ids=ids, owner=np.array(owner, dtype=np.int64), n_texts=len(counts), n_cut=n_cut)


def first_windows(windows: Windows) -> Windows:
    """The first window of each text.

    Examples:
        >>> two = Windows(ids=[[5], [6], [7]], owner=np.array([0, 0, 1]), n_texts=2, n_cut=0)
        >>> two.n_overflow, first_windows(two).ids
        (1, [[5], [7]])
    """
    first = np.searchsorted(windows.owner, np.arange(windows.n_texts)).tolist()
    return Windows(
        ids=[windows.ids[i] for i in first],
        owner=np.arange(windows.n_texts),
        n_texts=windows.n_texts,
        n_cut=windows.n_cut,
    )


def pieces_of_texts(texts: pl.Series, ends: pl.Series, counts: np.ndarray) -> tuple[pl.Series, np.ndarray]:
    """Cut texts at the ends of their statements: what stands before a statement goes with it.

    Args:
        texts: strings [n_texts].
        ends: character at which each statement ends in its text, text after text [sum of counts].
        counts: int64 [n_texts] number of statements of each text.

    Returns:
        Strings, text after text, which laid end to end give the texts (what follows the last statement stays
        with it); and their number per text, int64 [n_texts], at least one each.

    Examples:
        >>> pieces, counts = pieces_of_texts(pl.Series(["a\\nb.", ""]), pl.Series([1, 3]), np.array([2, 0]))
        >>> pieces.to_list(), counts.tolist()
        (['a', '\\nb.', ''], [2, 1])
    """
    n_pieces = np.maximum(counts, 1)
    owner = np.repeat(np.arange(len(texts)), n_pieces)
    first = np.concatenate([[0], np.cumsum(n_pieces)])[:-1]
    length = texts.str.len_chars().to_numpy().astype(np.int64)
    stop = np.zeros(len(owner), dtype=np.int64)
    stop[np.repeat(counts > 0, n_pieces)] = ends.to_numpy()
    stop[first + n_pieces - 1] = length
    start = np.concatenate([[0], stop])[:-1].astype(np.int64)
    start[first] = 0
    frame = pl.DataFrame({"text": texts.gather(owner), "start": start, "length": stop - start})
    return frame.select(pl.col("text").str.slice(pl.col("start"), pl.col("length")))["text"], n_pieces


def weighted_mean(
    vectors: np.ndarray, owner: np.ndarray, weights: np.ndarray, n_texts: int, *, normalise: bool
) -> np.ndarray:
    """One vector per text: the mean of its windows' vectors, weighted by their tokens.

    Args:
        vectors: float32 [n_windows, dimension].
        owner: int64 [n_windows], ascending.
        weights: number of tokens of each window; 0 counts as 1.
        n_texts: number of texts; each owns a window.
        normalise: whether the means are scaled to length 1.

    Returns:
        float32 [n_texts, dimension]. A text of one window keeps the bytes of its window.
    """
    weights = np.maximum(weights, 1).astype(np.float64)
    starts = np.searchsorted(owner, np.arange(n_texts))
    total = np.add.reduceat(weights, starts)
    means = np.add.reduceat(vectors * weights[:, None], starts, axis=0) / total[:, None]
    if normalise:
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    result = means.astype(np.float32)
    single = np.bincount(owner, minlength=n_texts) == 1
    result[single] = vectors[starts[single]]
    return result
