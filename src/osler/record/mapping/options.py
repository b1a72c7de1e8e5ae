"""What a person may ask of an ingest, and the memory that it may use."""

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from osler.base.errors import InputError
from osler.base.settings import Settings

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)I?B?\s*$", re.IGNORECASE)
_FACTOR = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
LEAST_MEMORY = 500_000_000
_OURSELVES = 250_000_000  # the interpreter and the libraries, before the first row is read


class IngestOptions(Settings):
    """Options of an ingest.

    Attributes:
        memory: bytes that the whole process may use.
        limit: only so many subjects; None: all.
        bad_rows: what happens to rows with values that cannot be read: `refuse` stops with their place and
            number; `drop` makes no event of them and counts them.
        convert_units: whether values of common measurements are converted to one unit.
    """

    memory: int = Field(default=2_000_000_000, ge=LEAST_MEMORY)
    limit: int | None = Field(default=None, ge=1)
    bad_rows: Literal["refuse", "drop"] = "refuse"
    convert_units: bool = True


@dataclass(frozen=True)
class Budget:
    """How the memory is divided; in bytes unless said otherwise.

    Attributes:
        database: for the engine that reads tables.
        held: of events that are held before they are written.
        batch_rows: rows that are worked on at a time.
        workers: shards that are written at a time.
    """

    database: int
    held: int
    batch_rows: int
    workers: int


def divide(memory: int, *, cores: int) -> Budget:
    """Divide the memory.

    Examples:
        >>> divide(1_000_000_000, cores=2).workers
        2
    """
    free = memory - _OURSELVES
    return Budget(
        database=int(free * 0.45),
        held=int(free * 0.10),
        batch_rows=max(16_384, min(122_880, free // 6_000)),
        workers=max(1, min(cores, free // 300_000_000)),
    )


def parse_size(text: str, *, where: str) -> int:
    """A size such as `1GB` in bytes.

    Raises:
        InputError: not a size, or less than an ingest needs.

    Examples:
        >>> parse_size("1.5GB", where="--memory"), parse_size("800 MB", where="--memory")
        (1500000000, 800000000)
    """
    found = _SIZE.match(text)
    size = int(float(found[1]) * _FACTOR[found[2].upper()]) if found else 0
    if size < LEAST_MEMORY:
        raise InputError(
            f"'{text}' is no size of {LEAST_MEMORY // 10**6} MB or more",
            where=where,
            remedy="write for instance 1GB or 800MB",
        )
    return size
