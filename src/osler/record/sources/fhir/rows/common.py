"""Columns that many tables share."""

from typing import Any

from osler.record.sources.fhir.codings import Concept, concepts
from osler.record.sources.fhir.json_values import Node, Reasons, text
from osler.record.sources.fhir.references import NONE_GIVEN, Link, link
from osler.record.sources.fhir.tables import KEY, PROBLEM

Row = dict[str, Any]
# A row and the table that it belongs to.
Placed = tuple[str, Row]


def clinical_row(
    resource: Node, reasons: Reasons, *, subject: str = "subject", encounter: str = "encounter"
) -> Row:
    """A row with the status of a resource, whose it is, and in which encounter.

    Args:
        resource: the resource.
        reasons: counts of what is wrong.
        subject: the field that names the patient.
        encounter: the field that names the encounter.
    """
    row: Row = {"status": text(resource, "status", reasons)}
    contained = resource.get("contained")
    set_link(row, "patient", link(resource, subject, "Patient", contained, reasons), is_needed=True)
    set_link(row, "encounter", link(resource, encounter, "Encounter", contained, reasons))
    return row


def set_link(row: Row, column: str, found: Link, *, is_needed: bool = False) -> None:
    """Put a reference into a row: what it names, what to look it up by, and why it cannot be followed."""
    if found.problem == NONE_GIVEN and not is_needed:
        return
    row[column], row[column + KEY], row[column + PROBLEM] = found


def set_concept(row: Row, found: Concept, *, prefix: str = "") -> None:
    """Put a coded thing into a row, with all that is known of it."""
    row[f"{prefix}system"], row[f"{prefix}code"], row[f"{prefix}display"], row[f"{prefix}text"] = found[:4]
    if not prefix:
        row["other_codes"] = found.other_codes


def set_short(row: Row, column: str, found: Concept) -> None:
    """Put a coded thing into a row as its code and its words."""
    row[column], row[f"{column}_display"] = found.short


def set_category(row: Row, resource: Node, reasons: Reasons) -> None:
    """Put the categories of a resource into a row: HL7's own first, the others beside it."""
    found = concepts(resource, "category", reasons, own_systems_first=True)
    row["category"], row["category_display"] = found.short
    row["other_categories"] = found.other_codes


def set_reason(row: Row, resource: Node, reasons: Reasons) -> None:
    """Put the coded reason of a resource into a row."""
    set_short(row, "reason", concepts(resource, "reasonCode", reasons))
