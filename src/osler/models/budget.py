"""How many tokens a graphics processor is given at a time: doubled while it gets faster and fits."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from osler.models.batching import BUDGET
from osler.models.room import is_out_of_memory

# Doubling ends where it gains less than this.
_GAIN = 1.05
_MOST = 1 << 20


def find_budget(
    encode: Callable[[Sequence[Sequence[int]]], np.ndarray],
    *,
    length: int,
    special: int,
    token: int,
    most: int = _MOST,
) -> int:
    """The smallest budget beyond which doubling gains little, or does not fit.

    Args:
        encode: encodes one batch.
        length: tokens of the texts that are tried, special ones included.
        special: special tokens of each.
        token: id of a token to fill them with.
        most: largest budget that is tried.

    Returns:
        Tokens of a batch, a power of two times `osler.models.batching.BUDGET`.
    """
    best, fastest = BUDGET, 0.0
    budget = BUDGET
    while budget <= most:
        n_texts = max(budget // length, 1)
        batch = [[token] * (length - special)] * n_texts
        try:
            encode(batch)  # the first of a shape is slow
            start = time.perf_counter()
            encode(batch)
            rate = n_texts * length / (time.perf_counter() - start)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            break
        if rate < fastest * _GAIN:
            break
        best, fastest = budget, rate
        budget *= 2
    return best
