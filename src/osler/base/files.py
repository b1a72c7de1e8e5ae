"""Writing files whole or not at all: each goes to a temporary name beside its place and is renamed."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

TEMPORARY_SUFFIX = ".part"
PRIVATE_MODE = 0o600


@contextmanager
def atomic_path(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a temporary path to write to; on success it is renamed to `path`, on error it is removed.

    Args:
        path: the final place; missing parent folders are made.
        private: whether only the owner may read the file (patient data: vectors, caches, keys).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        yield temporary
        if private:
            temporary.chmod(PRIVATE_MODE)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write bytes atomically."""
    with atomic_path(path, private=private) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str, *, private: bool = False) -> None:
    """Write text as UTF-8, atomically."""
    write_bytes(path, text.encode(), private=private)


def write_json(path: Path, value: Any, *, private: bool = False) -> None:
    """Write a JSON value, indented, keys in the order given, atomically. NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", private=private)


def read_json(path: Path) -> Any:
    """Read a JSON file; a broken one is an `InputError` that names it."""
    from osler.base.errors import InputError

    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"not readable as JSON: {error}", where=path, remedy="write the file again"
        ) from error


def write_parquet(path: Path, table: "pl.DataFrame | pa.Table", *, private: bool = False) -> None:
    """Write a frame as Parquet (zstd), atomically; the same frame gives the same bytes."""
    import pyarrow.parquet as pq

    arrow = table if not hasattr(table, "to_arrow") else table.to_arrow()
    with atomic_path(path, private=private) as temporary:
        pq.write_table(arrow, temporary, compression="zstd", compression_level=1)
