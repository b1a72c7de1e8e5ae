"""What a check found: sound, worth a look, or broken, with file, column, count and remedy."""

from dataclasses import asdict, dataclass
from typing import Any

from osler.base.errors import InputError

OK = "ok"
WARNING = "warning"
BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One result of one check.

    Attributes:
        status: ok, warning (it works, but look at it) or broken.
        what: what was found, in one sentence.
        check: the check that found it; filled in by `examine`.
        place: the folder that was examined; filled in by `examine`.
        file: file or folder.
        column: column of the file.
        count: rows, subjects, codes or files concerned.
        remedy: what to do about it.
    """

    status: str
    what: str
    check: str = ""
    place: str = ""
    file: str | None = None
    column: str | None = None
    count: int | None = None
    remedy: str | None = None

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return asdict(self)


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples:
        >>> counted(1, "file"), counted(2_000, "file")
        ('1 file', '2,000 files')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def from_error(error: InputError) -> Finding:
    """What stopped a stage, as a broken finding."""
    return Finding(status=BROKEN, what=error.what, file=error.where, count=error.count, remedy=error.remedy)
