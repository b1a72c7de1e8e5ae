"""Names of statements: the first digits of their SHA-256, each statement hashed once in the life of a job."""

from hashlib import sha256
from threading import Lock

import numpy as np
import polars as pl

ID_DIGITS = 32
_SEEDS = (1, 2)
_MOST = 2_000_000  # names remembered (32 bytes each); beyond it the memory starts anew


class Names:
    """Names statements and remembers the names by two 64-bit hashes of the text.

    Shards repeat each other's statements, so most of them need no SHA-256 again.
    """

    def __init__(self) -> None:
        self._known = (np.empty(0, dtype=np.uint64), np.empty((0, 3), dtype=np.uint64))
        self._lock = Lock()

    def of(self, texts: pl.Series) -> str:
        """Names of statements.

        Args:
            texts: distinct strings.

        Returns:
            `ID_DIGITS` hexadecimal digits for each, laid end to end.

        Examples:
            >>> Names().of(pl.Series([""]))
            'e3b0c44298fc1c149afbf4c8996fb924'
        """
        first, second = (texts.hash(seed).to_numpy() for seed in _SEEDS)
        keys, entries = self._known
        place = np.minimum(np.searchsorted(keys, first), max(len(keys) - 1, 0))
        found = (keys[place] == first) if len(keys) else np.zeros(len(texts), dtype=bool)
        found[found] = entries[place[found], 0] == second[found]
        names = np.empty((len(texts), 2), dtype=np.uint64)
        names[found] = entries[place[found], 1:]
        new = np.flatnonzero(~found)
        if len(new):
            names[new] = _digests(texts.gather(new))
            self._remember(first[new], np.column_stack([second[new], names[new]]))
        return names.tobytes().hex()

    def _remember(self, keys: np.ndarray, entries: np.ndarray) -> None:
        with self._lock:
            old_keys, old_entries = self._known
            if len(old_keys) > _MOST:
                old_keys, old_entries = old_keys[:0], old_entries[:0]
            keys, entries = np.append(old_keys, keys), np.concatenate([old_entries, entries])
            order = np.argsort(keys, kind="stable")
            self._known = keys[order], entries[order]


def _digests(texts: pl.Series) -> np.ndarray:
    """First 16 bytes of the SHA-256 of each text: uint64 [n, 2], the bytes as they come."""
    half = ID_DIGITS // 2
    digests = b"".join([sha256(text).digest()[:half] for text in texts.cast(pl.Binary).to_list()])
    return np.frombuffer(digests, dtype=np.uint64).reshape(len(texts), 2)
