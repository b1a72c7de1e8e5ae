"""Patients, organizations and locations as rows."""

from osler.record.sources.fhir.codings import concept, concepts
from osler.record.sources.fhir.json_values import Node, Reasons, child, children, extension, first, flag, text
from osler.record.sources.fhir.references import link
from osler.record.sources.fhir.rows.common import Placed, Row, set_link, set_short
from osler.record.sources.fhir.times import first_moment, moment

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
_REPLACED = "replaced-by"


def patient_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A patient: birth, death, sex, race and ethnicity, language, where he lives; never name or address."""
    row: Row = {
        "status": _activity(resource, reasons),
        "birth": _birth(resource, reasons),
        "death": moment(resource, "deceasedDateTime", reasons),
        "gender": text(resource, "gender", reasons),
        "birth_sex": text(extension(resource, f"{_US_CORE}birthsex", reasons), "valueCode", reasons),
    }
    row["deceased"] = flag(resource, "deceasedBoolean", reasons) or ("true" if row["death"] else None)
    for name in ("race", "ethnicity"):
        row[name], row[f"{name}_codes"] = _origin(extension(resource, _US_CORE + name, reasons), reasons)
    set_short(row, "marital_status", concept(resource, "maritalStatus", reasons))
    set_short(row, "language", concept(_spoken(resource, reasons), "language", reasons))
    home = _home(resource, reasons)
    row["postal_code"] = text(home, "postalCode", reasons)
    row["state"] = text(home, "state", reasons)
    row["country"] = text(home, "country", reasons)
    contained = resource.get("contained")
    keeper = link(resource, "managingOrganization", "Organization", contained, reasons)
    set_link(row, "managing_organization", keeper)
    for other in children(resource, "link", reasons):
        if other.get("type") == _REPLACED:
            set_link(row, "replaced_by", link(other, "other", "Patient", contained, reasons))
    return [("patient", row)]


def organization_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """An organization: name, kind, and what it is a part of."""
    row: Row = {"status": _activity(resource, reasons), "name": text(resource, "name", reasons)}
    set_short(row, "type", concepts(resource, "type", reasons))
    set_link(row, "part_of", link(resource, "partOf", "Organization", resource.get("contained"), reasons))
    return [("organization", row)]


def location_rows(resource: Node, reasons: Reasons) -> list[Placed]:
    """A location: name, kind, whose it is, and what it is a part of."""
    row: Row = {"status": text(resource, "status", reasons), "name": text(resource, "name", reasons)}
    set_short(row, "type", concepts(resource, "type", reasons))
    row["physical_type"] = concept(resource, "physicalType", reasons).short[0]
    contained = resource.get("contained")
    set_link(row, "part_of", link(resource, "partOf", "Location", contained, reasons))
    keeper = link(resource, "managingOrganization", "Organization", contained, reasons)
    set_link(row, "managing_organization", keeper)
    return [("location", row)]


def _activity(resource: Node, reasons: Reasons) -> str | None:
    active = flag(resource, "active", reasons)
    return None if active is None else "active" if active == "true" else "inactive"


def _birth(resource: Node, reasons: Reasons) -> str | None:
    """The time of birth where it is known, else the day; of a partial date the first day."""
    if "_birthDate" in resource:
        exact = extension(child(resource, "_birthDate", reasons), _BIRTH_TIME, reasons)
        if exact:
            return first_moment(exact, "valueDateTime", reasons)
    return first_moment(resource, "birthDate", reasons)


def _origin(node: Node, reasons: Reasons) -> tuple[str | None, str | None]:
    """Race or ethnicity in words, and its codes; several are parted by semicolons.

    The categories of the US Office of Management and Budget stand first; where there are none, the words.
    """
    words, codes, said = [], [], None
    for part in children(node, "extension", reasons):
        if part.get("url") == "ombCategory":
            coding = child(part, "valueCoding", reasons)
            words.append(text(coding, "display", reasons) or text(coding, "code", reasons))
            codes.append(text(coding, "code", reasons))
        elif part.get("url") == "text":
            said = text(part, "valueString", reasons)
    return "; ".join(filter(None, words)) or said, "; ".join(filter(None, codes)) or None


def _spoken(resource: Node, reasons: Reasons) -> Node:
    found = children(resource, "communication", reasons)
    preferred = [one for one in found if one.get("preferred") is True]
    return (preferred or found or [{}])[0]


def _home(resource: Node, reasons: Reasons) -> Node:
    found = children(resource, "address", reasons)
    homes = [one for one in found if one.get("use") == "home" and "end" not in child(one, "period", reasons)]
    return homes[0] if homes else first(resource, "address", reasons)
