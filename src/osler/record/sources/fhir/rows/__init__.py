"""Resources as rows: one function for each type that is read."""

from collections.abc import Callable

from osler.record.sources.fhir.json_values import Node, Reasons
from osler.record.sources.fhir.rows.common import Placed
from osler.record.sources.fhir.rows.conditions import (
    allergy_rows,
    condition_rows,
    immunization_rows,
    procedure_rows,
)
from osler.record.sources.fhir.rows.documents import binary_rows, document_rows, report_rows
from osler.record.sources.fhir.rows.encounters import encounter_rows
from osler.record.sources.fhir.rows.medications import (
    administration_rows,
    dispense_rows,
    medication_rows,
    request_rows,
    statement_rows,
)
from osler.record.sources.fhir.rows.observations import observation_rows
from osler.record.sources.fhir.rows.people import location_rows, organization_rows, patient_rows

# Type of resource -> its rows; the first row is that of the resource itself.
ROWS: dict[str, Callable[[Node, Reasons], list[Placed]]] = {
    "Patient": patient_rows,
    "Organization": organization_rows,
    "Location": location_rows,
    "Encounter": encounter_rows,
    "Condition": condition_rows,
    "Observation": observation_rows,
    "Medication": medication_rows,
    "MedicationRequest": request_rows,
    "MedicationAdministration": administration_rows,
    "MedicationDispense": dispense_rows,
    "MedicationStatement": statement_rows,
    "Procedure": procedure_rows,
    "Immunization": immunization_rows,
    "AllergyIntolerance": allergy_rows,
    "DiagnosticReport": report_rows,
    "DocumentReference": document_rows,
    "Binary": binary_rows,
}
