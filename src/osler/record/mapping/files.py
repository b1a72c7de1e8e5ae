"""Finding the files of a table: any case, text or Parquet, compressed or not, a file or a folder of parts."""

import csv
import gzip
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from osler.base.errors import InputError

PARQUET = ".parquet"
TEXT_ENDINGS = (".csv", ".tsv")
COMPRESSED = (".gz", ".zst")
# What holds tables too, in a form that is not read.
_FOREIGN = (
    ".7z", ".arrow", ".bz2", ".dta", ".feather", ".orc", ".rar", ".rda", ".rds", ".sas7bdat", ".sav", ".tar",
    ".tgz", ".xls", ".xlsx", ".xpt", ".xz", ".zip",
)  # fmt: skip
EMPTY = "an empty file"
_MOST_LISTED = 5
_SEPARATORS = ",\t;|"


@dataclass(frozen=True)
class TableFiles:
    """The files of one table, all of one kind.

    Attributes:
        paths: the files, sorted.
        separator: of text files; None for Parquet.
    """

    paths: tuple[Path, ...]
    separator: str | None

    @property
    def is_parquet(self) -> bool:
        """Whether the files are Parquet."""
        return self.separator is None

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return sum(path.stat().st_size for path in self.paths)


@dataclass(frozen=True)
class SourceFiles:
    """All tables of a source, by path below it without ending, lower case.

    Attributes:
        root: the source.
        tables: `hosp/labevents` -> its files.
        set_aside: path below the source -> why this file is not read, though it could hold a table.
    """

    root: Path
    tables: dict[str, tuple[Path, ...]]
    set_aside: dict[str, str] = field(default_factory=dict)

    def aside(self) -> str:
        """The first files that are set aside, with the reasons, as the end of a sentence."""
        first = list(self.set_aside.items())[:_MOST_LISTED]
        return "".join(f"; {name}: {reason}" for name, reason in first)

    def find(self, names: Iterable[str]) -> tuple[str, TableFiles] | None:
        """The first of some names that the source has.

        Args:
            names: paths without ending (`hosp/labevents`); `*` stands for any part of a file name. A table is
                also found where the folders of the source are missing or deeper (`labevents`).

        Returns:
            The name of the table as found and its files, or None.

        Raises:
            InputError: the name fits several tables, or the files of the table are of several kinds.
        """
        for name in names:
            wanted = name.lower()
            fits = [key for key in self.tables if fnmatchcase(key, wanted)]
            last = wanted.rpartition("/")[2]
            for pattern in (f"*/{wanted}", last, f"*/{last}"):
                fits = fits or [key for key in self.tables if fnmatchcase(key, pattern)]
            if len(fits) > 1 and "*" not in name:
                raise InputError(
                    f"several tables could be '{name}'",
                    where=self.root,
                    count=len(fits),
                    allowed=fits,
                    remedy="keep one of them, or name it in a spec of your own (`file`)",
                )
            if fits:
                paths = tuple(path for key in sorted(fits) for path in self.tables[key])
                return sorted(fits)[0], table_files(paths)
        return None


def list_source(root: Path) -> SourceFiles:
    """Look what tables a source has; nothing is read.

    Args:
        root: a folder, or one file.

    Raises:
        InputError: there is no such place, or no table in it.
    """
    if not root.exists():
        remedy = "name the source"
        if ":/" in str(root):
            remedy += "; of databases PostgreSQL is read: postgresql://USER@HOST/DATABASE"
        raise InputError("no such file or folder", where=root, remedy=remedy)
    files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    base = root.parent if root.is_file() else root
    tables: dict[str, list[Path]] = {}
    set_aside = {}
    for path in files:
        name = path.relative_to(base)
        if _hidden(name):
            continue
        if stem_of(path) is None:
            if path.suffix.lower() in _FOREIGN:
                set_aside[name.as_posix()] = f"files {path.suffix.lower()} are not read"
        elif path.stat().st_size == 0:
            set_aside[name.as_posix()] = EMPTY
        else:
            tables.setdefault(_key(path, base), []).append(path)
    found = SourceFiles(root, {key: tuple(paths) for key, paths in sorted(tables.items())}, set_aside)
    if not tables:
        raise InputError(
            "no tables",
            where=root,
            allowed=[f"{ending}[{'|'.join(COMPRESSED)}]" for ending in TEXT_ENDINGS] + [PARQUET],
            remedy=f"name the folder with the source's tables{found.aside()}",
        )
    return found


