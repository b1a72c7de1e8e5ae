"""The records that an encoder is fitted on: token ids of their statements, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from osler.base.errors import InputError

Ids = list[int]

# Fewer records than this teach nothing that lasts.
MIN_RECORDS = 8


@dataclass(frozen=True)
class Records:
    """Training records.

    Attributes:
        person: int64 [n] whose record it is (`group_id`, else the subject); records of one person are never
            told apart.
        pieces: token ids of each distinct piece, each at most `room` long: a statement with what stands
            before it in its text, or a part of a statement that is longer.
        piece: int64 [sum of counts] the distinct piece at each place, record after record.
        counts: int64 [n] number of pieces of each record, at least one each.
        room: most tokens of text in a window of the encoder.
        hash: SHA-256 of subjects, times, texts and labels.
        label: bool [n], or None without labels.
        n_cut: statements longer than a window, divided at a token boundary.
    """

    person: NDArray[np.int64]
    pieces: list[Ids]
    piece: NDArray[np.int64]
    counts: NDArray[np.int64]
    room: int
    hash: str
    label: NDArray[np.bool_] | None = None
    n_cut: int = 0

    @property
    def n(self) -> int:
        """Number of records."""
        return len(self.counts)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Number of tokens of each distinct piece."""
        return np.array([len(one) for one in self.pieces], dtype=np.int64)

    @cached_property
    def n_tokens(self) -> int:
        """Tokens of all records."""
        return int(self.lengths[self.piece].sum())

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        return np.concatenate([[0], np.cumsum(self.counts)])

    def of(self, record: int) -> NDArray[np.int64]:
        """Distinct pieces of one record, in the order of its text."""
        return self.piece[self._first[record] : self._first[record + 1]]

    def join(self, pieces: Sequence[int] | NDArray[np.int64]) -> list[Ids]:
        """Windows of pieces in the order given, each as full as whole pieces allow (as `osler encode` does).

        Args:
            pieces: numbers of distinct pieces, at least one.

        Returns:
            Token ids of each window, without special tokens.
        """
        windows: list[Ids] = []
        current: Ids = []
        for place in pieces:
            part = self.pieces[place]
            if len(current) + len(part) > self.room:
                windows.append(current)
                current = []
            current = current + part
        return [*windows, current]


def make_records(
    ids: Sequence[Ids],
    place: NDArray[np.int64],
    counts: NDArray[np.int64],
    person: NDArray[np.int64],
    *,
    room: int,
    content_hash: str,
    label: NDArray[np.bool_] | None = None,
) -> Records:
    """Divide what is longer than a window, and check that there is enough.

    Args:
        ids: token ids of each distinct statement, any length.
        place: int64 [sum of counts] the distinct statement at each place.
        counts: int64 [n] statements of each record, at least one each.
        person: int64 [n].
        room: most tokens of text in a window.
        content_hash: SHA-256 of what the records hold.
        label: bool [n], or None.

    Raises:
        InputError: fewer than eight records, or all of one person.

    Examples:
        >>> one = np.ones(8, dtype=np.int64)
        >>> records = make_records([[5, 6, 7]], one * 0, one, np.arange(8), room=2, content_hash="")
        >>> records.pieces, records.counts.tolist(), records.n_cut
        ([[5, 6], [7]], [2, 2, 2, 2, 2, 2, 2, 2], 8)
    """
    persons = len(np.unique(person))
    if len(counts) < MIN_RECORDS or persons < 2:
        raise InputError(
            f"too few texts to fit an encoder: {len(counts)} of {persons} persons; at least {MIN_RECORDS} "
            "of 2 persons are needed",
            count=len(counts),
            remedy="use a larger cohort, or the encoder as it is",
        )
    parts = [[one[i : i + room] for i in range(0, max(len(one), 1), room)] for one in ids]
    n_parts = np.array([len(one) for one in parts], dtype=np.int64)
    first = np.concatenate([[0], np.cumsum(n_parts)])[:-1]
    repeats = n_parts[place]
    inside = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    record = np.repeat(np.arange(len(counts)), counts)
    return Records(
        person=person,
        pieces=[part for one in parts for part in one],
        piece=np.repeat(first[place], repeats) + inside,
        counts=np.bincount(record, weights=repeats, minlength=len(counts)).astype(np.int64),
        room=room,
        hash=content_hash,
        label=label,
        n_cut=int((repeats > 1).sum()),
    )
