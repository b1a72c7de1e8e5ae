"""The words of an event: which code, when, what value."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from osler.base.settings import Settings, one_or_more
from osler.record.schema import KINDS, ROLES

Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
AT_ONCE = "at once"
STATIC = "static"


class Term(Settings):
    """A code of a vocabulary: gives `VOCABULARY/CODE` in its canonical spelling.

    Attributes:
        vocabulary: template, for instance `ICD{icd_version}CM` or the URI of a code system.
        code: template.
    """

    vocabulary: str
    code: str


class Offset(Settings):
    """A time that is counted from another one; exactly one unit is given.

    Attributes:
        origin: column with the time to count from (a date counts as its end, as everywhere), or a day
            (`2000-01-01`), from the beginning of which is counted.
        seconds: columns with the offset, in this unit.
        minutes: the same in minutes.
        hours: the same in hours.
        days: the same in days.
    """

    origin: str
    seconds: Names = ()
    minutes: Names = ()
    hours: Names = ()
    days: Names = ()

    @model_validator(mode="after")
    def _one_unit(self) -> "Offset":
        if sum(bool(columns) for columns in (self.seconds, self.minutes, self.hours, self.days)) != 1:
            raise ValueError("give the offset in exactly one of seconds, minutes, hours, days")
        return self

    @property
    def unit(self) -> str:
        """The unit that is given."""
        return next(unit for unit in ("seconds", "minutes", "hours", "days") if getattr(self, unit))

    @property
    def from_a_day(self) -> bool:
        """Whether it is counted from a day that the spec states, and not from a time of the record."""
        return self.origin[:4].isdigit()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns with the offset."""
        return tuple(getattr(self, self.unit))


def _one_or_more(value: Any) -> Any:
    """One may stand where several may be named, also one that is a block of its own."""
    return (value,) if isinstance(value, dict) else one_or_more(value)


Codes = Annotated[tuple[str | Term, ...], BeforeValidator(_one_or_more)]
Times = Annotated[tuple[str | Offset, ...], BeforeValidator(_one_or_more)]


class Wide(Settings):
    """A column of a wide table that is an event of its own.

    Attributes:
        description: what it is.
        unit: template or text.
        kind: as in an event.
        section: as in an event.
        as_text: whether its values are words also where they look like numbers.
    """

    description: str
    unit: Names = ()
    kind: str | None = None
    section: str | None = None
    as_text: bool = False


def _wide(value: Any) -> Any:
    """A column may be given by its description alone."""
    if not isinstance(value, dict):
        return value
    return {name: {"description": one} if isinstance(one, str) else one for name, one in value.items()}


class Event(Settings):
    """An event that a row makes, unless it has no time, no code, or none of the values asked for.

    Attributes:
        code: templates or terms; the first that is complete counts.
        description: templates; the first that is complete counts. Where rows describe a code in several ways,
            what is listed first counts, then what is most frequent.
        time: when it happened: columns or offsets; `static` for facts fixed at birth. Default: the table's.
        availability: when it was known, where that is later: columns or offsets, or `at once`. Default: the
            table's.
        where: expression; the event is made for these rows only.
        number: columns with a number; other text in them is an error.
        value: columns with a number or a word.
        text: columns or templates of a lookup, with words.
        unit: templates or text.
        parents: templates of parent codes; `path` gives more.
        path: separator of a code that is a path (`|`): each longer path has the shorter one as its parent.
        section: section of the code book.
        kind: numeric, ordinal, categorical, flag or note; default: by its values.
        role: baseline, intervention, outcome or identifier.
        low: template of the lower limit of normal.
        high: template of the upper limit of normal.
        note_id: column with the id of the note.
        once: `true`: only the earliest such event of a subject is kept; `moment`: of those at one time of a
            visit none is kept that says only what another says, the same value or none beside one.
        needs_value: whether rows without a number or a word make no event.
        columns: columns that are each an event, `{column}` in the code being its name; a column may be given
            by its description alone.
    """

    code: Codes
    description: Names = ()
    time: Times | None = None
    availability: Times | None = None
    where: str | None = None
    number: Names = ()
    value: Names = ()
    text: Names = ()
    unit: Names = ()
    parents: Names = ()
    path: str | None = None
    section: str | None = None
    kind: str | None = None
    role: str | None = None
    low: str | None = None
    high: str | None = None
    note_id: str | None = None
    once: bool | Literal["moment"] = False
    needs_value: bool = False
    columns: Annotated[dict[str, Wide], BeforeValidator(_wide)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _makes_sense(self) -> "Event":
        if sum(map(bool, (self.number, self.value, self.columns))) > 1:
            raise ValueError("give at most one of number, value, columns")
        if self.value and self.text:
            raise ValueError("`value` takes the words too: give `number` and `text` to tell them apart")
        for name, allowed in (("kind", KINDS), ("role", ROLES)):
            if getattr(self, name) not in (None, *allowed):
                raise ValueError(f"{name}: '{getattr(self, name)}' (allowed: {', '.join(allowed)})")
        return self
