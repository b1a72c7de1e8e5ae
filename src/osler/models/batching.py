"""Batches under a budget of tokens, planned from the texts alone.

Texts are ordered by their true number of tokens, so that those of one length are attended to at once
(`osler.models.packing`). The plan is a pure function of the
texts: the same texts give the same batches of the same shapes, whatever came before, whatever is cached and
however often the job was killed. Where a batch ends depends mostly on the keys of the texts in it
(content-defined cuts), so that a few new texts change a few batches and leave the others, and their cached
vectors, as they were.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

# Tokens of one batch: large enough for products of matrices to be fast, small enough for the cache of a core.
BUDGET = 2048
PLAN_VERSION = 3


def key_of_ids(ids: Sequence[int] | np.ndarray) -> bytes:
    """16 bytes that stand for a sequence of token ids."""
    return hashlib.sha256(np.asarray(ids, dtype="<i4").tobytes()).digest()[:16]


def plan_batches(
    lengths: Sequence[int] | np.ndarray, keys: Sequence[bytes], *, budget: int = BUDGET
) -> list[np.ndarray]:
    """Divide texts into batches.

    Args:
        lengths: number of tokens of each text, special tokens included.
        keys: 16 bytes for each text, a function of its content.
        budget: most tokens of one batch; a longer text is a batch of its own.

    Returns:
        int64 arrays of positions; each position is in exactly one batch, in the order of (length, key).

    Examples:
        >>> [len(batch) for batch in plan_batches([5, 300, 5], [b"c" * 16, b"a" * 16, b"b" * 16], budget=300)]
        [2, 1]
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    if not len(lengths):
        return []
    head = np.array([int.from_bytes(key[:8], "big") for key in keys], dtype=np.uint64)
    order = np.array(sorted(range(len(keys)), key=lambda i: (lengths[i], keys[i])), dtype=np.int64)
    batches: list[np.ndarray] = []
    start = tokens = 0
    for end in range(1, len(order) + 1):
        length = int(lengths[order[end - 1]])
        tokens += length
        often = max(budget // max(length, 1), 1)
        full = end == len(order) or tokens + lengths[order[end]] > budget
        if full or int(head[order[end - 1]]) % often == 0:
            batches.append(order[start:end])
            start, tokens = end, 0
    return batches
