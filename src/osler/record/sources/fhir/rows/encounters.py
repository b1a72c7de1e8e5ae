"""Encounters as rows, with the places that they went through and the diagnoses that they name."""

from osler.record.sources.fhir.codings import coding, concept, concepts
from osler.record.sources.fhir.json_values import Node, Reasons, child, children, number, text
from osler.record.sources.fhir.references import Link, contained_resource, link, link_of
from osler.record.sources.fhir.rows.common import (
    Placed,
    Row,
    clinical_row,
    set_concept,
    set_link,
    set_reason,
    set_short,
)
from osler.record.sources.fhir.tables import KEY, PROBLEM
from osler.record.sources.fhir.times import period

_SHARED = ("patient", "patient" + KEY, "patient" + PROBLEM)


def encounter_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """An encounter, then a row for each place that it went through and for each diagnosis that it names."""
    contained = resource.get("contained")
    row = clinical_row(resource, reasons, encounter="")
    row["encounter"] = resource.get("id")
    row["start"], row["end"] = period(resource, "period", reasons)
    set_short(row, "class", coding(resource, "class", reasons))
    set_concept(row, concepts(resource, "type", reasons))
    row["priority"] = concept(resource, "priority", reasons).short[0]
    set_short(row, "service_type", concept(resource, "serviceType", reasons))
    set_reason(row, resource, reasons)
    stay = child(resource, "hospitalization", reasons)
    set_short(row, "admit_source", concept(stay, "admitSource", reasons))
    set_short(row, "discharge_disposition", concept(stay, "dischargeDisposition", reasons))
    row["readmission"] = concept(stay, "reAdmission", reasons).short[0]
    keeper = child(resource, "serviceProvider", reasons)
    if keeper:
        set_link(row, "provider", link_of(keeper, "Organization", contained, reasons))
        # The site's name where the organization itself is not there.
        row["site_name"] = _name_of(keeper, contained, reasons)
    places = children(resource, "location", reasons)
    set_link(row, "part_of", link(resource, "partOf", "Encounter", contained, reasons))
    shared = {name: row.get(name) for name in _SHARED} | {"encounter": row["encounter"]}
    stops = [shared | _stop_row(place, contained, reasons) | {"status": row["status"]} for place in places]
    for name in ("location", "location" + KEY, "location" + PROBLEM) if stops else ():
        row[name] = stops[0].get(name)
    placed: list[Placed] = [("encounter", row)]
    placed += [("encounterlocation", stop) for stop in stops]
    for diagnosis in children(resource, "diagnosis", reasons):
        named = shared | _diagnosis_row(diagnosis, contained, reasons) | {"status": row["status"]}
        placed.append(("encounterdiagnosis", named))
    return placed


def _stop_row(place: Node, contained: object, reasons: Reasons) -> Row:
    row: Row = {"location_status": text(place, "status", reasons)}
    row["start"], row["end"] = period(place, "period", reasons)
    named = child(place, "location", reasons)
    set_link(row, "location", link_of(named, "Location", contained, reasons))
    row["name"] = _name_of(named, contained, reasons)
    row["physical_type"] = concept(place, "physicalType", reasons).short[0]
    return row


def _name_of(reference: Node, contained: object, reasons: Reasons) -> str | None:
    """What a reference calls the resource, else the name of one inside the resource."""
    inside = contained_resource(contained, text(reference, "reference", reasons) or "")
    return text(reference, "display", reasons) or (text(inside, "name", reasons) if inside else None)


def _diagnosis_row(diagnosis: Node, contained: object, reasons: Reasons) -> Row:
    row: Row = {"rank": number(diagnosis, "rank", reasons)}
    named: Link = link(diagnosis, "condition", "Condition", contained, reasons)
    set_link(row, "condition", named)
    set_short(row, "use", concept(diagnosis, "use", reasons))
    return row
