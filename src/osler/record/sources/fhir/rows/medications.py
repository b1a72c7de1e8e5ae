"""Drugs that were ordered, given, handed out or taken, as rows; and the drugs themselves."""

from osler.record.sources.fhir.codings import Concept, concept, concepts
from osler.record.sources.fhir.json_values import NOTHING, Node, Reasons, child, children, flag, number, text
from osler.record.sources.fhir.references import contained_resource, link_of
from osler.record.sources.fhir.rows.common import (
    Placed,
    Row,
    clinical_row,
    set_category,
    set_concept,
    set_link,
    set_reason,
    set_short,
)
from osler.record.sources.fhir.times import NO_SPAN, moment, notes, span, timing_span
from osler.record.sources.fhir.words import Quantity, quantity, range_words, ratio_words, timing_words


def medication_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A drug: its code, form and ingredients."""
    row: Row = {"status": text(resource, "status", reasons)}
    row["ingredients"] = _ingredients(resource, reasons)
    set_concept(row, _drug(resource, reasons))
    row["form"] = concept(resource, "form", reasons).short[1]
    return [("medication", row)]


def request_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """An order. It starts when the dosage says so, else when it was written."""
    row = clinical_row(resource, reasons)
    row["recorded"] = moment(resource, "authoredOn", reasons)
    dosages = children(resource, "dosageInstruction", reasons)
    row["start"], row["end"] = _dosage_span(dosages, reasons)
    row["start"] = row["start"] or row["recorded"]
    for name in ("intent", "priority"):
        row[name] = text(resource, name, reasons)
    row["do_not_perform"] = flag(resource, "doNotPerform", reasons)
    row["reported"] = (
        "true" if "reportedReference" in resource else flag(resource, "reportedBoolean", reasons)
    )
    set_category(row, resource, reasons)
    _set_drug(row, resource, reasons)
    _set_dosages(row, dosages, reasons)
    supply = child(resource, "dispenseRequest", reasons)
    _set_supply(
        row, quantity(supply, "quantity", reasons), quantity(supply, "expectedSupplyDuration", reasons)
    )
    row["refills"] = number(supply, "numberOfRepeatsAllowed", reasons)
    _set_reasons(row, resource, reasons)
    return [("medicationrequest", row)]


def administration_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A drug that was given, or was not (`not-done`)."""
    row = clinical_row(resource, reasons, encounter="context")
    row["start"], row["end"] = span(resource, "effective", reasons)
    row["category"], row["category_display"] = concept(resource, "category", reasons).short
    _set_drug(row, resource, reasons)
    dosage = child(resource, "dosage", reasons)
    if dosage:
        row["dosage_text"] = text(dosage, "text", reasons)
        set_short(row, "route", concept(dosage, "route", reasons))
        _set_amount(row, "dose", quantity(dosage, "dose", reasons), None)
        _set_rate(row, dosage, reasons)
    _set_request(row, resource.get("request"), resource, reasons)
    _set_reasons(row, resource, reasons)
    return [("medicationadministration", row)]


def dispense_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A drug that was handed out; it starts when it was handed over, else when it was prepared."""
    row = clinical_row(resource, reasons, encounter="context")
    row["prepared"] = moment(resource, "whenPrepared", reasons)
    row["start"] = moment(resource, "whenHandedOver", reasons) or row["prepared"]
    row["category"], row["category_display"] = concept(resource, "category", reasons).short
    row["type"] = concept(resource, "type", reasons).short[0]
    _set_drug(row, resource, reasons)
    _set_dosages(row, children(resource, "dosageInstruction", reasons), reasons)
    _set_supply(row, quantity(resource, "quantity", reasons), quantity(resource, "daysSupply", reasons))
    orders = children(resource, "authorizingPrescription", reasons)
    _set_request(row, orders[0] if orders else None, resource, reasons)
    row["status_reason"] = concept(resource, "statusReasonCodeableConcept", reasons).short[1]
    row["note"] = notes(resource, reasons)
    return [("medicationdispense", row)]


def statement_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A drug that someone says is, was or will be taken."""
    row = clinical_row(resource, reasons, encounter="context")
    row["recorded"] = moment(resource, "dateAsserted", reasons)
    row["start"], row["end"] = span(resource, "effective", reasons)
    row["category"], row["category_display"] = concept(resource, "category", reasons).short
    _set_drug(row, resource, reasons)
    _set_dosages(row, children(resource, "dosage", reasons), reasons)
    _set_reasons(row, resource, reasons)
    return [("medicationstatement", row)]


