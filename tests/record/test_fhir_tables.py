"""FHIR resources as rows: what each column of each table holds."""

from collections import Counter

import pytest
from fhir_record import full_record
from fhir_support import (
    HL7,
    ICD10,
    LOINC,
    RXNORM,
    SNOMED,
    concept,
    flat,
    observation,
    only,
    patient,
    resource,
    table,
)

from osler.record.sources.fhir.rows import ROWS
from osler.record.sources.fhir.staged import STAGED
from osler.record.sources.fhir.tables import PROBLEM, TABLES


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    # A version and a time of change on every resource, so that `updated` has values.
    resources = [
        one | {"meta": {"versionId": "1", "lastUpdated": "2021-01-01T00:00:00Z"}} for one in full_record()
    ]
    return flat(tmp_path_factory.mktemp("record"), *resources)


def test_nothing_is_noticed_in_a_sound_record(record):
    expected = {
        "DocumentReference": {"attachment of type application/pdf": 1},
        "DiagnosticReport": {"attachment of type application/pdf": 1},
        "Binary": {"attachment of type application/pdf": 1},
    }
    assert {kind: one.reasons for kind, one in record.resources.items() if one.reasons} == expected
    assert record.problems == {
        "documentreference": {"content_problem": {"attachment of type application/pdf": 1}},
        "binary": {"content_problem": {"attachment of type application/pdf": 1}},
    }


@pytest.mark.parametrize("name", TABLES)
def test_every_column_is_filled_from_somewhere(record, name):
    rows = table(record, name)
    assert list(rows.columns) == list(TABLES[name].columns)
    empty = {column for column in rows.columns if rows[column].null_count() == rows.height}
    assert {column for column in empty if not column.endswith(PROBLEM)} == NEVER.get(name, set())


# R4 does not date these by their entry, or gives them no end.
NEVER = {
    "encounter": {"recorded"},
    "medicationadministration": {"recorded"},
    "medicationdispense": {"recorded", "end"},
    "procedure": {"recorded"},
    "immunization": {"end"},
}


def test_rows_have_no_column_that_a_table_lacks():
    for one in full_record():
        for name, row in ROWS[one["resourceType"]](one, Counter()):
            assert not row.keys() - STAGED[name].keys(), (one["resourceType"], name)


def test_people_and_places(record):
    who = table(record, "patient").row(0, named=True)
    assert who["birth"] == "1950-03-01"  # the first day of a partial birth date
    assert (who["death"], who["deceased"]) == ("2020-05-06T07:08:09Z", "true")
    assert (who["race"], who["race_codes"]) == ("White; Asian", "2106-3; 2028-9")
    assert (who["language"], who["state"], who["postal_code"]) == ("es", "MA", "02138")
    assert (who["managing_organization"], who["replaced_by"]) == ("org", None)
    assert table(record, "patient")["replaced_by"].to_list() == [None, "p"]
    assert table(record, "patient")["deceased"].to_list() == ["true", "false"]
    assert table(record, "location").filter(id="ward")["managing_organization"].item() == "org"
    assert table(record, "organization")["part_of"].to_list() == ["group", None]


def test_encounters(record):
    found = table(record, "encounter").filter(id="e").row(0, named=True)
    assert found["encounter"] == found["id"] == "e"
    assert (found["class"], found["code"], found["other_codes"]) == ("IMP", "183452005", "urn:local|A1")
    assert (found["start"], found["end"]) == ("2019-01-01T10:00:00+01:00", "2019-01-04")
    assert (found["discharge_disposition"], found["admit_source"]) == ("home", "emd")
    assert (found["site"], found["site_name"]) == ("Organization/org", "City Hospital")
    assert (found["location"], found["part_of"]) == ("ward", "whole")
    stop = only(record, "encounterlocation")
    assert (stop["encounter"], stop["location"], stop["name"], stop["physical_type"]) == (
        "e",
        "ward",
        "Ward 3",
        "wa",
    )
    assert (stop["patient"], stop["status"], stop["location_status"]) == ("p", "finished", "completed")
    diagnosis = only(record, "encounterdiagnosis")
    assert (diagnosis["condition"], diagnosis["use"], diagnosis["rank"]) == ("c", "AD", 1)
    assert table(record, "site").rows() == [("Organization/org", "City Hospital")]


