"""Subject ids: whole numbers stay as they are, all others become 63 bits of a keyed hash.

The key stays with the dataset (`metadata/key`, readable by its owner only), so that the ids mean nothing to
anyone else and rows that are added later get the same ids. A key that nobody gave is derived from the whole
content of the source: the same source gives the same ids, and so the same folds and the same numbers.
"""

import hashlib
import hmac
from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.base.files import write_bytes
from osler.base.hashing import hash_file, hash_json

KEY_FILE = "metadata/key"


def integer_ids(source: pl.Series, *, key: bytes, hashed: bool = False) -> pl.DataFrame:
    """Give every distinct source id its int64 id.

    Args:
        source: ids as text, without nulls; repetitions are allowed.
        key: the dataset's key, used only when ids are hashed.
        hashed: whether to hash whole numbers too; else only when an id is not a whole number of 64 bits.

    Returns:
        `source_id` (String, distinct, in order of first appearance) and `id` (Int64, distinct).

    Raises:
        InputError: two source ids would get the same id ("7" and "007", or a collision of the hash).

    Examples:
        >>> integer_ids(pl.Series(["12", "-3", "12"]), key=b"")["id"].to_list()
        [12, -3]
        >>> hashed = integer_ids(pl.Series(["A1", "7"]), key=b"secret")["id"]
        >>> all(0 <= value < 2**63 for value in hashed)
        True
    """
    distinct = source.cast(pl.String).unique(maintain_order=True)
    numbers = distinct.cast(pl.Int64, strict=False)
    if hashed or numbers.null_count():
        numbers = pl.Series([hashed_id(value, key=key) for value in distinct], dtype=pl.Int64)
    frame = pl.DataFrame({"source_id": distinct, "id": numbers})
    clashes = frame.height - frame["id"].n_unique()
    if clashes:
        raise InputError(
            "different source ids would become the same id",
            where=f"column {source.name}" if source.name else None,
            count=clashes,
            remedy="write each id in one way (7 and 007 are the same number), or change the key",
        )
    return frame


def hashed_id(source_id: str, *, key: bytes) -> int:
    """The first 63 bits of HMAC-SHA256(key, source id)."""
    digest = hmac.digest(key, source_id.encode(), hashlib.sha256)
    return int.from_bytes(digest[:8], "big") >> 1


def dataset_key(folder: Path, *, source: Path) -> bytes:
    """The key of a dataset; derived from its source and written to `metadata/key` (mode 600) where none is.

    Args:
        folder: the dataset's folder.
        source: the file that the ids come from; who does not hold all of it cannot derive the key.
    """
    path = folder / KEY_FILE
    if not path.is_file():
        keep_key(folder, hash_json({"key of": hash_file(source)}).encode())
    return path.read_bytes()


def keep_key(folder: Path, key: bytes) -> None:
    """Write a given key to `metadata/key` (mode 600), so that its ids can be continued."""
    write_bytes(folder / KEY_FILE, key, private=True)
