"""Integer tricks that keep the inner loops out of Python: packed sorts and dense ids."""

import numpy as np
import polars as pl

_BITS = 63


def order_by(*keys: np.ndarray) -> np.ndarray:
    """Permutation that sorts by several non-negative integer keys, the first leading; ties keep their order.

    The keys and the position are packed into one 64-bit integer where they fit, and sorted by value, which is
    several times faster than an argsort.

    Args:
        keys: integer arrays [n], each >= 0.

    Returns:
        int64 array [n].

    Examples:
        >>> order_by(np.array([1, 0, 1]), np.array([2, 5, 1])).tolist()
        [1, 2, 0]
    """
    n = len(keys[0])
    if n == 0:
        return np.empty(0, dtype=np.int64)
    bits = [int(key.max()).bit_length() for key in keys]
    index_bits = (n - 1).bit_length()
    if sum(bits) + index_bits > _BITS:
        return np.lexsort(keys[::-1])
    packed = keys[0].astype(np.int64)
    for key, width in zip(keys[1:], bits[1:], strict=True):
        packed <<= width
        packed |= key
    packed <<= index_bits
    packed |= np.arange(n)
    packed.sort()
    packed &= (1 << index_bits) - 1
    return packed


def factor(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dense ids of integers in order of first appearance.

    Args:
        values: integer array [n].

    Returns:
        ids, int32 [n], and the distinct values, such that `distinct[ids] == values`.

    Examples:
        >>> ids, distinct = factor(np.array([7, 7, 3]))
        >>> ids.tolist(), distinct.tolist()
        ([0, 0, 1], [7, 3])
    """
    import pyarrow as pa

    encoded = pa.array(values).dictionary_encode()
    return encoded.indices.to_numpy(), encoded.dictionary.to_numpy()


def factor_text(values: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """Dense ids of strings in order of first appearance; null becomes -1.

    Args:
        values: strings [n].

    Returns:
        ids, int32 [n], and the distinct strings.

    Examples:
        >>> ids, distinct = factor_text(pl.Series(["b", None, "a", "b"]))
        >>> ids.tolist(), distinct.to_list()
        ([0, -1, 1, 0], ['b', 'a'])
    """
    distinct = values.drop_nulls().unique(maintain_order=True)
    ids = values.cast(pl.Enum(distinct)).to_physical().cast(pl.Int32).fill_null(-1)
    return ids.to_numpy(), distinct


def ragged(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For groups of given sizes laid end to end: the group of each element and its place within the group.

    Args:
        counts: integer array [n], each >= 0.

    Returns:
        Two int64 arrays [sum of counts].

    Examples:
        >>> group, place = ragged(np.array([2, 0, 1]))
        >>> group.tolist(), place.tolist()
        ([0, 0, 2], [0, 1, 0])
    """
    group = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return group, np.arange(len(group)) - np.repeat(starts, counts)
