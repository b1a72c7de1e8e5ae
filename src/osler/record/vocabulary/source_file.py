"""What every file of a vocabulary is: a path, what it holds, how codes are looked up in it."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import polars as pl

from osler.base.errors import InputError

HEAD_BYTES = 1 << 18
LONG_TITLE = 61  # characters; the short titles of CMS have 60 at most
FOUND = {"code": pl.String(), "description": pl.String()}


@dataclass(frozen=True)
class TitleFile:
    """A file that holds titles of codes.

    Attributes:
        path: the file.
        form: what it is, in words.
        vocabularies: prefixes of the codes in it; empty when a column says it row by row.
        long: whether it holds long titles, which are preferred.
        look_up: codes wanted -> `code, description` of those found, each once. Codes are strings as
            `canonical` spells them, without nulls; titles as the file writes them.
    """

    path: Path
    form: str
    vocabularies: tuple[str, ...]
    long: bool
    look_up: Callable[[pl.Series], pl.DataFrame]


def read_head(path: Path) -> bytes:
    """The first `HEAD_BYTES` bytes of a file, of a .gz file of what is packed in it.

    Raises:
        InputError: a .gz file that is broken.
    """
    with _reading(path) as file:
        return file.read(HEAD_BYTES)


def head_lines(head: bytes) -> list[str]:
    """The whole lines of a head, without blank ones; UTF-8, else Latin-1.

    Examples:
        >>> head_lines(b"0413  Friedl\\xe4nder\\r\\n\\r\\n0414  cut o")
        ['0413  Friedländer', '0414  cut o']
    """
    whole = head if len(head) < HEAD_BYTES else head[: head.rfind(b"\n") + 1]
    return [line for line in _decoded(whole.removeprefix(b"\xef\xbb\xbf")).splitlines() if line.strip()]


def read_lines(path: Path) -> Iterator[str]:
    """The lines of a text file one by one, without their ends; each UTF-8, else Latin-1.

    Raises:
        InputError: a .gz file that is broken.
    """
    with _reading(path) as file:
        for number, line in enumerate(file):
            yield _decoded(line.removeprefix(b"\xef\xbb\xbf") if not number else line).rstrip("\r\n")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """A file opened for reading, of a packed one what is packed in it."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rb") if packed else path.open("rb") as file:
            yield cast(BinaryIO, file)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(
            "the file cannot be read to its end",
            where=path,
            remedy="get it again, or take it out of the folder",
        ) from error
