"""What a spec will read of a source and what it found there, without reading a row."""

from pathlib import Path
from typing import Any

from osler.record.mapping.database import database
from osler.record.mapping.files import list_source
from osler.record.mapping.options import IngestOptions, divide
from osler.record.mapping.plan import Plan, make_plan
from osler.record.mapping.query import Query
from osler.record.mapping.rule import Rule
from osler.record.mapping.spec import MappingSpec
from osler.record.mapping.spec_event import AT_ONCE, Offset, Term


def explain_tables(folder: Path, spec: MappingSpec, scratch: Path, *, where: str) -> dict[str, Any]:
    """What a spec will read of the tables in a folder.

    Args:
        folder: the source.
        spec: the spec.
        scratch: folder for what the database spills.
        where: what to call the spec in an error.

    Returns:
        JSON-ready: `about, subjects, sites, timezone, dates`, `tables` (by name: `files, bytes, columns_read,
        columns_unused, columns_absent, leave_out, events`), `dictionaries`, `ignored, not_found, not_read,
        set_aside`.

    Raises:
        InputError: a required table or a column is missing, or an expression does not fit.
    """
    with database(scratch, memory=divide(IngestOptions().memory, cores=1).database, threads=1) as connection:
        plan = make_plan(spec, list_source(folder), connection, where=where)
    return {
        "about": spec.about,
        "source": str(folder),
        "spec": where,
        "dates": plan.dates,
        "timezone": spec.timezone,
        "subjects": _who(spec),
        "sites": f"{spec.sites.table}.{spec.sites.name}" if spec.sites else None,
        "tables": {name: _table(plan, name, query) for name, query in plan.queries.items()},
        "dictionaries": {
            name: [str(path) for path in bound.relation.files.paths]
            for name, bound in plan.dictionaries.items()
            if bound.relation is not None
        },
        "ignored": plan.ignored,
        "not_found": [*plan.absent, *(n for n, b in plan.dictionaries.items() if b.relation is None)],
        "not_read": list(plan.unread),
        "set_aside": plan.source.set_aside,
    }


def _who(spec: MappingSpec) -> str:
    if spec.subjects is None:
        return "everyone that any table names"
    group = f", persons by {spec.subjects.group}" if spec.subjects.group else ""
    return f"{spec.subjects.table}.{spec.subjects.id}{group}"


def _table(plan: Plan, name: str, query: Query) -> dict[str, Any]:
    relation = query.scope.relation
    used = query.scope.used_columns()
    table = plan.spec.tables[name]
    derived = [column for column in used if relation.derives(column)]
    read = relation.reads(used)
    return {
        "files": [str(path) for path in relation.files.paths],
        "bytes": relation.files.bytes,
        "columns_read": [column for column in relation.types if column.lower() in read],
        "columns_derived": derived,
        "columns_absent": sorted(column for column in read if not relation.has(column)),
        "columns_unused": [column for column in relation.types if column.lower() not in read],
        "joined": {alias: join.table for alias, join in table.join.items()},
        "leave_out": [f"{one.reason}: {one.where}" for one in table.leave_out if query.scope.leaves_out(one)],
        "events": [_event(query, rule) for rule in query.rules],
    }


def _event(query: Query, rule: Rule) -> dict[str, Any]:
    event, table = rule.event, query.scope.table
    codes = [f"{one.vocabulary}/{one.code}" if isinstance(one, Term) else one for one in event.code]
    known = table.availability if event.availability is None else event.availability
    values = [rule.column] if rule.column else [*event.number, *event.value, *event.text]
    return {
        "code": [code.replace("{column}", rule.column) for code in codes] if rule.column else codes,
        "where": event.where,
        "time": [_moment(one) for one in event.time or table.time],
        "availability": [_moment(one) for one in known or (AT_ONCE,)],
        "value": values,
        "section": rule.section,
        "once": event.once,
    }


def _moment(one: str | Offset) -> str:
    if not isinstance(one, Offset):
        return one
    return f"{one.origin} + {' or '.join(one.columns)} {one.unit}"


def told(explained: dict[str, Any]) -> list[str]:
    """An explanation as lines for a person."""
    lines = [
        f"{explained['source']}: {explained['about'] or 'tables'} ({explained['spec']})",
        f"subjects: {explained['subjects']}; sites: {explained['sites'] or 'none'}; "
        f"dates: {explained['dates']}; zone: {explained['timezone']}",
    ]
    for name, table in explained["tables"].items():
        files = ", ".join(Path(path).name for path in table["files"][:3])
        more = f" and {len(table['files']) - 3:,} more" if len(table["files"]) > 3 else ""
        lines += ["", f"{name}  <- {files}{more} ({table['bytes'] / 1e6:,.1f} MB)"]
        for event in table["events"]:
            lines.append(f"  {' | '.join(event['code'])}")
            known = event["availability"]
            later = "" if known == [AT_ONCE] else f", known at the latest of it and {', '.join(known)}"
            lines.append(f"      time {' or '.join(event['time'])}{later}")
            if event["value"]:
                lines.append(f"      value {' or '.join(event['value'])}")
            if event["where"]:
                lines.append(f"      where {event['where']}")
        lines += [f"  left out: {reason}" for reason in table["leave_out"]]
        for what in ("columns_absent", "columns_unused"):
            if table[what]:
                lines.append(f"  {what.replace('_', ' ')}: {', '.join(table[what])}")
    lines.append("")
    for name, reason in explained["ignored"].items():
        lines.append(f"{name}: makes no events: {reason}")
    for what, found in (("dictionaries", explained["dictionaries"]), ("not found", explained["not_found"])):
        if found:
            lines.append(f"{what}: {', '.join(found)}")
    for name, reason in explained["set_aside"].items():
        lines.append(f"{name}: not read: {reason}")
    if explained["not_read"]:
        lines.append(f"in the source, but not in the spec: {', '.join(explained['not_read'])}")
    return lines
