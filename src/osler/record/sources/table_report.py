"""What a person should look at after a table was read: columns that may leak, constants, gaps."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from osler.record.sources.dictionary import Fact
from osler.record.sources.table_columns import Column
from osler.record.sources.table_values import Profile
from osler.record.sources.table_words import Recoding

# Words that speak of the end wherever they stand in a name, then those that do so only on their own.
_OUTCOME_NAME = re.compile(
    r"(?<!stu)(?<!bo)died|dead|death|deceas|expire|mortal|surviv|surv\d|autopsy|outcome|discharg|readmi|"
    r"follow.?up|length.{0,3}(?:of.{0,3})?(?:stay|admission|adm|hosp)|"
    r"\b(?:dying|alive|[hs]?los|end.?point|re.admi\w*|(?:days|time|months).?(?:to|until))\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"(?<![a-z])(?:outcome|intervention|treatment|after|post|follow.?up|discharg|end\b|later|"
    r"(?:within|at)\s+\d+\s*(?:h|hr|hrs|hours?|d|days?|weeks?|months?)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Finding:
    """Something to look at; none of it stops the work.

    Attributes:
        what: what was found.
        columns: the columns concerned.
        remedy: what to do about it.
    """

    what: str
    columns: tuple[str, ...]
    remedy: str

    def plain(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "columns": list(self.columns), "count": len(self.columns)}

    def __str__(self) -> str:
        shown = ", ".join(self.columns[:8]) + (" ..." if len(self.columns) > 8 else "")
        return f"{self.what}: {len(self.columns)} ({shown}); {self.remedy}"


def suspected_outcomes(
    columns: list[Column], facts: dict[str, Fact], *, checked: Iterable[str]
) -> list[Finding]:
    """Columns at baseline whose name, label or time of collection suggests that they came later.

    Args:
        columns: what the columns became.
        facts: what the dictionary says of them.
        checked: columns that a person has declared to be known at baseline.
    """
    checked = set(checked)
    open_columns = [column for column in columns if not column.later and column.name not in checked]
    by_name = tuple(column.name for column in open_columns if _named_like_an_outcome(column))
    by_time = tuple(
        column.name
        for column in open_columns
        if column.name not in by_name and _LATER.search(facts.get(column.name, Fact()).timing or "")
    )
    remedy = "declare them in `outcome` or `after`, or in `baseline` if they are known at t0"
    return [
        *_finding("columns at baseline whose name or label suggests an outcome", by_name, remedy),
        *_finding("columns at baseline that the dictionary says are collected later", by_time, remedy),
    ]


def other_findings(
    columns: list[Column],
    profiles: dict[str, Profile],
    facts: dict[str, Fact],
    recodings: dict[str, Recoding],
    *,
    table_columns: list[str],
    described: Iterable[str],
    has_dictionary: bool,
) -> list[Finding]:
    """Constant and empty columns, values without a word, variables that only table or dictionary has.

    Args:
        columns: what the columns became.
        profiles: what their values look like.
        facts: what the dictionary says of them.
        recodings: what the spec calls their cells.
        table_columns: all columns of the table.
        described: columns that the spec describes.
        has_dictionary: whether there is a dictionary.
    """
    empty = tuple(c.name for c in columns if profiles[c.name].values == 0)
    # Where some rows have the value and others have none, having it says something.
    full = max((profiles[c.name].values for c in columns), default=0)
    constant = tuple(
        c.name for c in columns if profiles[c.name].distinct == 1 and profiles[c.name].values == full
    )
    almost = tuple(c.name for c in columns if c.kind == "categorical" and _almost_numbers(profiles[c.name]))
    words = [c.name for c in columns if c.kind == "categorical" and c.name not in almost]
    unlike = tuple(name for name in words if _nearly_unique(profiles[name]))
    questions = {column.question for column in columns}
    known = {*table_columns, *questions}
    only_dictionary = tuple(name for name in facts if name not in known)
    told = {*facts, *described}
    only_table = tuple(c.name for c in columns if c.name not in told and c.question not in told)
    unnamed = tuple(name for name, recoding in recodings.items() if recoding.unnamed)
    return [
        *_finding(
            "columns of numbers in which a few values are none, taken as categories",
            almost,
            "mend the values or name them in `missing`, and the column is numeric",
        ),
        *_finding(
            "columns of words that differ in nearly every row: names, ids or free text",
            unlike,
            "name those that identify a person in `identifier`; `drop` what texts should not show",
        ),
        *_finding(
            "columns with values that `recode` does not name, which keep their own words",
            unnamed,
            "name them in `recode`, or in `missing`",
        ),
        *_finding("columns without any value", empty, "leave them out with `drop`"),
        *_finding("columns with one value only", constant, "they say nothing; leave them out with `drop`"),
        *_finding("variables of the dictionary that the table lacks", only_dictionary, "check their names"),
        *_finding(
            "columns that the dictionary lacks",
            only_table if has_dictionary else (),
            "describe them in the dictionary or in `labels`",
        ),
    ]


def suggests_outcome(name: str, *words: str) -> bool:
    """Whether the name of a variable, or what is said of it, speaks of the end of the story.

    Args:
        name: of a column; parts may be joined by any sign or by capitals.
        words: descriptions.

    Examples:
        >>> suggests_outcome("LengthOfStay"), suggests_outcome("x1", "Died early"), suggests_outcome("age")
        (True, True, False)
    """
    spaced = re.sub(r"[^A-Za-z0-9]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", name))
    return any(_OUTCOME_NAME.search(text) for text in (spaced, *words))


def _named_like_an_outcome(column: Column) -> bool:
    return suggests_outcome(column.name, column.description, column.question_text or "")


def _nearly_unique(facts: Profile) -> bool:
    """Whether at least nine of ten values differ, in a column long enough to tell."""
    return facts.values >= 20 and 10 * facts.distinct >= 9 * facts.values


def _almost_numbers(facts: Profile) -> bool:
    """Whether at least nine of ten values are numbers, and more of them differ than a scale has steps."""
    return 0 < 10 * facts.not_numbers <= facts.values and facts.distinct > 12 and not facts.padded


def _finding(what: str, columns: tuple[str, ...], remedy: str) -> list[Finding]:
    return [Finding(what=what, columns=columns, remedy=remedy)] if columns else []
