"""Observations as rows: one for each value, of the observation itself and of its components."""

from osler.record.sources.fhir.codings import concept, concepts
from osler.record.sources.fhir.json_values import Node, Reasons, child, children, flag, number, text
from osler.record.sources.fhir.rows.common import (
    Placed,
    Row,
    clinical_row,
    set_category,
    set_concept,
    set_short,
)
from osler.record.sources.fhir.times import moment, notes, period, span
from osler.record.sources.fhir.words import data_absent, quantity, range_words, ratio_words

SEVERAL_VALUES = "several values in one observation"
_VALUE = "value"


def observation_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """The values of an observation.

    The observation's own row comes first (`component` 0), unless it only holds components. The row of a
    component has the component's code; the code of the observation stands beside it (`panel_code`, ...).
    """
    shared = clinical_row(resource, reasons)
    shared["start"], shared["end"] = span(resource, "effective", reasons)
    shared["recorded"] = moment(resource, "issued", reasons)
    set_category(shared, resource, reasons)
    shared["body_site"] = concept(resource, "bodySite", reasons).short[1]
    shared["method"] = concept(resource, "method", reasons).short[1]
    whole = concept(resource, "code", reasons)
    members = len(children(resource, "hasMember", reasons))
    components = children(resource, "component", reasons)
    rows: list[Row] = []
    own = _value_row(resource, reasons)
    if not components or own["value_kind"] is not None or own["data_absent_reason"] is not None:
        rows.append(shared | own)
        set_concept(rows[0], whole)
        rows[0]["component"] = 0
    for place, component in enumerate(components, start=1):
        row = shared | _value_row(component, reasons)
        set_concept(row, concept(component, "code", reasons))
        set_concept(row, whole, prefix="panel_")
        row["component"] = place
        rows.append(row)
    rows[0]["members"] = members or None
    rows[0]["note"] = notes(resource, reasons)
    return [("observation", row) for row in rows]


def _value_row(node: Node, reasons: Reasons) -> Row:
    """The value of an observation or of a component, why there is none, and what is normal."""
    row: Row = {"value_kind": None, "data_absent_reason": None}
    names = [name for name in node if name.startswith(_VALUE)]
    if len(names) > 1:
        reasons[SEVERAL_VALUES] += 1
    if "valueQuantity" in node:
        _set_quantity(row, node, reasons)
    elif names:
        _set_words(row, node, names[0], reasons)
    if row["value_kind"] is None:
        row["data_absent_reason"] = data_absent(node, reasons)
    if "interpretation" in node:
        set_short(row, "interpretation", concepts(node, "interpretation", reasons))
    if "referenceRange" in node:
        _set_normal(row, children(node, "referenceRange", reasons), reasons)
    return row


def _set_quantity(row: Row, node: Node, reasons: Reasons) -> None:
    found = quantity(node, "valueQuantity", reasons)
    row["value_number"], row["value_comparator"], row["value_unit"], row["value_unit_display"], _ = found
    row["value_text"] = found.words
    if found.value is not None or found.words is not None:
        row["value_kind"] = "Quantity"


def _set_words(row: Row, node: Node, name: str, reasons: Reasons) -> None:
    """A value of any other type, in words."""
    kind = name.removeprefix(_VALUE)
    if kind == "Integer":
        row["value_number"] = number(node, name, reasons)
        row["value_kind"] = None if row["value_number"] is None else kind
        return
    if kind == "CodeableConcept":
        found = concept(node, name, reasons)
        row["value_system"], row["value_code"], row["value_display"] = found[:3]
        said = found.text or found.display or found.code
    elif kind in _SAID:
        said = _SAID[kind](node, name, reasons)
    else:
        reasons[f"value of type {kind} is not read"] += 1
        row["value_kind"] = kind
        return
    row["value_text"] = said
    row["value_kind"] = None if said is None else kind


def _said_range(node: Node, name: str, reasons: Reasons) -> str | None:
    return range_words(child(node, name, reasons), reasons)


def _said_ratio(node: Node, name: str, reasons: Reasons) -> str | None:
    return ratio_words(child(node, name, reasons), reasons)


def _said_period(node: Node, name: str, reasons: Reasons) -> str | None:
    found = period(node, name, reasons)
    return " to ".join(part or "?" for part in found) if any(found) else None


_SAID = {
    "String": text,
    "Boolean": flag,
    "DateTime": moment,
    "Time": text,
    "Range": _said_range,
    "Ratio": _said_ratio,
    "Period": _said_period,
}


def _set_normal(row: Row, ranges: list[Node], reasons: Reasons) -> None:
    """What is normal: the range that says so, else the first that says nothing, else none of them."""
    kinds = [concept(one, "type", reasons).code for one in ranges]
    best = next(
        (place for wanted in ("normal", None) for place, kind in enumerate(kinds) if kind == wanted), None
    )
    if best is None:
        return
    chosen = ranges[best]
    row["reference_low"] = quantity(chosen, "low", reasons).value
    row["reference_high"] = quantity(chosen, "high", reasons).value
    row["reference_text"] = text(chosen, "text", reasons)
