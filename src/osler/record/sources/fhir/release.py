"""Telling R4 from other releases of FHIR, which share its names but not its structure."""

from osler.record.sources.fhir.json_values import Node

# Types that a release before R4 had, and what they are called in R4.
_RENAMED = {
    "MedicationOrder": "MedicationRequest", "DiagnosticOrder": "ServiceRequest",
    "ProcedureRequest": "ServiceRequest", "ReferralRequest": "ServiceRequest",
    "EligibilityRequest": "CoverageEligibilityRequest", "ProcessRequest": "Task", "BodySite": "BodyStructure",
    "Sequence": "MolecularSequence",
}  # fmt: skip
_LATER = {"MedicationUsage", "InventoryReport", "GenomicStudy", "DeviceUsage"}
FOREIGN_TYPES = frozenset(_RENAMED) | _LATER
_STATUSES = ("clinicalStatus", "verificationStatus")
# Fields that R4 replaced, by type of resource.
_GONE = {
    "MedicationAdministration": ("notGiven", "reasonNotGiven"),
    "MedicationStatement": ("taken", "notTaken", "wasNotTaken"),
    "Procedure": ("notDone", "notPerformed"),
    "Immunization": ("notGiven", "wasNotGiven"),
}
_MEDICATION_TYPES = {
    "MedicationRequest",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationStatement",
}


def other_release(kind: str, resource: Node) -> str | None:
    """What in a resource belongs to another release than R4; None where nothing does.

    Args:
        kind: its type.
        resource: the resource.

    Examples:
        >>> other_release("Encounter", {"class": "inpatient"})
        'Encounter.class is text, as in DSTU2'
        >>> other_release("Encounter", {"class": {"code": "IMP"}}) is None
        True
    """
    if kind in _RENAMED:
        return f"{kind} is the type that R4 calls {_RENAMED[kind]}"
    if kind in _LATER:
        return f"{kind} came after R4"
    if kind == "Encounter":
        found = resource.get("class")
        if isinstance(found, str):
            return "Encounter.class is text, as in DSTU2"
        return "Encounter.class is a list, as in R5" if isinstance(found, list) else None
    if kind in ("Condition", "AllergyIntolerance"):
        wrong = [name for name in _STATUSES if isinstance(resource.get(name), str)]
        return f"{kind}.{wrong[0]} is text, as in STU3" if wrong else None
    if kind in _MEDICATION_TYPES and "medication" in resource:
        return f"{kind}.medication is there, as in R5"
    gone = [name for name in _GONE.get(kind, ()) if name in resource]
    return f"{kind}.{gone[0]} is there, as before R4" if gone else None
