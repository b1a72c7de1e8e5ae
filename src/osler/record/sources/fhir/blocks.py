"""An export cut into blocks of some megabytes, so that memory is bounded and cores can share the work.

A block holds whole documents or whole lines. What a file is, is told by its content: one JSON document, or a
document on each line (NDJSON), whatever its name says.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from osler.base.errors import InputError
from osler.record.sources.fhir.archive import OpenFile, kind_of, open_files, readable, source_files

BLOCK_BYTES = 4 << 20
_MARK = b"\xef\xbb\xbf"  # byte order mark
_LINES = (".ndjson", ".jsonl")


@dataclass(frozen=True)
class Piece:
    """Bytes of one file.

    Attributes:
        file: number of the file.
        name: what the file is called.
        data: whole documents: one, or one on each line.
        is_lines: whether a line is a document.
        first_line: number of its first line, from 1.
        done: bytes of the file on disk that were read for it.
    """

    file: int
    name: str
    data: bytes
    is_lines: bool
    first_line: int = 1
    done: int = 0


@dataclass(frozen=True)
class Block:
    """Pieces that are worked on together.

    Attributes:
        pieces: the pieces, in order. A piece that goes on with a file is alone in its block.
    """

    pieces: tuple[Piece, ...]

    @property
    def done(self) -> int:
        """Bytes on disk that were read for it."""
        return sum(piece.done for piece in self.pieces)


@dataclass
class Reading:
    """What was met while the source was read.

    Attributes:
        files: number of files that hold resources.
        left: files that are not read, by the ending of their names.
    """

    files: int = 0
    left: Counter[str] = field(default_factory=Counter)


def blocks(source: Path, reading: Reading, *, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Cut an export into blocks.

    Args:
        source: file, folder or archive.
        reading: is told the files that are met.
        size: bytes of a block; a longer document is a block of its own.

    Yields:
        The blocks, in the order of the files and of their lines.

    Raises:
        InputError: no such place, an empty folder, nothing to read in it, or a file that is broken.
    """
    waiting: list[Piece] = []
    waiting_bytes = 0
    for path in source_files(source):
        name = path.name if path == source else path.relative_to(source).as_posix()
        position = 0
        for opened in open_files(path, name, reading.left):
            number = reading.files
            reading.files += 1
            for piece in _pieces(opened, number, size):
                starts_file = piece.first_line == 1
                if waiting and (not starts_file or waiting_bytes + len(piece.data) > size):
                    yield Block(tuple(waiting))
                    waiting, waiting_bytes = [], 0
                here = opened.position()
                if starts_file:
                    waiting.append(replace(piece, done=here - position))
                    waiting_bytes += len(piece.data)
                else:
                    yield Block((replace(piece, done=here - position),))
                position = here
    if not reading.files:
        raise InputError(
            "no file of resources",
            where=source,
            count=sum(reading.left.values()) or None,
            allowed=["NDJSON or JSON (.ndjson, .jsonl, .json)", "packed (.gz, .bz2, .xz)", "in .tar or .zip"],
            remedy="name the export's file or folder",
        )
    if waiting:
        yield Block(tuple(waiting))


def _pieces(opened: OpenFile, file: int, size: int) -> Iterator[Piece]:
    name, stream = opened.name, opened.stream
    with readable(name):
        head = stream.readline().removeprefix(_MARK)
        first = head
        while first and not first.strip():
            first = stream.readline()
            head += first
        rest = stream.read(size)
    head += rest
    if not _is_lines(first.strip(), more=bool(rest.strip()), named_lines=kind_of(name)[0] in _LINES):
        with readable(name):
            data = head + stream.read() if len(rest) == size else head
        yield Piece(file, name, data, is_lines=False)
        return
    line = 1
    while True:
        with readable(name):
            head += stream.readline()
            rest = stream.read(size)
        yield Piece(file, name, head, is_lines=True, first_line=line)
        if not rest:
            return
        line += head.count(b"\n")
        head = rest


def _is_lines(first: bytes, *, more: bool, named_lines: bool) -> bool:
    """Whether each line is a document.

    Args:
        first: the first line that is not blank.
        more: whether anything follows it.
        named_lines: whether the name of the file says so.

    Examples:
        >>> _is_lines(b"{}", more=True, named_lines=False), _is_lines(b"{", more=True, named_lines=True)
        (True, False)
    """
    if named_lines:
        return len(first) != 1
    if not more or not first.endswith(b"}"):
        return False
    try:
        json.loads(first)
    except ValueError:
        return False
    return True
