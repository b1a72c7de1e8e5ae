"""What a check found: sound, worth a look, or broken, with file, column, count, an example and a remedy."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from osler.base.errors import InputError

OK = "ok"
WARNING = "warning"
BROKEN = "broken"
SEVERITY = (BROKEN, WARNING, OK)  # from the worst

SHOWN = 5  # names that are listed in a sentence; the rest is counted

Example = dict[str, int | str]


@dataclass(frozen=True)
class Finding:
    """One result of one check.

    Attributes:
        status: how severe it is. `ok`: sound. `warning`: everything works, but a person should look at it.
            `broken`: a stage will refuse it or give wrong results; `osler doctor` ends with exit code 3.
        what: what was found, in one sentence.
        check: the check that found it; filled in by `examine`.
        place: the folder that was examined; filled in by `examine`.
        file: file or folder.
        column: column of the file.
        count: rows, subjects, codes or files concerned.
        example: one of them, by its ids alone (`subject_id`, `prediction_time`, `code`, `unit`, `site`,
            `group_id`, `statement_id`, `file`); never the text of a record.
        remedy: what to do about it.
    """

    status: str
    what: str
    check: str = ""
    place: str = ""
    file: str | None = None
    column: str | None = None
    count: int | None = None
    example: Example | None = None
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


def listed(names: Iterable[object], *, most: int = SHOWN) -> str:
    """Names in a sentence: the first of them, and how many more there are.

    Args:
        names: what to name.
        most: how many to name.

    Examples:
        >>> listed("abcdefg"), listed(["a", "b"]), listed("abc", most=2)
        ('a, b, c, d, e and 2 more', 'a, b', 'a, b and 1 more')
    """
    every = [str(name) for name in names]
    more = len(every) - most
    return ", ".join(every[:most]) + (f" and {more:,} more" if more > 0 else "")


def percent(part: float, whole: float) -> str:
    """A share with as many digits as it needs; never 0 % or 100 % where that is not exact.

    Examples:
        >>> percent(1, 8), percent(1, 1_000_000), percent(999_999, 1_000_000), percent(0, 5)
        ('12.5 %', '<0.01 %', '>99.99 %', '0 %')
    """
    if not whole or not part:
        return "0 %"
    share = 100 * part / whole
    if share < 0.01:
        return "<0.01 %"
    if 99.99 < share < 100:
        return ">99.99 %"
    return f"{share:.2f} %" if share < 1 or 99 < share < 100 else f"{share:.1f} %".replace(".0 %", " %")


def example(**ids: object) -> Example:
    """Ids as an example holds them: numbers and words; times in ISO 8601; what is null is left out.

    Examples:
        >>> example(subject_id=3, prediction_time=datetime(2020, 1, 2), code=None)
        {'subject_id': 3, 'prediction_time': '2020-01-02T00:00:00'}
    """
    plain: Example = {}
    for name, value in ids.items():
        if isinstance(value, datetime):
            plain[name] = value.isoformat()
        elif value is not None:
            plain[name] = value if isinstance(value, int) else str(value)
    return plain


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Findings that say the same of several files as one: counts added up, the first file and example kept.

    Examples:
        >>> same = [Finding(BROKEN, "cut off", file=file, count=2) for file in ("a", "b")]
        >>> [(one.what, one.file, one.count) for one in merged([*same, Finding(OK, "fine", file="c")])]
        [('cut off (in 2 files)', 'a', 4), ('fine', 'c', None)]
    """
    alike: dict[tuple[str, str, str | None, str | None], list[Finding]] = {}
    for finding in findings:
        alike.setdefault((finding.status, finding.what, finding.column, finding.remedy), []).append(finding)
    return [_one_of(same) for same in alike.values()]


def _one_of(same: list[Finding]) -> Finding:
    first = same[0]
    files = len({finding.file for finding in same})
    if files == 1:
        return first
    counts = [1 if finding.count is None else finding.count for finding in same]
    return replace(
        first,
        what=f"{first.what} (in {files:,} files)",
        count=sum(counts),
        example=next((finding.example for finding in same if finding.example is not None), None),
    )


def from_error(error: InputError) -> Finding:
    """What stopped a stage, as a broken finding."""
    return Finding(
        status=BROKEN,
        what=error.what,
        file=error.where,
        count=error.count,
        example=None if error.where is None else example(file=error.where),
        remedy=error.remedy,
    )