def test_conditions(record):
    found = table(record, "condition").row(0, named=True)
    assert (found["status"], found["clinical_status"]) == ("confirmed", "active")
    assert (found["start"], found["end"]) == ("2011-12-31", "2012-02-29")  # known at the end of the period
    assert (found["system"], found["code"], found["other_codes"]) == (SNOMED, "194828000", f"{ICD10}|I20.9")
    assert (found["category"], found["other_categories"]) == ("encounter-diagnosis", "urn:local|x")
    assert found["note"] == "first line\nsecond line"
    second = table(record, "condition").row(1, named=True)
    assert (second["start"], second["start_text"]) == (None, "52 years of age")
    assert (second["end"], second["end_text"]) == (None, "in spring")


def test_observations_have_a_row_for_each_value(record):
    rows = table(record, "observation").to_dicts()
    assert [row["component"] for row in rows] == [0, 1, 2]
    own, part, absent = rows
    assert (own["code"], own["text"], own["other_codes"]) == ("718-7", "Hb", "urn:local|HB")
    assert (own["value_number"], own["value_comparator"], own["value_unit"]) == (11.5, "<", "g/dL")
    assert (own["reference_low"], own["reference_high"], own["interpretation"]) == (12, 16, "L")
    assert (own["category"], own["other_categories"], own["members"]) == ("laboratory", "urn:local|chem", 1)
    assert (part["code"], part["panel_code"], part["value_code"]) == ("1", "718-7", "260385009")
    assert (part["value_display"], part["value_text"]) == ("Negative", "neg")
    assert (absent["value_kind"], absent["data_absent_reason"]) == (None, "not-performed")
    for row in rows:
        assert (row["patient"], row["encounter"], row["status"]) == ("p", "e", "final")
        assert (row["start"], row["recorded"]) == (
            "2019-01-01T11:00:00+01:00",
            "2019-01-01T13:00:00.123+01:00",
        )
    assert [row["note"] for row in rows] == ["hemolysed", None, None]


def test_medications(record):
    for name in ("request", "administration", "dispense", "statement"):
        found = table(record, f"medication{name}").row(0, named=True)
        assert (found["medication"], found["system"], found["code"]) == ("m", RXNORM, "313782")
        assert (found["display"], found["text"], found["other_codes"]) == (
            "Acetaminophen",
            "Paracetamol",
            "urn:local|PCM",
        )
        assert (found["patient"], found["encounter"]) == ("p", "e")
    order, plan = table(record, "medicationrequest").to_dicts()
    assert (order["recorded"], order["start"], order["end"]) == (
        "2019-01-01T12:00:00Z",
        "2019-01-02",
        "2019-01-09",
    )
    assert (order["dose_value"], order["dose_unit"], order["frequency"]) == (5, "mg", "2 times per day")
    assert (order["dosages"], order["dosage_text"]) == (2, "one in the morning; then stop")
    assert (order["supply_days"], order["refills"], order["rate_value"]) == (14, 3, 15)
    assert (plan["dose_value"], plan["dose_text"]) == (None, "1 to 2 tablets")
    assert (plan["rate_value"], plan["rate_unit"], plan["rate_text"]) == (15, "mL/h", "30 mL / 2 h")
    given = only(record, "medicationadministration")
    assert (given["start"], given["end"], given["status"]) == (
        "2019-01-02T08:00:00Z",
        "2019-01-02T09:00:00Z",
        "not-done",
    )
    assert (given["dose_text"], given["rate_value"], given["request"]) == ("<5 mg", 15, "mr")
    handed = only(record, "medicationdispense")
    assert (handed["start"], handed["prepared"], handed["supply_days"]) == ("2019-01-04", "2019-01-03", 10)
    said = only(record, "medicationstatement")
    assert (said["start"], said["end"], said["recorded"]) == ("2018-12-31", "2019-02-28", "2019-01-01")
    assert only(record, "medication")["ingredients"] == "acetaminophen 500 mg / 1 tablet"


