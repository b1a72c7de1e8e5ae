"""Numbers for texts that repeat: codes, units, sites. The first text is 1; 0 stands for none."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from osler.base.errors import InputError

MOST = 5_000_000  # distinct texts; beyond it a template holds values that differ in every row


class Numbering:
    """Gives texts their numbers, in the order in which they are first seen.

    Args:
        known: texts that have the numbers 1, 2, ... already.
        what: what the texts are, for errors.

    Examples:
        >>> units = Numbering(what="units")
        >>> units.of(pl.Series(["mg", None, "g", "mg"])).tolist()
        [1, 0, 2, 1]
        >>> units.texts
        ['mg', 'g']
    """

    def __init__(self, known: Iterable[str] = (), *, what: str) -> None:
        self._numbers = {text: number for number, text in enumerate(known, start=1)}
        self._what = what

    def of(self, texts: pl.Series) -> np.ndarray:
        """Numbers of texts, uint32 [n]; 0 for null.

        Raises:
            InputError: too many different texts.
        """
        import pyarrow.compute as pc

        encoded = pc.dictionary_encode(texts.to_arrow())
        numbers = np.zeros(len(encoded.dictionary) + 1, dtype=np.uint32)
        for place, text in enumerate(encoded.dictionary.to_pylist()):
            numbers[place] = self._numbers.setdefault(text, len(self._numbers) + 1)
        if len(self._numbers) > MOST:
            raise InputError(
                f"too many different {self._what}: a template holds something that differs in every row",
                count=len(self._numbers),
                remedy="take ids, times and free text out of `code`, `description` and `unit`",
            )
        places = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
        return np.asarray(numbers[places])

    @property
    def texts(self) -> list[str]:
        """All texts, the first one having number 1."""
        return list(self._numbers)
