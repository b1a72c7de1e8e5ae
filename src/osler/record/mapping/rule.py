"""One event that the rows of a table make, in SQL: when, which code, what value, and whether at all."""

from collections.abc import Sequence
from dataclasses import dataclass

from osler.base.errors import InputError
from osler.record.mapping.coded import Field
from osler.record.mapping.reading import NOTHING, Read, read_number, read_time, times_of
from osler.record.mapping.scope import Scope, Value
from osler.record.mapping.spec import MappingSpec
from osler.record.mapping.spec_event import STATIC, Event, Wide
from osler.record.mapping.sql import as_text, literal

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
    time = read_time(scope, spec, event, key)
    value, text, label, label_first = _value(scope, spec, event, key, number, column, wide)
    note_id = event.note_id or scope.table.note_id
    note = scope.value(note_id, key="note_id") if note_id else None
    has_value = [f"{value.value} IS NOT NULL", f"{text} IS NOT NULL"]
    has_value += [f"{label.key_sql(LABEL)} IS NOT NULL"] if label else []
    static = times_of(scope, event) == (STATIC,)
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
    found = read_number(scope, spec, values) if not words else Read(NOTHING["number"], "false", "")
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