def test_procedures_immunizations_allergies(record):
    done = table(record, "procedure").to_dicts()
    assert (done[0]["start"], done[0]["end"], done[0]["reason"]) == (
        "2019-01-02T08:00",
        "2019-01-02T09:00",
        "74400008",
    )
    assert done[1]["start_text"] == "1 year of age"
    shots = table(record, "immunization").to_dicts()
    assert (shots[0]["start"], shots[0]["recorded"], shots[0]["dose_value"]) == (
        "2018-10-01",
        "2018-10-02",
        0.5,
    )
    assert (shots[1]["start"], shots[1]["start_text"]) == (None, "as a child")
    allergies = table(record, "allergyintolerance").to_dicts()
    assert (allergies[0]["reaction"], allergies[0]["reaction_severity"]) == (
        "Wheal; itching; collapse",
        "severe",
    )
    assert (allergies[0]["status"], allergies[0]["category"], allergies[0]["other_categories"]) == (
        "confirmed",
        "food",
        "environment",
    )
    assert (allergies[0]["last_occurrence"], allergies[0]["start"]) == ("2010-06-30", "2000-12-31")
    assert (allergies[1]["code"], allergies[1]["start_text"]) == ("7980", "childhood")


def test_reports_and_documents(record):
    report, second = table(record, "diagnosticreport").to_dicts()
    assert (second["content"], second["binary"], second["content_problem"]) == ("Gone home.", "b", None)
    assert (report["content"], report["content_type"], report["attachments"]) == (
        "Lungs clear.",
        "text/plain",
        2,
    )
    assert (report["conclusion"], report["conclusion_code"], report["category"]) == (
        "No infiltrate.",
        "17621005",
        "RAD",
    )
    letter = table(record, "documentreference").row(0, named=True)
    assert (letter["content"], letter["content_type"], letter["content_problem"]) == (
        "Gone home.",
        "text/plain",
        None,
    )
    assert (letter["start"], letter["end"], letter["recorded"]) == (
        "2019-01-01",
        "2019-01-04",
        "2019-01-05T08:00:00Z",
    )
    assert (letter["created"], letter["title"], letter["custodian"]) == (
        "2019-01-04T10:00:00Z",
        "Discharge letter",
        "org",
    )
    assert (letter["encounter"], letter["relation"], letter["category"]) == ("e", "replaces", "clinical-note")