def stem_of(path: Path) -> str | None:
    """The name of a table's file without its endings, or None when it is no table.

    Examples:
        >>> stem_of(Path("PERSON.CSV.GZ")), stem_of(Path("LICENSE.md"))
        ('PERSON', None)
    """
    compressed = path.suffix.lower() in COMPRESSED
    name = path.stem if compressed else path.name
    ending = Path(name).suffix.lower()
    if ending in TEXT_ENDINGS or (ending == PARQUET and not compressed):
        return name[: -len(ending)]
    return None


def _hidden(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _key(path: Path, base: Path) -> str:
    """The table that a file belongs to: a folder whose files are numbered parts is one table."""
    stem = str(stem_of(path)).lower()
    folder = path.parent.relative_to(base).as_posix().lower()
    if folder != "." and _is_part(stem, folder.rpartition("/")[2]):
        return folder
    return stem if folder == "." else f"{folder}/{stem}"


def _is_part(stem: str, folder: str) -> bool:
    """Whether a file is a part of the table that its folder is named after.

    Examples:
        >>> _is_part("part-00001-ab", "person"), _is_part("person_000", "person"), _is_part("labs", "icu")
        (True, True, False)
    """
    rest = stem.removeprefix(folder) if stem.startswith(folder) and stem != folder else stem
    rest = rest.removeprefix("part").removeprefix("data")
    return not rest or rest.lstrip("-_.")[:1].isdigit()


def table_files(paths: tuple[Path, ...]) -> TableFiles:
    """The files of one table with their separator.

    Raises:
        InputError: Parquet beside text, other separators, or a text file without a line.
    """
    kinds = {path.name.lower().endswith(PARQUET) for path in paths}
    if len(kinds) > 1:
        raise InputError(
            "the table is there as text and as Parquet",
            where=", ".join(str(path) for path in paths[:_MOST_LISTED]),
            count=len(paths),
            remedy="keep the files of one kind",
        )
    if kinds == {True}:
        return TableFiles(paths=paths, separator=None)
    separators = {separator_of(path) for path in paths}
    if len(separators) > 1:
        raise InputError(
            "the files of the table have different separators",
            where=paths[0].parent,
            count=len(separators),
            remedy="write them alike",
        )
    return TableFiles(paths=paths, separator=separators.pop())


def separator_of(path: Path) -> str:
    """What separates the cells of a text file: the mark that its header has most, else a comma."""
    header = _first_line(path)
    return max(_SEPARATORS, key=header.count) if any(mark in header for mark in _SEPARATORS) else ","


def header_of(path: Path, separator: str) -> list[str]:
    """The names in the header of a text file.

    Raises:
        InputError: the file is empty or not UTF-8, or names are missing or there twice.
    """
    names = [name.strip() for name in next(csv.reader([_first_line(path)], delimiter=separator), [])]
    lowered = [name.lower() for name in names]
    twice = [name for name in names if lowered.count(name.lower()) > 1]
    nameless = [place for place, name in enumerate(names, start=1) if not name]
    if twice:
        raise InputError(
            f"column '{twice[0]}' is there twice", where=path, count=len(twice), remedy="rename one of them"
        )
    # The row number that R and pandas write has no name; it is no variable.
    if nameless and nameless != [1]:
        raise InputError(
            f"columns without a name (column {nameless[-1]} of the header)",
            where=path,
            count=len(nameless),
            remedy="name them",
        )
    return [name or "column0" for name in names]


def _first_line(path: Path) -> str:
    try:
        with _open(path) as file:
            line = _header_line(file)
    except UnicodeDecodeError as error:
        raise InputError(
            "not UTF-8",
            where=path,
            remedy="save the file as UTF-8, for instance: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW",
        ) from error
    except (OSError, EOFError) as error:
        raise InputError(f"the file cannot be read ({error})", where=path, remedy="copy it again") from error
    if not line.strip():
        raise InputError("the file has no header", where=path, remedy="the first line names the columns")
    return line


def _header_line(file: io.TextIOBase) -> str:
    """The header, which goes over several lines when a name holds a line break."""
    text = ""
    for line in file:
        text += line
        if text.count('"') % 2 == 0:
            break
    return text.rstrip("\r\n")


def _open(path: Path) -> io.TextIOWrapper:
    ending = path.suffix.lower()
    if ending == ".gz":
        return io.TextIOWrapper(gzip.open(path, "rb"), "utf-8-sig", newline="")
    if ending == ".zst":
        import pyarrow as pa

        return io.TextIOWrapper(pa.input_stream(str(path), compression="zstd"), "utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
