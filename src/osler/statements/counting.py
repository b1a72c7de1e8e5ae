"""Token counts, each distinct piece of text counted once in the life of a job."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl

from osler.statements.names import Names

_MOST = 300_000  # pieces remembered; beyond it the memory starts anew, so that it stays small


class Tokenizer(Protocol):
    """What is needed of `osler.models.tokenizer.Tokenizer`."""

    @property
    def splits_on_whitespace(self) -> bool:
        """Whether the count of a text is the sum over its words."""

    @property
    def hash(self) -> str:
        """Hash of the tokenizer."""

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Tokens of each text, int32 [n]."""


class Counter:
    """Counts tokens of short pieces and remembers them.

    Args:
        tokenizer: the tokenizer that counts.

    Attributes:
        adds_up: whether the count of a text is the sum over its words.
        names: names the statements counted.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.adds_up = tokenizer.splits_on_whitespace
        self.names = Names()
        self._known: dict[str, int] = {}

    def count(self, texts: pl.Series) -> np.ndarray:
        """Tokens of each text.

        Args:
            texts: strings without null, distinct for best speed.

        Returns:
            int32 [n].
        """
        pieces = texts.to_list()
        known = self._known
        new = [piece for piece in pieces if piece not in known]
        if new:
            if len(known) > _MOST:
                known = self._known = {}
                new = pieces
            known.update(zip(new, self.tokenizer.count(new).tolist(), strict=True))
        return np.fromiter(map(known.__getitem__, pieces), dtype=np.int32, count=len(pieces))

    def count_whole(self, texts: pl.Series) -> np.ndarray:
        """Tokens of each text without remembering it: for long texts, each seen once."""
        return self.tokenizer.count(texts.to_list()).astype(np.int32)
