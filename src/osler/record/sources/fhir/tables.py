"""The flat tables: which columns each has, which of them are numbers, and which name another resource.

A column that names another resource (`patient`, `encounter`, ...) holds its id. Where that could not be
found, it keeps the id or address that was written, and `<column>_problem` says why; else that is null.
Tables of what happened to a patient have `start` and `end`, when it did, and `recorded`, when it was entered
or issued; a column is null where R4 has no such field (a Procedure is not dated by its entry).
"""

from dataclasses import dataclass, field

TEXT, NUMBER, INTEGER = "text", "number", "integer"
PROBLEM = "_problem"
KEY = "_key"  # staged only: what a reference is looked up by

_CODED = "system code display text other_codes"
_OWN = "id patient encounter status recorded start end"
_CATEGORY = "category category_display"
_CATEGORIES = f"{_CATEGORY} other_categories"
_REASON = "reason reason_display"
_DOSE = "dose_value dose_unit dose_text rate_value rate_unit rate_text route route_display dosage_text"
_DOSAGE = f"{_DOSE} frequency as_needed dosages"
_QUANTITY = "quantity_value quantity_unit supply_days"
_CONTENT = "content content_type content_problem attachments binary"
_NUMBERS = {
    "value_number", "reference_low", "reference_high", "dose_value", "rate_value", "quantity_value",
    "supply_days", "refills", "rank",
}  # fmt: skip
_INTEGERS = {"component", "members", "dosages", "attachments", "file", "row", "resources"}
_ENDING = "updated file row"


@dataclass(frozen=True)
class Table:
    """A flat table.

    Attributes:
        columns: column -> text, number or integer.
        references: columns that name another resource -> the type of that resource.
        resource: the type whose resources are its rows, if they are.
        parts_of: the table of the resources that its rows are parts of, if they are.
    """

    columns: dict[str, str]
    references: dict[str, str] = field(default_factory=dict)
    resource: str | None = None
    parts_of: str | None = None

    @property
    def owner(self) -> str | None:
        """The type of resource that its rows come from, if they come from one."""
        return self.resource or (TABLES[self.parts_of].resource if self.parts_of else None)


def _table(
    columns: str, resource: str | None = None, *, parts_of: str | None = None, **references: str
) -> Table:
    """A table of resources or of their parts; it ends with the time of their last change and their place."""
    found: dict[str, str] = {}
    for name in f"{columns} {_ENDING}".split():
        found[name] = NUMBER if name in _NUMBERS else INTEGER if name in _INTEGERS else TEXT
        if name in references:
            found[name + PROBLEM] = TEXT
    return Table(columns=found, references=references, resource=resource, parts_of=parts_of)


_PERSON = {"patient": "Patient", "encounter": "Encounter"}
_DRUG = {**_PERSON, "medication": "Medication"}

TABLES = {
    "patient": _table(
        "id status birth death deceased gender birth_sex race race_codes ethnicity ethnicity_codes "
        "marital_status marital_status_display language language_display postal_code state country "
        "managing_organization replaced_by",
        "Patient",
        managing_organization="Organization",
        replaced_by="Patient",
    ),
    "organization": _table(
        "id status name type type_display part_of", "Organization", part_of="Organization"
    ),
    "location": _table(
        "id status name type type_display physical_type part_of managing_organization",
        "Location",
        part_of="Location",
        managing_organization="Organization",
    ),
    "encounter": _table(
        f"{_OWN} class class_display {_CODED} priority service_type service_type_display {_REASON} "
        "admit_source admit_source_display discharge_disposition discharge_disposition_display readmission "
        "provider location part_of site site_name",
        "Encounter",
        patient="Patient",
        provider="Organization",
        location="Location",
        part_of="Encounter",
    ),
    "encounterlocation": _table(
        "patient encounter status location_status start end location name physical_type",
        parts_of="encounter",
        patient="Patient",
        location="Location",
    ),
    "encounterdiagnosis": _table(
        "patient encounter status condition use use_display rank",
        parts_of="encounter",
        patient="Patient",
        condition="Condition",
    ),
    "condition": _table(
        f"{_OWN} clinical_status {_CATEGORIES} {_CODED} severity body_site start_text end_text asserted note",
        "Condition",
        **_PERSON,
    ),
    "observation": _table(
        f"{_OWN} component members {_CATEGORIES} {_CODED} panel_system panel_code panel_display panel_text "
        "value_kind value_number value_comparator value_unit value_unit_display value_system value_code "
        "value_display value_text data_absent_reason interpretation interpretation_display reference_low "
        "reference_high reference_text body_site method note",
        "Observation",
        **_PERSON,
    ),
    "medication": _table(f"id status {_CODED} form ingredients", "Medication"),
    "medicationrequest": _table(
        f"{_OWN} intent do_not_perform priority reported {_CATEGORIES} medication {_CODED} {_DOSAGE} "
        f"{_QUANTITY} refills {_REASON} status_reason note",
        "MedicationRequest",
        **_DRUG,
    ),
    "medicationadministration": _table(
        f"{_OWN} {_CATEGORY} medication {_CODED} {_DOSE} {_REASON} status_reason request note",
        "MedicationAdministration",
        **_DRUG,
        request="MedicationRequest",
    ),
    "medicationdispense": _table(
        f"{_OWN} {_CATEGORY} type medication {_CODED} {_DOSAGE} {_QUANTITY} prepared status_reason request "
        "note",
        "MedicationDispense",
        **_DRUG,
        request="MedicationRequest",
    ),
    "medicationstatement": _table(
        f"{_OWN} {_CATEGORY} medication {_CODED} {_DOSAGE} {_REASON} status_reason note",
        "MedicationStatement",
        **_DRUG,
    ),
    "procedure": _table(
        f"{_OWN} {_CATEGORY} {_CODED} start_text body_site outcome {_REASON} status_reason note",
        "Procedure",
        **_PERSON,
    ),
    "immunization": _table(
        f"{_OWN} {_CODED} start_text dose_value dose_unit route route_display body_site primary_source "
        f"{_REASON} status_reason note",
        "Immunization",
        **_PERSON,
    ),
    "allergyintolerance": _table(
        f"{_OWN} clinical_status type category other_categories criticality {_CODED} start_text reaction "
        "reaction_severity last_occurrence note",
        "AllergyIntolerance",
        **_PERSON,
    ),
    "diagnosticreport": _table(
        f"{_OWN} {_CATEGORIES} {_CODED} conclusion conclusion_code conclusion_display {_CONTENT}",
        "DiagnosticReport",
        **_PERSON,
        binary="Binary",
    ),
    "documentreference": _table(
        f"{_OWN} document_status {_CATEGORIES} {_CODED} title created custodian relation {_CONTENT}",
        "DocumentReference",
        **_PERSON,
        binary="Binary",
        custodian="Organization",
    ),
    "binary": _table("id content content_type content_problem", "Binary"),
    "site": Table(columns={"id": TEXT, "name": TEXT}),
    "file": Table(columns={"file": INTEGER, "name": TEXT, "resources": INTEGER}),
}
TABLE_OF = {table.resource: name for name, table in TABLES.items() if table.resource is not None}
# Resources that others refer to: their addresses and identifiers are kept until everything was read.
TARGETS = frozenset(kind for table in TABLES.values() for kind in table.references.values())
