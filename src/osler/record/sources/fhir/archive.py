"""The files of an export: single, in a folder or in an archive, packed or not; never unpacked to disk."""

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, NamedTuple, cast

from osler.base.errors import InputError

TEXT_ENDINGS = (".ndjson", ".jsonl", ".json")
_PACKED: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
_TAR_ALIASES = {".tgz": ".tar.gz", ".tbz2": ".tar.bz2", ".tbz": ".tar.bz2", ".txz": ".tar.xz"}
_BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
_TAR_BLOCK = 512


class OpenFile(NamedTuple):
    """A file of resources that is being read.

    Attributes:
        name: what to call it.
        stream: its bytes, unpacked.
        position: tells how far the file on disk has been read, in bytes.
    """

    name: str
    stream: IO[bytes]
    position: Callable[[], int]


@contextmanager
def readable(name: object) -> Iterator[None]:
    """Turn what goes wrong while a file is read into an `InputError` that names it."""
    try:
        yield
    except PermissionError as error:
        raise InputError("the file may not be read", where=name, remedy="ask for the right to") from error
    except _BROKEN as error:
        raise InputError(
            f"the file cannot be read: it is broken or was cut off ({type(error).__name__})",
            where=name,
            remedy="copy it again",
        ) from error
    except RuntimeError as error:  # what zipfile says of a password
        raise InputError("the archive is locked", where=name, remedy="unlock it first") from error


def source_files(source: Path) -> Iterator[Path]:
    """The files of a source in order: folder by folder, by name, links to folders followed once.

    Args:
        source: a file or a folder.

    Raises:
        InputError: there is no such place, or the folder is empty.
    """
    if not source.exists():
        raise InputError("no such file or folder", where=source, remedy="name the export's file or folder")
    if source.is_file():
        yield source
        return
    is_empty = True
    seen = {source.resolve()}
    for folder, folders, names in os.walk(source, followlinks=True):
        places = {Path(folder, name).resolve(): name for name in sorted(folders, reverse=True)}
        folders[:] = sorted(name for place, name in places.items() if place not in seen)
        seen.update(places)
        for name in sorted(names):
            is_empty = False
            yield Path(folder, name)
    if is_empty:
        raise InputError("the folder is empty", where=source, remedy="name the folder of the export")


def open_files(path: Path, name: str, left: Counter[str]) -> Iterator[OpenFile]:
    """Each file of resources that a file is or holds.

    Args:
        path: the file.
        name: what to call it.
        left: counts files that are not read, by the ending of their names.

    Yields:
        The files; each is read before the next one is asked for. A file in an archive is called
        `archive/file`; an archive's files come in its own order.

    Raises:
        InputError: the file is broken.
    """
    ending, packing = kind_of(path.name)
    if ending is None:
        left[_shown_ending(path.name)] += 1
        return
    if ending == ".zip":
        yield from _zipped(path, name, left)
        return
    with readable(name), path.open("rb") as raw:
        stream = _unpacked(raw, packing)
        if ending == ".tar":
            for inner, inside in _tarred(stream, name, left):
                yield OpenFile(inner, inside, raw.tell)
        else:
            yield OpenFile(name, stream, raw.tell)


def kind_of(name: str) -> tuple[str | None, str | None]:
    """The ending of a file that is read, and that of its packing.

    Examples:
        >>> kind_of("Patient.ndjson.GZ"), kind_of("a.tgz"), kind_of("README.md"), kind_of("._a.json")
        (('.ndjson', '.gz'), ('.tar', '.gz'), (None, None), (None, None))
    """
    lower = PurePosixPath(name).name.lower()
    if lower.startswith("."):
        return None, None
    for alias, ending in _TAR_ALIASES.items():
        lower = lower.removesuffix(alias) + ending if lower.endswith(alias) else lower
    packing = next((packing for packing in _PACKED if lower.endswith(packing)), None)
    inner = lower.removesuffix(packing or "")
    allowed = (*TEXT_ENDINGS, ".tar") if packing else (*TEXT_ENDINGS, ".tar", ".zip")
    return next((ending for ending in allowed if inner.endswith(ending)), None), packing


def _shown_ending(name: str) -> str:
    plain = PurePosixPath(name).name
    return "hidden" if plain.startswith(".") else PurePosixPath(plain).suffix.lower() or "none"


def _unpacked(stream: Any, packing: str | None) -> IO[bytes]:
    return cast(IO[bytes], _PACKED[packing](stream)) if packing else cast(IO[bytes], stream)


def _member(name: str, stream: Any, left: Counter[str]) -> IO[bytes] | None:
    """The stream of a file in an archive, unpacked; None where it is not read."""
    ending, packing = kind_of(name)
    if ending not in TEXT_ENDINGS:
        left[_shown_ending(name)] += 1
        return None
    return _unpacked(stream, packing)


def _tarred(stream: IO[bytes], name: str, left: Counter[str]) -> Iterator[tuple[str, IO[bytes]]]:
    ends = _Ends(stream)
    with tarfile.open(fileobj=cast(Any, ends), mode="r|") as archive:
        for member in archive:
            if member.isdir():
                continue
            if not member.isfile():
                left["link"] += 1
                continue
            found = _member(member.name, archive.extractfile(member), left)
            if found is not None:
                yield f"{name}/{member.name}", found
    if ends.last.strip(b"\0"):
        # Without the blocks of zeros at its end, an archive that was cut off between two files looks whole.
        raise tarfile.ReadError("no end of archive")


class _Ends:
    """A stream that remembers its last block."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.last = b""

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.last = (self.last + data)[-_TAR_BLOCK:] if len(data) < _TAR_BLOCK else data[-_TAR_BLOCK:]
        return data


def _zipped(path: Path, name: str, left: Counter[str]) -> Iterator[OpenFile]:
    with readable(name), path.open("rb") as raw, zipfile.ZipFile(raw) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            with archive.open(member) as inside:
                found = _member(member.filename, inside, left)
                if found is not None:
                    yield OpenFile(f"{name}/{member.filename}", found, raw.tell)
