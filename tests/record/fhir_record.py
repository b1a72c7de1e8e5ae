"""A record in which every column of every table has a value."""

from fhir_support import (
    HL7,
    ICD10,
    LOINC,
    RXNORM,
    SNOMED,
    US_CORE,
    attachment,
    concept,
    document,
    observation,
    patient,
    resource,
)

SUBJECT = {"subject": {"reference": "Patient/p"}, "encounter": {"reference": "Encounter/e"}}
PATIENT = {"patient": {"reference": "Patient/p"}, "encounter": {"reference": "Encounter/e"}}
QUANTITY = {"value": 5, "unit": "milligram", "system": "http://unitsofmeasure.org", "code": "mg"}
LIMIT = QUANTITY | {"comparator": "<"}
DOSAGE = {
    "text": "one in the morning",
    "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
    "asNeededBoolean": False,
    "route": concept(SNOMED, "26643006", "Oral route"),
    "doseAndRate": [
        {
            "doseRange": {"low": {"value": 1}, "high": {"value": 2, "unit": "tablets"}},
            "rateRatio": {"numerator": {"value": 30, "code": "mL"}, "denominator": {"value": 2, "code": "h"}},
        },
    ],
}


def full_record():
    """A record in which every column of every table has a value."""
    return [
        resource(
            "Organization",
            "org",
            active=True,
            name="City Hospital",
            type=[concept(HL7 + "organization-type", "prov", "Provider")],
            partOf={"reference": "Organization/group"},
        ),
        resource("Organization", "group", name="Group"),
        resource(
            "Location",
            "ward",
            status="active",
            name="Ward 3",
            type=[concept(HL7 + "v3-RoleCode", "ICU", "Intensive care")],
            physicalType=concept(HL7 + "location-physical-type", "wa", "Ward"),
            partOf={"reference": "Location/house"},
            managingOrganization={"reference": "Organization/org"},
        ),
        resource("Location", "house", name="House"),
        patient(
            "p",
            active=True,
            birthDate="1950-03",
            deceasedDateTime="2020-05-06T07:08:09Z",
            gender="female",
            extension=[
                {
                    "url": US_CORE + "us-core-race",
                    "extension": [
                        {"url": "ombCategory", "valueCoding": {"code": "2106-3", "display": "White"}},
                        {"url": "ombCategory", "valueCoding": {"code": "2028-9", "display": "Asian"}},
                        {"url": "text", "valueString": "White and Asian"},
                    ],
                },
                {
                    "url": US_CORE + "us-core-ethnicity",
                    "extension": [
                        {
                            "url": "ombCategory",
                            "valueCoding": {"code": "2186-5", "display": "Not Hispanic or Latino"},
                        }
                    ],
                },
                {"url": US_CORE + "us-core-birthsex", "valueCode": "F"},
            ],
            maritalStatus=concept(HL7 + "v3-MaritalStatus", "M", "Married"),
            communication=[
                {"language": concept("urn:ietf:bcp:47", "en", "English")},
                {"language": concept("urn:ietf:bcp:47", "es", "Spanish"), "preferred": True},
            ],
            address=[
                {"use": "old", "state": "XX"},
                {"use": "home", "state": "MA", "postalCode": "02138", "country": "US"},
            ],
            managingOrganization={"reference": "Organization/org"},
        ),
        patient(
            "q",
            deceasedBoolean=False,
            link=[{"type": "replaced-by", "other": {"reference": "Patient/p"}}],
        ),
        resource(
            "Encounter",
            "e",
            status="finished",
            **{"class": {"system": HL7 + "v3-ActCode", "code": "IMP", "display": "inpatient"}},
            type=[
                {
                    "coding": [
                        {"system": "urn:local", "code": "A1"},
                        {"system": SNOMED, "code": "183452005", "display": "Admission"},
                    ],
                    "text": "Admission",
                }
            ],
            subject="p",
            priority=concept(HL7 + "v3-ActPriority", "EM"),
            serviceType=concept(HL7 + "service-type", "57", "Cardiology"),
            period={"start": "2019-01-01T10:00:00+01:00", "end": "2019-01-04"},
            reasonCode=[concept(SNOMED, "29857009", "Chest pain")],
            hospitalization={
                "admitSource": concept(HL7 + "admit-source", "emd", "From the emergency department"),
                "dischargeDisposition": concept(HL7 + "discharge-disposition", "home", "Home"),
                "reAdmission": concept(HL7 + "v2-0092", "R"),
            },
            serviceProvider={"reference": "Organization/org"},
            partOf={"reference": "Encounter/whole"},
            location=[
                {
                    "location": {"reference": "Location/ward"},
                    "status": "completed",
                    "period": {"start": "2019-01-01", "end": "2019-01-02"},
                }
            ],
            diagnosis=[
                {
                    "condition": {"reference": "Condition/c"},
                    "use": concept(HL7 + "diagnosis-role", "AD", "Admission diagnosis"),
                    "rank": 1,
                }
            ],
        ),
        resource("Encounter", "whole", status="finished", **{"class": {"code": "IMP"}}, subject="p"),
        resource(
            "Condition",
            "c",
            **SUBJECT,
            clinicalStatus=concept(HL7 + "condition-clinical", "active"),
            verificationStatus=concept(HL7 + "condition-ver-status", "confirmed"),
            category=[
                concept("urn:local", "x"),
                concept(HL7 + "condition-category", "encounter-diagnosis", "Encounter diagnosis"),
            ],
            code={
                "coding": [
                    {"system": ICD10, "code": "I20.9"},
                    {"system": SNOMED, "code": "194828000", "display": "Angina"},
                ],
                "text": "Angina pectoris",
            },
            severity=concept(SNOMED, "6736007", "Moderate"),
            bodySite=[concept(SNOMED, "80891009", "Heart")],
            onsetDateTime="2011",
            abatementDateTime="2012-02",
            recordedDate="2011-05-01",
            extension=[
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/condition-assertedDate",
                    "valueDateTime": "2011-04-30",
                }
            ],
            note=[{"text": "first line"}, {"text": "second line"}],
        ),
        resource(
            "Condition", "c2", **SUBJECT, onsetAge={"value": 52, "code": "a"}, abatementString="in spring"
        ),
        observation(
            "o",
            **SUBJECT,
            category=[
                concept(HL7 + "observation-category", "laboratory", "Laboratory"),
                concept("urn:local", "chem"),
            ],
            effectivePeriod={"start": "2019-01-01T11:00:00+01:00", "end": "2019-01-01T12:00:00+01:00"},
            issued="2019-01-01T13:00:00.123+01:00",
            code={
                "coding": [
                    {"system": "urn:local", "code": "HB"},
                    {"system": LOINC, "code": "718-7", "display": "Hemoglobin"},
                ],
                "text": "Hb",
            },
            valueQuantity={"value": 11.5, "comparator": "<", "unit": "gram/dl", "code": "g/dL"},
            interpretation=[concept(HL7 + "v3-ObservationInterpretation", "L", "Low")],
            referenceRange=[{"low": {"value": 12}, "high": {"value": 16}, "text": "12-16"}],
            bodySite=concept(SNOMED, "1", "Arm"),
            method=concept(SNOMED, "2", "Counted"),
            note=[{"text": "hemolysed"}],
            hasMember=[{"reference": "Observation/x"}],
            component=[
                {
                    "code": concept(LOINC, "1", "Part"),
                    "valueCodeableConcept": concept(SNOMED, "260385009", "Negative", "neg"),
                },
                {
                    "code": concept(LOINC, "2"),
                    "dataAbsentReason": concept(HL7 + "data-absent-reason", "not-performed"),
                },
            ],
        ),
        resource(
            "Medication",
            "m",
            status="active",
            code={
                "coding": [
                    {"system": RXNORM, "code": "313782", "display": "Acetaminophen"},
                    {"system": "urn:local", "code": "PCM"},
                ],
                "text": "Paracetamol",
            },
            form=concept(SNOMED, "385055001", "Tablet"),
            ingredient=[
                {
                    "itemCodeableConcept": {"text": "acetaminophen"},
                    "strength": {
                        "numerator": {"value": 500, "unit": "mg"},
                        "denominator": {"value": 1, "unit": "tablet"},
                    },
                }
            ],
        ),
        resource(
            "MedicationRequest",
            "mr",
            **SUBJECT,
            status="active",
            intent="order",
            doNotPerform=False,
            priority="routine",
            reportedBoolean=False,
            category=[
                concept("urn:local", "z"),
                concept(HL7 + "medicationrequest-category", "inpatient", "Inpatient"),
            ],
            medicationReference={"reference": "Medication/m"},
            authoredOn="2019-01-01T12:00:00Z",
            dosageInstruction=[
                DOSAGE
                | {
                    "timing": {
                        "repeat": {
                            "frequency": 2,
                            "period": 1,
                            "periodUnit": "d",
                            "boundsPeriod": {"start": "2019-01-02", "end": "2019-01-09"},
                        }
                    },
                    "doseAndRate": [
                        {"doseQuantity": QUANTITY, "rateQuantity": {"value": 15, "code": "mL/h"}}
                    ],
                },
                {"text": "then stop"},
            ],
            dispenseRequest={
                "quantity": {"value": 20, "unit": "tablets"},
                "expectedSupplyDuration": {"value": 2, "code": "wk"},
                "numberOfRepeatsAllowed": 3,
            },
            reasonCode=[concept(SNOMED, "386661006", "Fever")],
            statusReason=concept(SNOMED, "3", "Held"),
            note=[{"text": "remark"}],
        ),
        resource(
            "MedicationRequest",
            "mr2",
            subject="p",
            status="active",
            intent="plan",
            medicationCodeableConcept=concept(RXNORM, "1", "Drug"),
            dosageInstruction=[DOSAGE],
        ),
        resource(
            "MedicationAdministration",
            "ma",
            subject="p",
            context={"reference": "Encounter/e"},
            status="not-done",
            category=concept(HL7 + "medication-admin-category", "inpatient", "Inpatient"),
            medicationReference={"reference": "Medication/m"},
            effectivePeriod={"start": "2019-01-02T08:00:00Z", "end": "2019-01-02T09:00:00Z"},
            request={"reference": "MedicationRequest/mr"},
            dosage={
                "text": "slowly",
                "route": concept(SNOMED, "47625008", "Intravenous"),
                "dose": {"value": 5, "comparator": "<", "code": "mg"},
                "rateRatio": {
                    "numerator": {"value": 30, "code": "mL"},
                    "denominator": {"value": 2, "code": "h"},
                },
            },
            reasonCode=[concept(SNOMED, "386661006", "Fever")],
            statusReason=[concept(SNOMED, "4", "Refused")],
            note=[{"text": "remark"}],
        ),
        resource(
            "MedicationDispense",
            "md",
            subject="p",
            context={"reference": "Encounter/e"},
            status="completed",
            category=concept(HL7 + "medicationdispense-category", "outpatient", "Outpatient"),
            type=concept(HL7 + "v3-ActCode", "FF"),
            medicationReference={"reference": "Medication/m"},
            authorizingPrescription=[{"reference": "MedicationRequest/mr"}],
            whenPrepared="2019-01-03",
            whenHandedOver="2019-01-04",
            quantity={"value": 20, "unit": "tablets"},
            daysSupply={"value": 10, "unit": "days"},
            statusReasonCodeableConcept=concept(SNOMED, "5", "Out of stock"),
            dosageInstruction=[
                DOSAGE | {"doseAndRate": [{"doseQuantity": LIMIT, "rateQuantity": LIMIT}]},
                DOSAGE,
            ],
            note=[{"text": "remark"}],
        ),
        resource(
            "MedicationStatement",
            "ms",
            subject="p",
            context={"reference": "Encounter/e"},
            status="active",
            category=concept(HL7 + "medication-statement-category", "community", "Community"),
            medicationReference={"reference": "Medication/m"},
            effectivePeriod={"start": "2018", "end": "2019-02"},
            dateAsserted="2019-01-01",
            dosage=[DOSAGE | {"doseAndRate": [{"doseQuantity": LIMIT, "rateQuantity": LIMIT}]}, DOSAGE],
            reasonCode=[concept(SNOMED, "386661006", "Fever")],
            statusReason=[concept(SNOMED, "6", "Ended")],
            note=[{"text": "remark"}],
        ),
        resource(
            "Procedure",
            "pr",
            **SUBJECT,
            status="completed",
            category=concept(SNOMED, "387713003", "Surgical"),
            code={
                "coding": [
                    {"system": SNOMED, "code": "80146002", "display": "Appendectomy"},
                    {"system": "urn:local", "code": "AP"},
                ],
                "text": "Appendectomy",
            },
            performedPeriod={"start": "2019-01-02T08:00", "end": "2019-01-02T09:00"},
            bodySite=[concept(SNOMED, "66754008", "Appendix")],
            outcome=concept(SNOMED, "385669000", "Successful"),
            reasonCode=[concept(SNOMED, "74400008", "Appendicitis")],
            statusReason=concept(SNOMED, "7", "Reason"),
            note=[{"text": "remark"}],
        ),
        resource("Procedure", "pr2", **SUBJECT, status="completed", performedAge={"value": 1, "code": "a"}),
        resource(
            "Immunization",
            "im",
            **PATIENT,
            status="completed",
            vaccineCode={
                "coding": [
                    {"system": "http://hl7.org/fhir/sid/cvx", "code": "140", "display": "Influenza"},
                    {"system": "urn:local", "code": "FLU"},
                ],
                "text": "Flu shot",
            },
            occurrenceDateTime="2018-10-01",
            recorded="2018-10-02",
            doseQuantity={"value": 0.5, "code": "mL"},
            route=concept(HL7 + "v3-RouteOfAdministration", "IM", "Intramuscular"),
            site=concept(HL7 + "v3-ActSite", "LA", "Left arm"),
            primarySource=True,
            reasonCode=[concept(SNOMED, "429060002", "Protection")],
            statusReason=concept(HL7 + "v3-ActReason", "IMMUNE", "Immune"),
            note=[{"text": "remark"}],
        ),
        resource("Immunization", "im2", **PATIENT, status="completed", occurrenceString="as a child"),
        resource(
            "AllergyIntolerance",
            "a",
            **PATIENT,
            clinicalStatus=concept(HL7 + "allergyintolerance-clinical", "active"),
            verificationStatus=concept(HL7 + "allergyintolerance-verification", "confirmed"),
            type="allergy",
            category=["food", "environment"],
            criticality="high",
            code={
                "coding": [
                    {"system": SNOMED, "code": "91935009", "display": "Peanut allergy"},
                    {"system": "urn:local", "code": "PN"},
                ],
                "text": "Peanut",
            },
            onsetPeriod={"start": "2000", "end": "2001"},
            recordedDate="2005-01-01",
            lastOccurrence="2010-06",
            reaction=[
                {
                    "manifestation": [concept(SNOMED, "247472004", "Wheal"), {"text": "itching"}],
                    "severity": "mild",
                },
                {"description": "collapse", "manifestation": [], "severity": "severe"},
            ],
            note=[{"text": "remark"}],
        ),
        resource(
            "AllergyIntolerance",
            "a2",
            **PATIENT,
            onsetString="childhood",
            reaction=[{"substance": concept(RXNORM, "7980", "Penicillin")}],
        ),
        resource(
            "DiagnosticReport",
            "dr",
            **SUBJECT,
            status="final",
            category=[concept(HL7 + "v2-0074", "RAD", "Radiology"), concept("urn:local", "x")],
            code={
                "coding": [
                    {"system": LOINC, "code": "36643-5", "display": "Chest X-ray"},
                    {"system": "urn:local", "code": "CXR"},
                ],
                "text": "Chest film",
            },
            effectivePeriod={"start": "2019-01-01T14:00:00Z", "end": "2019-01-01T14:10:00Z"},
            issued="2019-01-01T15:00:00Z",
            conclusion="No infiltrate.",
            conclusionCode=[concept(SNOMED, "17621005", "Normal")],
            presentedForm=[attachment(b"Lungs clear."), attachment(b"x", "application/pdf")],
        ),
        resource(
            "DiagnosticReport",
            "dr2",
            **SUBJECT,
            status="final",
            presentedForm=[attachment(None, url="Binary/b")],
        ),
        document(
            attachment(None, url="Binary/b", creation="2019-01-04T10:00:00Z", title="Discharge"),
            description="Discharge letter",
            docStatus="final",
            date="2019-01-05T08:00:00Z",
            custodian={"reference": "Organization/org"},
            category=[
                concept(
                    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
                    "clinical-note",
                    "Clinical note",
                ),
                concept("urn:local", "x"),
            ],
            relatesTo=[{"code": "replaces", "target": {"reference": "DocumentReference/old"}}],
            type={
                "coding": [
                    {"system": LOINC, "code": "18842-5", "display": "Discharge summary"},
                    {"system": "urn:local", "code": "DS"},
                ],
                "text": "Summary",
            },
            context={
                "encounter": [{"reference": "Encounter/e"}],
                "period": {"start": "2019-01-01", "end": "2019-01-04"},
            },
        ),
        document(attachment(b"%PDF", "application/pdf")) | {"id": "d2"},
        resource("Binary", "b", contentType="text/plain", data="R29uZSBob21lLg=="),
        resource("Binary", "b2", contentType="application/pdf", data="JVBERg=="),
    ]