def _set_drug(row: Row, resource: Node, reasons: Reasons) -> None:
    """Which drug: coded, inside the resource, or by reference (filled in when everything was read)."""
    if "medicationReference" not in resource:
        set_concept(row, concept(resource, "medicationCodeableConcept", reasons))
        return
    named = child(resource, "medicationReference", reasons)
    contained = resource.get("contained")
    inside = contained_resource(contained, text(named, "reference", reasons) or "")
    if inside is not None and inside.get("resourceType") == "Medication":
        set_concept(row, _drug(inside, reasons))
        return
    set_link(row, "medication", link_of(named, "Medication", contained, reasons))
    # The words of the reference stand for a drug that is not found.
    row["text"] = text(named, "display", reasons)


def _drug(medication: Node, reasons: Reasons) -> Concept:
    """The code of a drug; without one, that of its only ingredient, else the names of all."""
    found = concept(medication, "code", reasons)
    if found.code or found.text:
        return found
    ingredients = children(medication, "ingredient", reasons)
    if len(ingredients) == 1:
        return concept(ingredients[0], "itemCodeableConcept", reasons)
    return found._replace(text=_ingredients(medication, reasons))


def _ingredients(medication: Node, reasons: Reasons) -> str | None:
    """The ingredients with their strengths, in words."""
    said = []
    for one in children(medication, "ingredient", reasons):
        found = concept(one, "itemCodeableConcept", reasons)
        name = found.display or found.text or found.code
        name = name or text(child(one, "itemReference", reasons), "display", reasons)
        strength = ratio_words(child(one, "strength", reasons), reasons)
        said.append(" ".join(filter(None, (name, strength))))
    return " + ".join(filter(None, said)) or None


def _set_dosages(row: Row, dosages: list[Node], reasons: Reasons) -> None:
    """How a drug is to be taken: numbers of the first instruction, the words of all."""
    if not dosages:
        return
    row["dosages"] = len(dosages)
    told = [text(one, "text", reasons) or text(one, "patientInstruction", reasons) for one in dosages]
    row["dosage_text"] = "; ".join(filter(None, told)) or None
    chosen = dosages[0]
    set_short(row, "route", concept(chosen, "route", reasons))
    row["frequency"] = timing_words(child(chosen, "timing", reasons), reasons)
    row["as_needed"] = flag(chosen, "asNeededBoolean", reasons)
    if "asNeededCodeableConcept" in chosen:
        row["as_needed"] = "true"
    amounts = children(chosen, "doseAndRate", reasons)
    amount = amounts[0] if amounts else NOTHING
    in_range = range_words(child(amount, "doseRange", reasons), reasons)
    _set_amount(row, "dose", quantity(amount, "doseQuantity", reasons), in_range)
    _set_rate(row, amount, reasons)


def _set_rate(row: Row, node: Node, reasons: Reasons) -> None:
    """How fast a drug runs: a number with its unit, also of a ratio (5 mL / 1 h), else words."""
    found = quantity(node, "rateQuantity", reasons)
    ratio = child(node, "rateRatio", reasons)
    amount, time = (quantity(ratio, name, reasons) for name in ("numerator", "denominator"))
    if amount.value is not None and time.value and amount.unit and time.unit:
        found = Quantity(
            amount.value / time.value, amount.comparator, f"{amount.unit}/{time.unit}", None, None
        )
    words = ratio_words(ratio, reasons) or range_words(child(node, "rateRange", reasons), reasons)
    _set_amount(row, "rate", found, words)


def _set_amount(row: Row, column: str, found: Quantity, words: str | None) -> None:
    """A dose or a rate: number and unit; its words where the number alone does not tell it."""
    row[f"{column}_value"], row[f"{column}_unit"] = found.value, found.unit
    plain = found.value is not None and found.comparator is None
    row[f"{column}_text"] = words or (None if plain else str(found) or None)


def _set_supply(row: Row, amount: Quantity, length: Quantity) -> None:
    """How much is handed out, and for how many days."""
    row["quantity_value"], row["quantity_unit"] = amount.value, amount.unit
    days = _DAYS.get(length.unit or "")
    row["supply_days"] = None if length.value is None or days is None else length.value * days


def _set_request(row: Row, named: object, resource: Node, reasons: Reasons) -> None:
    if isinstance(named, dict):
        set_link(row, "request", link_of(named, "MedicationRequest", resource.get("contained"), reasons))


def _set_reasons(row: Row, resource: Node, reasons: Reasons) -> None:
    """Why the drug, why its status, and remarks; only an order has a single reason for its status."""
    set_reason(row, resource, reasons)
    one_or_more = concept if resource["resourceType"] == "MedicationRequest" else concepts
    row["status_reason"] = one_or_more(resource, "statusReason", reasons).short[1]
    row["note"] = notes(resource, reasons)


def _dosage_span(dosages: list[Node], reasons: Reasons) -> tuple[str | None, str | None]:
    return timing_span(child(dosages[0], "timing", reasons), reasons) if dosages else NO_SPAN


_DAYS = {"d": 1.0, "day": 1.0, "days": 1.0, "wk": 7.0, "week": 7.0, "weeks": 7.0, "h": 1 / 24}
