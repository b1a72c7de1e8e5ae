"""Conditions, allergies, procedures and immunizations as rows."""

from osler.record.sources.fhir.codings import Concept, concept, concepts
from osler.record.sources.fhir.json_values import (
    NOTHING,
    Node,
    Reasons,
    children,
    extension,
    flag,
    text,
    texts,
)
from osler.record.sources.fhir.rows.common import (
    Placed,
    clinical_row,
    set_category,
    set_concept,
    set_reason,
    set_short,
)
from osler.record.sources.fhir.times import moment, notes, span
from osler.record.sources.fhir.words import quantity, spoken_time

_ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


def condition_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A condition. Its status is how sure it is: `entered-in-error` stands there."""
    row = clinical_row(resource, reasons)
    row["status"] = concept(resource, "verificationStatus", reasons).short[0]
    row["clinical_status"] = concept(resource, "clinicalStatus", reasons).short[0]
    row["recorded"] = moment(resource, "recordedDate", reasons)
    row["start"] = span(resource, "onset", reasons)[0]
    first_over, last_over = span(resource, "abatement", reasons)
    row["end"] = last_over or first_over
    row["start_text"] = spoken_time(resource, "onset", reasons)
    row["end_text"] = spoken_time(resource, "abatement", reasons)
    row["asserted"] = moment(extension(resource, _ASSERTED, reasons), "valueDateTime", reasons)
    set_category(row, resource, reasons)
    set_concept(row, concept(resource, "code", reasons))
    row["severity"] = concept(resource, "severity", reasons).short[0]
    row["body_site"] = concepts(resource, "bodySite", reasons).short[1]
    row["note"] = notes(resource, reasons)
    return [("condition", row)]


def allergy_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """An allergy. Its status is how sure it is; without a code of its own, the substance that was met."""
    row = clinical_row(resource, reasons, subject="patient")
    row["status"] = concept(resource, "verificationStatus", reasons).short[0]
    row["clinical_status"] = concept(resource, "clinicalStatus", reasons).short[0]
    row["recorded"] = moment(resource, "recordedDate", reasons)
    row["start"], row["end"] = span(resource, "onset", reasons)
    row["start_text"] = spoken_time(resource, "onset", reasons)
    row["last_occurrence"] = moment(resource, "lastOccurrence", reasons)
    row["type"] = text(resource, "type", reasons)
    categories = texts(resource, "category", reasons)
    row["category"] = categories[0] if categories else None
    row["other_categories"] = ",".join(categories[1:]) or None
    row["criticality"] = text(resource, "criticality", reasons)
    reactions = children(resource, "reaction", reasons)
    substance = next((one for one in reactions if "substance" in one), NOTHING)
    field = ("code", resource) if "code" in resource else ("substance", substance)
    set_concept(row, concept(field[1], field[0], reasons))
    shown = [
        _words(concept({"sign": sign}, "sign", reasons)) for one in reactions for sign in _signs(one, reasons)
    ]
    told = [text(one, "description", reasons) for one in reactions]
    row["reaction"] = "; ".join(dict.fromkeys(filter(None, [*shown, *told]))) or None
    row["reaction_severity"] = _worst([text(one, "severity", reasons) for one in reactions])
    row["note"] = notes(resource, reasons)
    return [("allergyintolerance", row)]


def procedure_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A procedure."""
    row = clinical_row(resource, reasons)
    row["start"], row["end"] = span(resource, "performed", reasons)
    row["start_text"] = spoken_time(resource, "performed", reasons)
    row["category"], row["category_display"] = concept(resource, "category", reasons).short
    set_concept(row, concept(resource, "code", reasons))
    row["body_site"] = concepts(resource, "bodySite", reasons).short[1]
    row["outcome"] = concept(resource, "outcome", reasons).short[1]
    set_reason(row, resource, reasons)
    row["status_reason"] = concept(resource, "statusReason", reasons).short[1]
    row["note"] = notes(resource, reasons)
    return [("procedure", row)]


def immunization_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """An immunization."""
    row = clinical_row(resource, reasons, subject="patient")
    row["recorded"] = moment(resource, "recorded", reasons)
    row["start"], row["end"] = span(resource, "occurrence", reasons)
    row["start_text"] = spoken_time(resource, "occurrence", reasons)
    set_concept(row, concept(resource, "vaccineCode", reasons))
    dose = quantity(resource, "doseQuantity", reasons)
    row["dose_value"], row["dose_unit"] = dose.value, dose.unit
    set_short(row, "route", concept(resource, "route", reasons))
    row["body_site"] = concept(resource, "site", reasons).short[1]
    row["primary_source"] = flag(resource, "primarySource", reasons)
    set_reason(row, resource, reasons)
    row["status_reason"] = concept(resource, "statusReason", reasons).short[1]
    row["note"] = notes(resource, reasons)
    return [("immunization", row)]


def _signs(reaction: Node, reasons: Reasons) -> list[Node]:
    return children(reaction, "manifestation", reasons)


def _words(found: Concept) -> str | None:
    return found.display or found.text or found.code


def _worst(severities: list[str | None]) -> str | None:
    order = ("severe", "moderate", "mild")
    return next((one for one in order if one in severities), None)