VALUES = [
    ({"valueQuantity": {"value": 5.5, "unit": "mg/dL"}}, ("Quantity", 5.5, "mg/dL", None)),
    ({"valueQuantity": {"value": "5.5", "code": "mg"}}, ("Quantity", 5.5, "mg", None)),
    ({"valueQuantity": {"value": "low", "code": "mg"}}, ("Quantity", None, "mg", "low")),
    ({"valueQuantity": {"unit": "mg"}}, (None, None, "mg", None)),
    ({"valueQuantity": {"value": 0}}, ("Quantity", 0.0, None, None)),
    ({"valueString": " two lines "}, ("String", None, None, "two lines")),
    ({"valueBoolean": False}, ("Boolean", None, None, "false")),
    ({"valueInteger": 3}, ("Integer", 3.0, None, None)),
    ({"valueTime": "10:30:00"}, ("Time", None, None, "10:30:00")),
    ({"valueDateTime": "2019-03"}, ("DateTime", None, None, "2019-03-31")),
    ({"valueCodeableConcept": {"text": "A+"}}, ("CodeableConcept", None, None, "A+")),
    ({"valueRange": {"low": {"value": 2}, "high": {"value": 5}}}, ("Range", None, None, "2 to 5")),
    ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 8}}}, ("Ratio", None, None, "1:8")),
    ({"valuePeriod": {"start": "2019"}}, ("Period", None, None, "2019-12-31 to ?")),
    ({"valueSampledData": {"data": "1 2 3"}}, ("SampledData", None, None, None)),
    ({}, (None, None, None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_values_of_observations(tmp_path, value, expected):
    row = only(flat(tmp_path, patient(), observation(**value)), "observation")
    assert (row["value_kind"], row["value_number"], row["value_unit"], row["value_text"]) == expected


def test_values_that_are_not_read_are_counted(tmp_path):
    sampled, two = observation("a", valueSampledData={}), observation("b", valueString="x", valueInteger=1)
    found = flat(tmp_path, patient(), sampled, two).resources["Observation"]
    assert found.reasons == {
        "several values in one observation": 1,
        "value of type SampledData is not read": 1,
    }


def test_a_value_may_be_absent_for_a_reason(tmp_path):
    reason = {
        "extension": [
            {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}
        ]
    }
    for value in (
        {"_valueString": reason},
        {"valueQuantity": reason},
        {"dataAbsentReason": {"text": "unknown"}},
    ):
        row = only(flat(tmp_path, patient(), observation(**value)), "observation")
        assert (row["value_kind"], row["data_absent_reason"]) == (None, "unknown")


def test_an_observation_that_only_holds_components_has_no_row_of_its_own(tmp_path):
    parts = [{"code": concept(LOINC, code), "valueInteger": 1} for code in ("a", "b")]
    found = flat(tmp_path, patient(), observation(component=parts, note=[{"text": "sitting"}]))
    rows = table(found, "observation")
    assert rows.select("component", "code", "note").rows() == [(1, "a", "sitting"), (2, "b", None)]
    assert found.resources["Observation"].kept == 1


def test_the_normal_range_is_the_one_that_says_so(tmp_path):
    ranges = [
        {"type": concept(HL7 + "referencerange-meaning", "therapeutic"), "low": {"value": 1}},
        {"low": {"value": 2}},
        {"type": concept(HL7 + "referencerange-meaning", "normal"), "low": {"value": 3}},
    ]
    for kept, low in ((ranges, 3), (ranges[:2], 2), (ranges[:1], None)):
        row = only(flat(tmp_path, patient(), observation(referenceRange=kept)), "observation")
        assert row["reference_low"] == low


def test_a_drug_without_a_code_is_told_by_its_ingredients(tmp_path):
    one = {"itemCodeableConcept": concept(RXNORM, "161", "Acetaminophen")}
    two = {
        "itemReference": {"display": "Codeine"},
        "strength": {"numerator": {"value": 8, "unit": "mg"}, "denominator": {"value": 1}},
    }
    inside = [{"resourceType": "Medication", "id": "x", "ingredient": [one]}]
    found = flat(
        tmp_path,
        patient(),
        resource("Medication", "m", ingredient=[one, two]),
        *(
            resource("MedicationRequest", name, subject="p", medicationReference=reference, contained=inside)
            for name, reference in (
                ("a", {"reference": "Medication/m"}),
                ("b", {"reference": "#x"}),
                ("c", {"reference": "Medication/none", "display": "Some drug"}),
                ("d", {"display": "Words"}),
            )
        ),
    )
    rows = table(found, "medicationrequest").select("code", "text", "medication", "medication_problem").rows()
    assert rows == [
        (None, "Acetaminophen + Codeine 8 mg / 1", "m", None),
        ("161", None, None, None),
        (None, "Some drug", "none", "reference to a resource that is not there"),
        (None, "Words", None, "reference in words only"),
    ]


def test_the_site_of_an_encounter(tmp_path):
    places = [
        resource("Organization", "o", name="Hospital"),
        resource("Location", "owned", managingOrganization={"reference": "Organization/o"}),
        resource("Location", "free", name="Tent"),
    ]
    inside = [{"resourceType": "Organization", "id": "in", "name": "Clinic"}]
    fields = {
        "provider": {
            "serviceProvider": {"reference": "Organization/o"},
            "location": [{"location": {"reference": "Location/free"}}],
        },
        "unknown": {"serviceProvider": {"reference": "Organization/x", "display": "Far away"}},
        "words": {"serviceProvider": {"display": "General"}},
        "contained": {"serviceProvider": {"reference": "#in"}, "contained": inside},
        "owned": {"location": [{"location": {"reference": "Location/owned"}}]},
        "free": {"location": [{"location": {"reference": "Location/free"}}]},
        "none": {},
    }  # fmt: skip
    found = flat(
        tmp_path,
        patient(),
        *places,
        *(resource("Encounter", name, subject="p", **one) for name, one in fields.items()),
    )
    sites = {row["id"]: (row["site"], row["site_name"]) for row in table(found, "encounter").to_dicts()}
    assert sites == {
        "provider": ("Organization/o", "Hospital"),
        "unknown": ("Organization/x", "Far away"),
        "words": ("General", "General"),
        "contained": ("Clinic", "Clinic"),
        "owned": ("Organization/o", "Hospital"),
        "free": ("Location/free", "Tent"),
        "none": (None, None),
    }
    assert table(found, "site").height == 5


def test_nothing_of_names_and_addresses_gets_into_a_table(tmp_path):
    secrets = {
        "name": [{"family": "SECRET", "given": ["SECRET"]}],
        "telecom": [{"value": "SECRET"}],
        "address": [{"line": ["SECRET"], "city": "SECRET", "text": "SECRET"}],
        "contact": [{"name": {"text": "SECRET"}}],
        "photo": [{"title": "SECRET"}],
        "text": {"div": "SECRET"},
    }
    assert "SECRET" not in str(only(flat(tmp_path, patient(**secrets)), "patient"))
