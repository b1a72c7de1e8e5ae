"""Times and numbers of a row in SQL, and whether there is something that cannot be read."""

from collections.abc import Sequence
from dataclasses import dataclass

from osler.base.errors import InputError
from osler.record import schema
from osler.record.mapping.scope import Scope, Value
from osler.record.mapping.spec import MappingSpec
from osler.record.mapping.spec_event import AT_ONCE, STATIC, Event, Offset
from osler.record.mapping.sql import as_number, as_time, finite, literal, midnight_as_date

# What stands for a time, number or word that no row has.
NOTHING = {
    "time": "CAST(NULL AS TIMESTAMP)",
    "number": "CAST(NULL AS DOUBLE)",
    "text": "CAST(NULL AS VARCHAR)",
}
_MICROSECONDS = {"seconds": 1e6, "minutes": 6e7, "hours": 3.6e9, "days": 8.64e10}


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


def read_number(scope: Scope, spec: MappingSpec, values: Sequence[Value]) -> Read:
    """The first of some columns with something in it, as a number."""
    if not values:
        return Read(NOTHING["number"], "false", "")
    numbers = [scope.once(as_number(value.sql, value.family, decimal=spec.decimal)) for value in values]
    read = [
        Read(one, f"{value.sql} IS NOT NULL", value.name) for one, value in zip(numbers, values, strict=True)
    ]
    return _either(scope, read)


def read_time(scope: Scope, spec: MappingSpec, event: Event, key: str) -> Read:
    """When the event was known: the later of when it happened and when it was recorded."""
    times = times_of(scope, event)
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


def times_of(scope: Scope, event: Event) -> tuple[str | Offset, ...]:
    """What says when an event happened: its own times, else those of its table."""
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
        return _offset(scope, spec, one, key, birth=birth)
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
        time = scope.once(midnight_as_date(time, value.sql, value.family))
    return Read(time, f"{value.sql} IS NOT NULL", value.name)


def _offset(scope: Scope, spec: MappingSpec, offset: Offset, key: str, *, birth: bool) -> Read:
    values = [scope.value(name, key=f"{key}.{offset.unit}") for name in offset.columns]
    number = read_number(scope, spec, values)
    micros = f"to_microseconds(CAST(round({number.value} * {_MICROSECONDS[offset.unit]:.0f}) AS BIGINT))"
    if offset.from_a_day:
        origin, given, names = f"CAST({literal(offset.origin)} AS TIMESTAMP)", number.given, number.names
    else:
        start = _moment(scope, spec, offset.origin, f"{key}.origin", birth=birth)
        origin, given = start.value, f"({number.given}) AND ({start.given})"
        names = f"{number.names}, {offset.origin}"
    return Read(scope.once(f"{origin} + {micros}"), given, names)
