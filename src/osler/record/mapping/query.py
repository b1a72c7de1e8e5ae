"""The one SELECT that reads a table: whose each row is, what became of it, and the events that it makes."""

from collections.abc import Sequence
from dataclasses import dataclass

from osler.record.mapping.coded import Field
from osler.record.mapping.needs import require_events
from osler.record.mapping.reading import NOTHING
from osler.record.mapping.rule import CODE, LABEL, UNIT, Rule, make_rules
from osler.record.mapping.scope import Scope
from osler.record.mapping.spec import MappingSpec
from osler.record.mapping.sql import as_id

# What became of a row as a whole; from FIRST_LEFT on the reasons of `leave_out`.
KEPT, NO_SUBJECT, UNKNOWN_SUBJECT, BEYOND_LIMIT, FIRST_LEFT = range(5)
ROW_REASONS = {
    NO_SUBJECT: "no subject",
    UNKNOWN_SUBJECT: "subject is not in the table of subjects",
    BEYOND_LIMIT: "subject is beyond --limit",
}
IDS = "_ids"  # the table of subjects: source (text), id (64 bits), kept (whether --limit lets it in)


@dataclass(frozen=True)
class Query:
    """How a table is read.

    Attributes:
        scope: its columns.
        rules: the events that its rows make.
        sql: the query.
        outputs: name of a rule's part (`3.time`) -> column of the query that holds it.
        reasons: row state -> reason.
        has_visit: whether rows name a visit.
        has_site: whether rows name a site.
        has_notes: whether rows hold long text.
    """

    scope: Scope
    rules: tuple[Rule, ...]
    sql: str
    outputs: dict[str, str]
    reasons: dict[int, str]
    has_visit: bool
    has_site: bool
    has_notes: bool

    def output(self, rule: Rule, part: str) -> str | None:
        """The column of the query with a part of a rule, or None when the rule has no such part."""
        return self.outputs.get(f"{rule.number}.{part}")


def subject_sql(scope: Scope) -> str:
    """The id of the subject as text."""
    scope.require_one(scope.table.subject, key="subject")
    return _first_id(scope, scope.table.subject, "subject")


def _first_id(scope: Scope, names: Sequence[str], key: str) -> str:
    ids = [scope.identifier(name, key=key) for name in names]
    return ids[0] if len(ids) == 1 else scope.once(f"coalesce({', '.join(ids)})")


def make_query(scope: Scope, spec: MappingSpec, *, first_rule: int) -> Query:
    """Put the query of a table together.

    Args:
        scope: the table's columns.
        spec: the whole spec.
        first_rule: number of the first rule.

    Raises:
        InputError: columns that the table lacks.
    """
    table = scope.table
    if table.required:
        require_events(scope)
    rules = make_rules(scope, spec, first_rule)
    subject = subject_sql(scope)
    cases = []
    for place, leave in enumerate(table.leave_out):
        if not scope.leaves_out(leave):
            continue
        condition = scope.expression(leave.where, key=f"leave_out.{place}.where")
        cases.append(f"WHEN {condition} THEN {FIRST_LEFT + place}")
    cases.append(f"WHEN {subject} IS NULL THEN {NO_SUBJECT}")
    cases.append(f"WHEN subject_id IS NULL THEN {UNKNOWN_SUBJECT}")
    cases.append(f"WHEN NOT kept THEN {BEYOND_LIMIT}")
    columns = _Columns()
    columns.add(f"CAST(CASE {' '.join(cases)} ELSE {KEPT} END AS UTINYINT)", name="row_state")
    columns.add("subject_id", name="subject_id")
    if table.visit:
        visit = _first_id(scope, table.visit, "visit")
        number = scope.once(f"TRY_CAST({visit} AS BIGINT)")
        whole = scope.once(f"CASE WHEN CAST({number} AS VARCHAR) = {visit} THEN {number} END")
        columns.add(whole, name="visit_number")
        columns.add(f"CASE WHEN {whole} IS NULL THEN {visit} END", name="visit_text")
    if table.site:
        columns.add(_first_id(scope, table.site, "site"), name="site")
    outputs: dict[str, str] = {}
    for rule in rules:
        for part, sql in _parts(rule):
            outputs[f"{rule.number}.{part}"] = columns.add(sql)
    # After everything that asks for columns.
    joined = f"LEFT JOIN (SELECT source, id AS subject_id, kept FROM {IDS}) ON source = {_joined_id(scope)}"
    source = scope.source(more=joined)
    return Query(
        scope=scope,
        rules=tuple(rules),
        sql=f"SELECT {columns.sql()} FROM {source}",
        outputs=outputs,
        reasons={**ROW_REASONS, **{FIRST_LEFT + n: leave.reason for n, leave in enumerate(table.leave_out)}},
        has_visit=bool(table.visit),
        has_site=bool(table.site),
        has_notes=any(rule.kind == "note" for rule in rules),
    )


def _joined_id(scope: Scope) -> str:
    """The id of the subject before anything is computed of the row, for the join with the subjects."""
    values = [scope.value(name, key="subject") for name in scope.table.subject]
    ids = [as_id(value.sql, value.family) for value in values]
    return ids[0] if len(ids) == 1 else f"coalesce({', '.join(ids)})"


def _parts(rule: Rule) -> list[tuple[str, str]]:
    parts = [("state", f"CAST({rule.state} AS UTINYINT)"), ("code", rule.coded.key_sql(CODE))]
    parts += [(part, sql) for part, sql in (("time", rule.time), ("text", rule.text)) if sql != NOTHING[part]]
    if rule.value != NOTHING["number"]:
        parts.append(("number", f"CAST({rule.value} AS FLOAT)"))
    optional: list[tuple[str, Field | None]] = [(UNIT, rule.unit), (LABEL, rule.label)]
    parts += [(part, field.key_sql(part)) for part, field in optional if field is not None]
    if rule.note is not None:
        parts.append(("note", rule.note))
    return parts


class _Columns:
    """Columns of a query, each expression once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, sql: str, *, name: str | None = None) -> str:
        """Add a column and give its name; one that is there already keeps its own."""
        return self._names.setdefault(sql, name or f"c{len(self._names)}")

    def sql(self) -> str:
        return ", ".join(f"{sql} AS {name}" for sql, name in self._names.items())
