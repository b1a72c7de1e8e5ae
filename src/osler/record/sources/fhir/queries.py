"""The queries of the second pass: staged rows that are kept, with ids in the place of references."""

from typing import NamedTuple

from osler.record.sources.fhir.attachments import BY_ADDRESS_ONLY
from osler.record.sources.fhir.references import NO_SUCH_RESOURCE, SEVERAL_FIT
from osler.record.sources.fhir.staged import FILES, PLACE_BITS
from osler.record.sources.fhir.tables import KEY, PROBLEM, TABLES
from osler.record.sources.fhir.texts import AT, CONTENT, LENGTH

_FILES = (
    f"SELECT file, min(name) AS name, sum(resources)::BIGINT AS resources FROM staged_{FILES} GROUP BY file "
    "ORDER BY file"
)
_SITES = (
    "SELECT site AS id, min(site_name) AS name FROM encounter WHERE site IS NOT NULL "
    "GROUP BY site ORDER BY site"
)
# Columns that are taken over from the resource that a column names: join, then column -> expression.
_DRUG = (
    "LEFT JOIN medication m ON m.id = r.medication AND r.medication_problem IS NULL",
    {
        **{
            name: f"CASE WHEN m.id IS NULL THEN r.{name} ELSE m.{name} END"
            for name in ("system", "code", "display", "other_codes")
        },
        "text": "CASE WHEN m.id IS NULL THEN r.text ELSE coalesce(m.text, r.text) END",
    },
)
_CONTENT = (
    "LEFT JOIN (SELECT * FROM staged_binary ANTI JOIN unkept_binary USING (place)) b "
    'ON b.id = r."binary" AND r.binary_problem IS NULL',
    {
        AT: f"coalesce(r.{AT}, b.{AT})",
        LENGTH: f"coalesce(r.{LENGTH}, b.{LENGTH})",
        "content_type": "coalesce(b.content_type, r.content_type)",
        "content_problem": (
            'CASE WHEN r."binary" IS NULL THEN r.content_problem '
            f"WHEN b.id IS NULL THEN '{BY_ADDRESS_ONLY}' ELSE b.content_problem END"
        ),
    },
)
_SITE = (
    "LEFT JOIN organization o ON o.id = r.provider AND r.provider_problem IS NULL "
    "LEFT JOIN location l ON l.id = r.location AND r.location_problem IS NULL "
    "LEFT JOIN organization k ON k.id = l.managing_organization AND l.managing_organization_problem IS NULL",
    {
        "site": (
            "CASE WHEN r.provider IS NOT NULL THEN 'Organization/' || r.provider "
            "WHEN r.site_name IS NOT NULL THEN r.site_name "
            "WHEN l.managing_organization IS NOT NULL THEN 'Organization/' || l.managing_organization "
            "WHEN r.location IS NOT NULL THEN 'Location/' || r.location END"
        ),
        "site_name": "coalesce(o.name, r.site_name, k.name, l.name)",
    },
)
_PLACE = (
    "LEFT JOIN location l ON l.id = r.location AND r.location_problem IS NULL",
    {"name": "coalesce(l.name, r.name)", "physical_type": "coalesce(r.physical_type, l.physical_type)"},
)
_TAKEN_OVER = {
    "medicationrequest": _DRUG,
    "medicationadministration": _DRUG,
    "medicationdispense": _DRUG,
    "medicationstatement": _DRUG,
    "diagnosticreport": _CONTENT,
    "documentreference": _CONTENT,
    "encounter": _SITE,
    "encounterlocation": _PLACE,
}


class Keyed(NamedTuple):
    """The types of resources that can be found by keys.

    Attributes:
        in_bundle: in one Bundle.
        anywhere: in the whole export.
    """

    in_bundle: frozenset[str]
    anywhere: frozenset[str]


def table_query(name: str, keyed: Keyed, *, has_merged: bool = False) -> str:
    """The query whose rows are a table, in order.

    Args:
        name: one of `TABLES`.
        keyed: the types of resources that have keys.
        has_merged: whether patients were merged into others.
    """
    if name == FILES:
        return _FILES
    if name == "site":
        return _SITES
    join, taken = _TAKEN_OVER.get(name, ("", {}))
    if has_merged and "patient" in TABLES[name].references:
        join += " LEFT JOIN survivors v ON v.id = r.patient AND r.patient_problem IS NULL"
        taken = taken | {"patient": "coalesce(v.survivor, r.patient)"}
    columns = [
        f'{taken[column]} AS "{column}"' if column in taken else f'r."{column}"'
        for column in _columns_on_disk(name)
    ]
    return (
        f"WITH resolved AS ({_resolved(name, keyed)}) "
        f"SELECT {', '.join(columns)} FROM resolved r {join} ORDER BY r.file, r.row, r.part"
    )


def _columns_on_disk(name: str) -> list[str]:
    """The columns of a table, with two numbers for the text of a document."""
    columns = list(TABLES[name].columns)
    return [column for column in columns if column != CONTENT] + ([AT, LENGTH] if CONTENT in columns else [])


def _resolved(name: str, keyed: Keyed) -> str:
    """Staged rows that are kept, each reference looked up: in its Bundle, by id, then by key anywhere."""
    table = TABLES[name]
    # Rows that are a part of a resource stay or go with it.
    joins = [f'ANTI JOIN "unkept_{table.parts_of or name}" u ON u.place = s.place']
    columns: dict[str, str] = {
        column: f's."{column}"' for column in _columns_on_disk(name) if column not in ("file", "row")
    }
    columns["file"] = f"s.place >> {PLACE_BITS}"
    columns["row"] = f"(s.place & {(1 << PLACE_BITS) - 1}) + 1"
    columns["part"] = "s.part"
    for number, (column, kind) in enumerate(table.references.items()):
        near, known, far = f"b{number}", f"k{number}", f"a{number}"
        key = f's."{column}{KEY}"'
        found, several = [], []
        if kind in keyed.in_bundle:
            joins.append(
                f"LEFT JOIN in_bundle {near} ON {near}.kind = '{kind}' AND {near}.bundle = s.bundle "
                f"AND {near}.key = coalesce({key}, '{kind}/' || s.\"{column}\")"
            )
            found.append(f"CASE WHEN {near}.n = 1 THEN {near}.id END")
            several.append(f"{near}.n > 1")
        joins.append(f'LEFT JOIN "known_{kind}" {known} ON {known}.id = s."{column}"')
        found.append(f"{known}.id")
        if kind in keyed.anywhere:
            joins.append(f"LEFT JOIN anywhere {far} ON {far}.kind = '{kind}' AND {far}.key = {key}")
            found.append(f"CASE WHEN {far}.n = 1 THEN {far}.id END")
            several.append(f"{far}.n > 1")
        resolved = f"coalesce({', '.join(found)})" if len(found) > 1 else found[0]
        columns[column] = f'coalesce({resolved}, s."{column}", {key})'
        cases = [f"WHEN {resolved} IS NOT NULL THEN NULL"]
        cases.append(f'WHEN s."{column}{PROBLEM}" IS NOT NULL THEN s."{column}{PROBLEM}"')
        cases += [f"WHEN {condition} THEN '{SEVERAL_FIT}'" for condition in several]
        cases.append(f"WHEN s.\"{column}\" IS NOT NULL OR {key} IS NOT NULL THEN '{NO_SUCH_RESOURCE}'")
        columns[column + PROBLEM] = f"CASE {' '.join(cases)} END"
    selected = ", ".join(f'{expression} AS "{column}"' for column, expression in columns.items())
    return f'SELECT {selected} FROM "staged_{name}" s {" ".join(joins)}'
