"""Integer tricks that keep the inner loops out of Python: packed sorts and dense ids."""

import numpy as np
import polars as pl

_BITS = 63
_DENSE = 100_000  # up to here a table of all values is faster than hashing


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
    return _sorted(keys)[0]


def grouped(*keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `order_by`, and which elements of the sorted sequence equal the one before them in all keys.

    Examples:
        >>> order, same = grouped(np.array([1, 0, 1]), np.array([2, 5, 2]))
        >>> order.tolist(), same.tolist()
        ([1, 0, 2], [False, False, True])
    """
    order, group = _sorted(keys)
    same = np.zeros(len(order), dtype=bool)
    if group is not None:
        same[1:] = group[1:] == group[:-1]
        return order, same
    same[1:] = True
    for key in keys:
        ordered = key[order]
        same[1:] &= ordered[1:] == ordered[:-1]
    return order, same


def _sorted(keys: tuple[np.ndarray, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    """The permutation, and the sorted keys as one integer where they fit into it."""
    n = len(keys[0])
    if n == 0:
        return np.empty(0, dtype=np.int64), None
    bits = [int(key.max()).bit_length() for key in keys]
    index_bits = (n - 1).bit_length()
    if sum(bits) + index_bits > _BITS:
        return np.lexsort(keys[::-1]), None
    packed = keys[0].astype(np.int64)
    for key, width in zip(keys[1:], bits[1:], strict=True):
        packed <<= width
        packed |= key
    packed <<= index_bits
    packed |= np.arange(n)
    packed.sort()
    order = packed & ((1 << index_bits) - 1)
    packed >>= index_bits
    return order, packed


def factor(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dense ids of integers.

    Args:
        values: integer array [n].

    Returns:
        ids, int32 [n], and the distinct values, such that `distinct[ids] == values`.

    Examples:
        >>> ids, distinct = factor(np.array([7, 7, 3]))
        >>> distinct[ids].tolist(), sorted(distinct.tolist())
        ([7, 7, 3], [3, 7])
    """
    import pyarrow as pa

    if len(values) and values.min() >= 0 and values.max() < _DENSE + len(values):
        distinct = np.flatnonzero(np.bincount(values))
        ids = np.empty(int(distinct[-1]) + 1, dtype=np.int32)
        ids[distinct] = np.arange(len(distinct), dtype=np.int32)
        return ids[values], distinct

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
    if values.null_count() == len(values):
        return np.full(len(values), -1, dtype=np.int32), values.clear()
    distinct = values.drop_nulls().unique(maintain_order=True)
    ids = values.cast(pl.Enum(distinct)).to_physical().cast(pl.Int32).fill_null(-1)
    return ids.to_numpy(), distinct


def ragged(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For groups of given sizes laid end to end: the group of each element and its place within the group.

    Args:
        counts: integer array [n], each >= 0.

    Returns:
        Two int32 arrays [sum of counts].

    Examples:
        >>> group, place = ragged(np.array([2, 0, 1]))
        >>> group.tolist(), place.tolist()
        ([0, 0, 2], [0, 1, 0])
    """
    group = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    starts = np.cumsum(counts, dtype=np.int32) - counts
    place = np.arange(len(group), dtype=np.int32)
    place -= np.repeat(starts.astype(np.int32), counts)
    return group, place


def laid_out(begin: np.ndarray, end: np.ndarray, what: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each range written out, beside what it belongs to.

    Args:
        begin, end: integer arrays [n]; ranges that end before they begin are empty.
        what: integer array [n].

    Returns:
        Two int32 arrays: the numbers of all ranges, and for each number its `what`.

    Examples:
        >>> numbers, what = laid_out(np.array([5, 1]), np.array([7, 1]), np.array([30, 40]))
        >>> numbers.tolist(), what.tolist()
        ([5, 6], [30, 30])
    """
    counts = end - begin
    some = np.flatnonzero(counts > 0)
    counts, begin = counts[some], begin[some]
    shift = (begin - (np.cumsum(counts) - counts)).astype(np.int32)
    numbers = np.repeat(shift, counts)
    numbers += np.arange(len(numbers), dtype=np.int32)
    return numbers, np.repeat(what[some].astype(np.int32), counts)
