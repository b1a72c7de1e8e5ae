"""What a required table cannot do without, also where the spec calls all of its columns optional."""

from osler.base.errors import InputError
from osler.record.mapping.scope import Scope
from osler.record.mapping.spec_event import Event, Term
from osler.record.mapping.template import Name, parse_template


def require_events(scope: Scope) -> None:
    """Refuse a table of which no row could make an event, as the columns for it are not there.

    Raises:
        InputError: names the columns of which one has to be there, and those that there are.
    """
    unmet = [_unmet(event, scope) for event in scope.table.events]
    if not unmet or not all(unmet):
        return
    part, names = unmet[0][0]
    raise InputError(
        f"no row of table '{scope.name}' can make an event: it has none of the columns {', '.join(names)}",
        where=f"{scope.relation.files.paths[0]} (asked for by {scope.place(part)})",
        allowed=scope.relation.types,
        remedy="name the column in a spec that `extends` this one",
    )


def _unmet(event: Event, scope: Scope) -> list[tuple[str, list[str]]]:
    """Parts of an event that no column of the file can give, each with the columns that could."""
    parts = [("events.code", [_columns_of(one, scope) for one in event.code])]
    if event.needs_value and not event.columns:
        words = [_columns_of(one, scope) if "{" in one else [one] for one in event.text]
        parts.append(("events.value", [*([one] for one in (*event.number, *event.value)), *words]))
    found = []
    for part, choices in parts:
        if not any(all(_is_there(name, scope) for name in choice) for choice in choices):
            names = [column for choice in choices for name in choice for column in _read(name, scope)]
            found.append((part, list(dict.fromkeys(names))))
    return found


def _columns_of(template: str | Term, scope: Scope) -> list[str]:
    """Own columns in a template; what joins, lookups and wide tables bring counts as there."""
    texts = (template.vocabulary, template.code) if isinstance(template, Term) else (template,)
    names = [name for text in texts for name in parse_template(text, where=scope.place("events"))]
    return [
        name.column
        for name in names
        if isinstance(name, Name) and name.alias is None and name.column != "column"
    ]


def _read(name: str, scope: Scope) -> list[str]:
    """The columns of the file that a column is made of."""
    return sorted(scope.relation.reads([name])) if scope.relation.derives(name) else [name]


def _is_there(name: str, scope: Scope) -> bool:
    columns = {column.lower() for column in scope.relation.types}
    read = _read(name, scope)
    return "." in name or not read or any(column.lower() in columns for column in read)
