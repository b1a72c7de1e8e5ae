"""One event that the rows of a table make, in SQL: when, which code, what value, and whether at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from osler.base.errors import InputError
from osler.record import schema
from osler.record.mapping.coded import Field
from osler.record.mapping.scope import Scope, Value
from osler.record.mapping.spec import AT_ONCE, STATIC, Event, MappingSpec, Offset, Wide
from osler.record.mapping.sql import as_number, as_text, as_time, finite, literal, midnight_as_date

# What became of a row for one event. Those from `FIRST_BAD` on are faults of the source.
MADE, NOT_MEANT, NO_VALUE, NO_TIME, NO_CODE = range(5)
FIRST_BAD = 10
BAD_TIME, BAD_NUMBER = FIRST_BAD, FIRST_BAD + 1
REASONS = {
    NOT_MEANT: "no event is meant for such rows",
    NO_VALUE: "no value",
    NO_TIME: "no time",
    NO_CODE: "no code",
    BAD_TIME: "a time that cannot be read",
    BAD_NUMBER: "a number that cannot be read",
}
CODE, UNIT, LABEL = "code", "unit", "label"
# What stands for a time, number or word that no row has.
NOTHING = {
    "time": "CAST(NULL AS TIMESTAMP)",
    "number": "CAST(NULL AS DOUBLE)",
    "text": "CAST(NULL AS VARCHAR)",
}
_MICROSECONDS = {"seconds": 1e6, "minutes": 6e7, "hours": 3.6e9, "days": 8.64e10}


@dataclass(frozen=True)
class Rule:
    """An event in SQL, each attribute an expression over the row.

    Attributes:
        number: of the rule, over all tables.
        event: what the spec says of it.
        column: the column that it is about, where the event is one of several columns.
        wide: what the spec says of that column.
        coded: its code, with what describes it.
        unit: its unit, or None.
        label: its looked-up words, or None.
        state: one of MADE, NOT_MEANT ...
        time: its time.
        value: its number.
        text: its words.
        label_first: whether looked-up words go before others.
        note: the id of the note as text, or None.
        bad: what cannot be read: BAD_TIME or BAD_NUMBER, SQL condition, columns.
    """

    number: int
    event: Event
    column: str | None
    wide: Wide | None
    coded: Field
    unit: Field | None
    label: Field | None
    state: str
    time: str
    value: str
    text: str
    label_first: bool
    note: str | None
    bad: tuple[tuple[int, str, str], ...]

    @property
    def section(self) -> str | None:
        """Section of the code book."""
        return (self.wide.section if self.wide else None) or self.event.section

    @property
    def kind(self) -> str | None:
        """Kind of the code, where the spec states one."""
        return (self.wide.kind if self.wide else None) or self.event.kind


@dataclass(frozen=True)
class Read:
    """Something read from text.

    Attributes:
        value: SQL of the value; null where there is none or it cannot be read.
        given: SQL condition: there is something to read.
        names: the columns.
    """

    value: str
    given: str
    names: str

    @property
    def bad(self) -> str:
        """SQL condition: there is something, and it cannot be read."""
        return f"({self.given}) AND {self.value} IS NULL"


def make_rules(scope: Scope, spec: MappingSpec, first: int) -> list[Rule]:
    """The rules of a table, numbered from `first`; an event over several columns gives one for each.

    Raises:
        InputError: columns that the table lacks.
    """
    rules: list[Rule] = []
    for place, event in enumerate(scope.table.events):
        key = f"events.{place}"
        for column, wide in event.columns.items() or [(None, None)]:
            if column is not None and not scope.has(column) and scope.relation.may_lack(column):
                continue
            rules.append(_make_rule(scope, spec, event, key, first + len(rules), column, wide))
    return rules


def _make_rule(
    scope: Scope,
    spec: MappingSpec,
    event: Event,
    key: str,
    number: int,
    column: str | None,
    wide: Wide | None,
) -> Rule:
    coded = Field(number, scope)
    coded.add(CODE, event.code, key=f"{key}.code", column=column)
    coded.add("description", [wide.description] if wide else event.description, key=f"{key}.description")
    coded.add("parents", event.parents, key=f"{key}.parents")
    for part in ("low", "high"):
        template = getattr(event, part)
        coded.add(part, [template] if template else [], key=f"{key}.{part}")
    unit = _unit(scope, (wide.unit if wide else ()) or event.unit, key, number)
    time = _time(scope, spec, event, key)
    value, text, label, label_first = _value(scope, spec, event, key, number, column, wide)
    note_id = event.note_id or scope.table.note_id
    note = scope.value(note_id, key="note_id") if note_id else None
    has_value = [f"{value.value} IS NOT NULL", f"{text} IS NOT NULL"]
    has_value += [f"{label.key_sql(LABEL)} IS NOT NULL"] if label else []
    static = _times(scope, event) == (STATIC,)
    bad = [] if static else [(BAD_TIME, time.bad, time.names)]
    bad += [(BAD_NUMBER, value.bad, value.names)] if event.number and value.names else []
    cases = []
    if event.where:
        cases.append((f"NOT {scope.expression(event.where, key=f'{key}.where')}", NOT_MEANT))
    if event.needs_value or wide:
        cases.append((f"NOT ({' OR '.join(has_value)}) AND NOT ({value.bad})", NO_VALUE))
    if not static:
        cases += [(f"NOT ({time.given})", NO_TIME), (time.bad, BAD_TIME)]
    cases.append((f"{coded.key_sql(CODE)} IS NULL", NO_CODE))
    if event.number and value.names:
        cases.append((value.bad, BAD_NUMBER))
    state = (
        "CASE " + " ".join(f"WHEN {condition} THEN {code}" for condition, code in cases) + f" ELSE {MADE} END"
    )
    return Rule(
        number=number,
        event=event,
        column=column,
        wide=wide,
        coded=coded,
        unit=unit,
        label=label,
        state=state,
        time=time.value,
        value=value.value,
        text=text,
        label_first=label_first,
        note=None if note is None else as_text(note.sql, note.family),
        bad=tuple(bad),
    )


def _unit(scope: Scope, templates: Sequence[str], key: str, number: int) -> Field | None:
    if not templates:
        return None
    unit = Field(number, scope)
    unit.add(UNIT, templates, key=f"{key}.unit")
    return unit


def _value(
    scope: Scope,
    spec: MappingSpec,
    event: Event,
    key: str,
    number: int,
    column: str | None,
    wide: Wide | None,
) -> tuple[Read, str, Field | None, bool]:
    """The number, the words, the looked-up words, and whether these go first."""
    note = event.kind == "note"
    names = (column,) if column else event.number or event.value
    values = [scope.value(name, key=f"{key}.{name}") for name in names]
    words = wide is not None and wide.as_text
    found = _first(scope, values, spec) if not words else Read(NOTHING["number"], "false", "")
    own = [name for name in event.text if "{" not in name]
    looked = [name for name in event.text if "{" in name]
    if looked and own and event.text not in ((*looked, *own), (*own, *looked)):
        raise InputError(
            "looked-up words stand between columns of words",
            where=scope.place(f"{key}.text"),
            remedy="list them before or after the columns",
        )
    texts = [scope.value(name, key=f"{key}.text", verbatim=note) for name in own]
    if not event.number:  # what is no number is a word
        texts += values
    text = _words(scope, texts)
    if not note:
        # A word that says the same number again says nothing.
        said = text if spec.decimal == "." else f"replace({text}, {literal(spec.decimal)}, '.')"
        number_in_text = f"TRY_CAST({said} AS DOUBLE)"
        text = (
            f"CASE WHEN ({number_in_text} = ({found.value})) IS NOT TRUE THEN {text} END" if values else text
        )
    if not looked:
        return found, text, None, False
    label = Field(number, scope)
    label.add(LABEL, looked, key=f"{key}.text")
    return found, text, label, "{" in event.text[0]


def _words(scope: Scope, values: Sequence[Value]) -> str:
    texts = [as_text(value.sql, value.family) for value in values]
    return scope.once(f"coalesce({', '.join(texts)})") if texts else NOTHING["text"]


def _first(scope: Scope, values: Sequence[Value], spec: MappingSpec) -> Read:
    """The first of some columns with something in it, as a number."""
    if not values:
        return Read(NOTHING["number"], "false", "")
    numbers = [scope.once(as_number(value.sql, value.family, decimal=spec.decimal)) for value in values]
    read = [
        Read(one, f"{value.sql} IS NOT NULL", value.name) for one, value in zip(numbers, values, strict=True)
    ]
    return _either(scope, read)


def _time(scope: Scope, spec: MappingSpec, event: Event, key: str) -> Read:
    """When the event was known: the later of when it happened and when it was recorded."""
    times = _times(scope, event)
    if times == (STATIC,):
        return Read(NOTHING["time"], "true", "")
    birth = event.code == (schema.BIRTH,)
    names = [name for one in times for name in _names(one)]
    scope.require_one(names, key=f"{key}.time")
    own = _moments(scope, spec, times, f"{key}.time", birth=birth)
    known = scope.table.availability if event.availability is None else event.availability
    later = [
        _moment(scope, spec, one, f"{key}.availability", birth=False) for one in known or () if one != AT_ONCE
    ]
    if not later:
        return own
    unreadable = " OR ".join(f"({one.bad})" for one in later)
    latest = f"greatest({', '.join([own.value, *(one.value for one in later)])})"
    value = scope.once(f"CASE WHEN {own.value} IS NOT NULL AND NOT ({unreadable}) THEN {latest} END")
    return Read(value, own.given, ", ".join([own.names, *(one.names for one in later)]))


def _times(scope: Scope, event: Event) -> tuple[str | Offset, ...]:
    return event.time or scope.table.time


def _names(one: str | Offset) -> tuple[str, ...]:
    return one.columns if isinstance(one, Offset) else (one,)


def _either(scope: Scope, read: Sequence[Read]) -> Read:
    """The first with something in it, whether that can be read or not."""
    if len(read) == 1:
        return read[0]
    cases = " ".join(f"WHEN {one.given} THEN {one.value}" for one in read)
    given = " OR ".join(f"({one.given})" for one in read)
    return Read(scope.once(f"CASE {cases} END"), given, ", ".join(one.names for one in read))


def _moments(
    scope: Scope, spec: MappingSpec, times: Sequence[str | Offset], key: str, *, birth: bool
) -> Read:
    """The first of some times that is given; columns of text are read as one, which is half the work."""
    values = [scope.value(one, key=key) for one in times if isinstance(one, str)]
    if len(values) == len(times) > 1 and all(value.family == "text" for value in values):
        first = scope.once(f"coalesce({', '.join(value.sql for value in values)})")
        names = ", ".join(value.name for value in values)
        return _parsed(scope, spec, Value(first, "text", names), birth=birth)
    return _either(scope, [_moment(scope, spec, one, key, birth=birth) for one in times])


def _moment(scope: Scope, spec: MappingSpec, one: str | Offset, key: str, *, birth: bool) -> Read:
    if isinstance(one, Offset):
        return _offset(scope, spec, one, key)
    value = scope.value(one, key=key)
    if value.family not in ("text", "date", "timestamp", "zoned"):
        raise InputError(
            f"column '{one}' holds numbers, not times",
            where=scope.place(key),
            remedy="give it as an offset: {origin: 2000-01-01, minutes: COLUMN}",
        )
    return _parsed(scope, spec, value, birth=birth)


def _parsed(scope: Scope, spec: MappingSpec, value: Value, *, birth: bool) -> Read:
    time = scope.once(
        as_time(
            value.sql, value.family, timezone=spec.timezone, formats=spec.time_formats, end_of_day=not birth
        )
    )
    if value.family == "text":
        time = scope.once(finite(time))
    if (scope.table.midnight or spec.midnight) == "date" and not birth:
        time = scope.once(midnight_as_date(time))
    return Read(time, f"{value.sql} IS NOT NULL", value.name)


def _offset(scope: Scope, spec: MappingSpec, offset: Offset, key: str) -> Read:
    values = [scope.value(name, key=f"{key}.{offset.unit}") for name in offset.columns]
    number = _first(scope, values, spec)
    micros = f"to_microseconds(CAST(round({number.value} * {_MICROSECONDS[offset.unit]:.0f}) AS BIGINT))"
    if offset.from_a_day:
        origin, given, names = f"CAST({literal(offset.origin)} AS TIMESTAMP)", number.given, number.names
    else:
        start = scope.value(offset.origin, key=f"{key}.origin")
        origin = scope.once(as_time(start.sql, start.family, timezone=spec.timezone, end_of_day=False))
        given = f"({number.given}) AND {start.sql} IS NOT NULL"
        names = f"{number.names}, {offset.origin}"
    return Read(scope.once(f"{origin} + {micros}"), given, names)
