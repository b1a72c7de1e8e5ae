"""FHIR resources become the events they stand for; those that never happened are left out and counted."""

import datetime as dt
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from fhir_support import HL7, ICD10, LOINC, RXNORM, SNOMED, attachment, bundle, concept, resource, write
from mapping_support import attrition_of, check_conservation, events_of

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

UNITS = "http://unitsofmeasure.org"
VISIT = {"reference": "Encounter/e"}


def quantity(value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": unit, "system": UNITS, "code": unit, **more}


def measured(identity: str, code: str, name: str, at: str, **fields: Any) -> dict[str, Any]:
    start = {
        "status": "final", "subject": "p", "encounter": VISIT, "code": concept(LOINC, code, name),
        "category": [{"coding": [{"code": "laboratory"}]}], "effectiveDateTime": at,
    }  # fmt: skip
    return resource("Observation", identity, **(start | fields))


def record() -> list[dict[str, Any]]:
    """One hospital stay with resources of every type."""
    status = {"coding": [{"system": HL7 + "condition-ver-status", "code": "confirmed"}]}
    diagnosis = {"coding": [{"code": "encounter-diagnosis"}]}
    return [
        resource("Organization", "h", name="North Hospital"),
        resource("Patient", "p", birthDate="1950-03-09", gender="male", deceasedDateTime="2020-06-01"),
        resource(
            "Encounter", "e", status="finished", subject="p", **{"class": {"code": "IMP"}},
            period={"start": "2020-01-01T08:30:00+02:00", "end": "2020-01-05T17:00:00+02:00"},
            serviceProvider={"reference": "Organization/h"},
        ),
        resource(
            "Condition", "c1", subject="p", encounter=VISIT, verificationStatus=status, category=[diagnosis],
            code=concept(ICD10, "E11.9", "Type 2 diabetes mellitus"), onsetDateTime="2020-01-01T09:00:00Z",
            recordedDate="2020-01-01T09:00:00Z",
        ),
        resource(
            "Condition", "c2", subject="p", verificationStatus=status,
            code=concept(SNOMED, "38341003", "Hypertension (disorder)"), onsetDateTime="2010",
            recordedDate="2020-01-02T10:00:00Z",
        ),
        measured("o1", "718-7", "Hemoglobin", "2020-01-01T09:15:00Z", valueQuantity=quantity(13.5, "g/dL"),
                 issued="2020-01-01T11:00:00Z"),
        measured("o2", "2951-2", "Sodium", "2020-01-01T09:15:00Z",
                 valueQuantity=quantity(110, "mmol/L", comparator="<")),
        measured("o3", "5778-6", "Color of urine", "2020-01-01T09:20:00Z",
                 valueCodeableConcept=concept(SNOMED, "371246006", "Green (qualifier value)")),
        measured("o4", "8251-1", "Comment", "2020-01-01T09:25:00Z", valueString="  clotted "),
        measured("o5", "2339-0", "Glucose", "2020-01-01T09:30:00Z",
                 dataAbsentReason=concept(HL7 + "data-absent-reason", "not-performed")),
        measured("o6", "85354-9", "Blood pressure", "2020-01-01T09:35:00Z",
                 category=[{"coding": [{"code": "vital-signs"}]}],
                 component=[
                     {"code": concept(LOINC, "8480-6", "Systolic blood pressure"),
                      "valueQuantity": quantity(121, "mm[Hg]")},
                     {"code": concept(LOINC, "8462-4", "Diastolic blood pressure"),
                      "valueQuantity": quantity(80, "mm[Hg]")},
                 ]),
        resource("Medication", "m", code=concept(RXNORM, "313782", "Acetaminophen 325 MG Oral Tablet")),
        resource("MedicationRequest", "r", status="active", intent="order", subject="p", encounter=VISIT,
                 medicationReference={"reference": "Medication/m"}, authoredOn="2020-01-02T08:00:00Z",
                 dosageInstruction=[{"text": "one at night"}]),
        resource("MedicationAdministration", "a", status="completed", subject="p", context=VISIT,
                 medicationReference={"reference": "Medication/m"}, effectiveDateTime="2020-01-02T21:00:00Z",
                 dosage={"dose": quantity(650, "mg")}),
        resource("MedicationDispense", "d", status="completed", subject="p",
                 medicationReference={"reference": "Medication/m"}, whenHandedOver="2020-01-05T18:00:00Z"),
        resource("MedicationStatement", "s", status="active", subject="p",
                 medicationReference={"reference": "Medication/m"}, dateAsserted="2020-01-01T08:00:00Z",
                 effectivePeriod={"start": "2019-01-01"}),
        resource("Procedure", "x", status="completed", subject="p", encounter=VISIT,
                 code=concept(SNOMED, "80146002", "Appendectomy (procedure)"),
                 performedPeriod={"start": "2020-01-03T09:00:00Z", "end": "2020-01-03T11:00:00Z"}),
        resource("Immunization", "i", status="completed", patient="p", occurrenceDateTime="2020-01-04",
                 vaccineCode=concept("http://hl7.org/fhir/sid/cvx", "140", "Influenza")),
        resource("AllergyIntolerance", "l", patient="p", recordedDate="2020-01-01T08:10:00Z",
                 code=concept(SNOMED, "91936005", "Allergy to penicillin (finding)")),
        resource("DiagnosticReport", "g", status="final", subject="p", encounter=VISIT,
                 code=concept(LOINC, "30746-2", "Chest X-ray"), effectiveDateTime="2020-01-01T10:00:00Z",
                 issued="2020-01-01T12:00:00Z", conclusion="No effusion."),
        resource("DocumentReference", "t", status="current", subject="p", date="2020-01-05T16:00:00Z",
                 type=concept(LOINC, "18842-5", "Discharge summary"),
                 content=[{"attachment": attachment(b"Went home.\n  Well.")}]),
    ]  # fmt: skip


def never() -> list[dict[str, Any]]:
    """Resources that say of themselves that nothing happened."""
    wrong = {"coding": [{"code": "entered-in-error"}]}
    drug = {"medicationReference": {"reference": "Medication/m"}}
    summary = {"type": concept(LOINC, "18842-5"), "content": [{"attachment": attachment(b"No.")}]}
    day = "2020-01-03T09:00:00Z"
    return [
        measured("n1", "718-7", "Hemoglobin", day, status="entered-in-error",
                 valueQuantity=quantity(1, "g/dL")),
        measured("n2", "718-7", "Hemoglobin", day, status="cancelled"),
        measured("n3", "1-1", "Panel", day, hasMember=[{"reference": "Observation/o1"}]),
        resource("Encounter", "n4", status="planned", subject="p", **{"class": {"code": "IMP"}}),
        resource("Condition", "n5", subject="p", verificationStatus=wrong, code=concept(SNOMED, "1")),
        resource("MedicationRequest", "n6", status="active", intent="order", doNotPerform=True, subject="p",
                 authoredOn=day, **drug),
        resource("MedicationRequest", "n7", status="active", intent="proposal", subject="p",
                 authoredOn=day, **drug),
        resource("MedicationAdministration", "n8", status="not-done", subject="p",
                 effectiveDateTime=day, **drug),
        resource("MedicationDispense", "n9", status="declined", subject="p", whenHandedOver=day, **drug),
        resource("MedicationStatement", "n10", status="not-taken", subject="p", dateAsserted=day, **drug),
        resource("Procedure", "n11", status="not-done", subject="p", code=concept(SNOMED, "1")),
        resource("Immunization", "n12", status="not-done", patient="p", vaccineCode=concept(SNOMED, "1")),
        resource("DiagnosticReport", "n13", status="final", subject="p", code=concept(LOINC, "1-1")),
        resource("DocumentReference", "n14", status="superseded", subject="p", date=day, **summary),
        resource("AllergyIntolerance", "n15", patient="p", verificationStatus=wrong,
                 code=concept(SNOMED, "1")),
        measured("n16", "718-7", "Hemoglobin", day, subject="nobody", valueQuantity=quantity(1, "g/dL")),
        resource("CarePlan", "n17", status="active", subject="p"),
    ]  # fmt: skip


def by_type(folder: Path, resources: list[dict[str, Any]]) -> Path:
    """A bulk export: one file per type of resource."""
    files: dict[str, Any] = {}
    for one in resources:
        files.setdefault(f"{one['resourceType']}.ndjson", []).append(one)
    return write(folder, files)


def told(out: Path) -> list[tuple[Any, ...]]:
    names = ("time", "code", "numeric_value", "unit", "text_value", "site")
    return [tuple(row.get(name) for name in names) for row in events_of(out)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fhir")
    ingest("fhir", by_type(folder / "export", record() + never()), None, folder / "out")
    return folder / "out"


def at(day: int, hour: int, minute: int = 0) -> dt.datetime:
    return dt.datetime(2020, 1, day, hour, minute)


def test_every_type_of_resource_becomes_the_events_it_stands_for(plain: Path) -> None:
    late = at(4, 23, 59)
    assert told(plain) == [
        (None, "GENDER//M", None, None, None, None),
        (dt.datetime(1950, 3, 9), "MEDS_BIRTH", None, None, None, None),
        (at(1, 6, 30), "HOSPITAL_ADMISSION", None, None, None, "North Hospital"),
        (at(1, 8), "RxNorm/313782", None, None, None, None),
        (at(1, 8, 10), "ALLERGY//91936005", None, None, None, None),
        (at(1, 9, 15), "LOINC/2951-2", 110, "mmol/L", "<110", None),
        (at(1, 9, 20), "LOINC/5778-6", None, None, "Green", None),
        (at(1, 9, 25), "LOINC/8251-1", None, None, "clotted", None),
        (at(1, 9, 30), "LOINC/2339-0", None, None, "not obtained: not performed", None),
        (at(1, 9, 35), "LOINC/8462-4", 80, "mm[Hg]", None, None),
        (at(1, 9, 35), "LOINC/8480-6", 121, "mm[Hg]", None, None),
        (at(1, 11), "LOINC/718-7", 13.5, "g/dL", None, None),
        (at(1, 12), "NOTE//Chest X-ray", None, None, "No effusion.", None),
        (at(2, 8), "RxNorm/313782", None, None, "one at night", None),
        (at(2, 10), "SNOMED/38341003", None, None, None, None),
        (at(2, 21), "RxNorm/313782", 650, "mg", None, None),
        (at(3, 11), "SNOMED/80146002", None, None, None, None),
        (late, "CVX/140", None, None, None, None),
        (at(5, 15), "HOSPITAL_DISCHARGE", None, None, None, "North Hospital"),
        (at(5, 15), "ICD10CM/E11.9", None, None, None, None),
        (at(5, 16), "NOTE//Discharge summary", None, None, "Went home.\n  Well.", None),
        (at(5, 18), "RxNorm/313782", None, None, None, None),
        (dt.datetime(2020, 6, 1, 23, 59), "MEDS_DEATH", None, None, None, None),
    ]


def test_codes_have_the_words_of_the_resources(plain: Path) -> None:
    words = dict(open_dataset(plain).codes.select("code", "description").rows())
    assert words["SNOMED/38341003"] == "Hypertension"
    assert words["LOINC/718-7"] == "Hemoglobin"
    assert words["RxNorm/313782"] == "Acetaminophen 325 MG Oral Tablet"
    assert words["ALLERGY//91936005"] == "Allergy to penicillin"
    assert words["CVX/140"] == "Immunization: Influenza"


def test_what_never_happened_is_left_out_and_counted(plain: Path) -> None:
    check_conservation(plain)
    rows = attrition_of(plain)
    left = Counter(
        {(row["table"], row["reason"]): row["n_rows"] for row in rows if row["step"] == "left out"}
    )
    assert left == {
        ("observation", "entered in error"): 1,
        ("observation", "without a result"): 1,
        ("observation", "a panel whose results are read"): 1,
        ("observation", "subject is not in the table of subjects"): 1,
        ("encounter", "planned or cancelled"): 1,
        ("condition", "entered in error"): 1,
        ("medicationrequest", "an order not to give"): 1,
        ("medicationrequest", "proposed or planned but not ordered"): 1,
        ("medicationadministration", "not given"): 1,
        ("medicationdispense", "not dispensed"): 1,
        ("medicationstatement", "not taken"): 1,
        ("procedure", "not done"): 1,
        ("immunization", "not done"): 1,
        ("diagnosticreport", "its results are read as observations"): 1,
        ("documentreference", "superseded by another document"): 1,
        ("allergyintolerance", "entered in error"): 1,
        ("FHIR CarePlan", "this type of resource is not read"): 1,
    }


def test_resources_are_conserved_from_the_export_on(plain: Path) -> None:
    rows = attrition_of(plain)
    for kind, n in Counter(one["resourceType"] for one in record() + never()).items():
        step = {
            name: sum(row["n_rows"] for row in rows if row["table"] == f"FHIR {kind}" and row["step"] == name)
            for name in ("read", "left out", "kept")
        }
        assert step["read"] == n == step["left out"] + step["kept"], kind


def test_bundles_and_archives_hold_the_same_record(plain: Path, tmp_path: Path) -> None:
    write(tmp_path / "b", {"all.json": bundle(*record(), *never())})
    ingest("fhir", tmp_path / "b", None, tmp_path / "bundle")
    assert told(tmp_path / "bundle") == told(plain)
    with tarfile.open(tmp_path / "export.tar.gz", "w:gz") as archive:
        archive.add(by_type(tmp_path / "e", list(reversed(record() + never()))), arcname="export")
    ingest("fhir", tmp_path / "export.tar.gz", None, tmp_path / "tar")
    assert told(tmp_path / "tar") == told(plain)


def test_zoned_times_become_those_of_one_zone(plain: Path, tmp_path: Path) -> None:
    export = by_type(tmp_path / "export", record())
    ingest("fhir", export, None, tmp_path / "out", timezone="America/New_York")
    moved = [(row[1], row[0]) for row in told(tmp_path / "out")]
    assert ("HOSPITAL_ADMISSION", at(1, 1, 30)) in moved
    assert ("CVX/140", at(4, 23, 59)) in moved  # a date has no zone
    assert (
        read_json(tmp_path / "out" / "metadata" / "dataset.json")["osler"]["timezone"] == "America/New_York"
    )


def test_the_events_of_merged_patients_are_those_of_the_one_who_is_left(tmp_path: Path) -> None:
    old = resource("Patient", "old", link=[{"type": "replaced-by", "other": {"reference": "Patient/p"}}])
    drug = concept(RXNORM, "1", "Drug")
    given = resource("MedicationRequest", "q", status="active", intent="order", subject="old",
                     medicationCodeableConcept=drug, authoredOn="2020-01-02T08:00:00Z")  # fmt: skip
    ingest("fhir", by_type(tmp_path / "export", [*record(), old, given]), None, tmp_path / "out")
    assert len({row["subject_id"] for row in events_of(tmp_path / "out")}) == 1
    assert (at(2, 8), "RxNorm/1", None, None, None, None) in told(tmp_path / "out")
    check_conservation(tmp_path / "out")


@pytest.mark.real
def test_the_real_bundles_lose_no_resource(real_data: Path, tmp_path: Path) -> None:
    archive = real_data / "synthea_fhir_r4" / "fhir_r4_bundles.tar.gz"
    ingest("fhir", archive, None, tmp_path / "out")
    check_conservation(tmp_path / "out")
    rows = attrition_of(tmp_path / "out")
    read = {row["table"]: row["n_rows"] for row in rows if row["step"] == "read"}
    assert read["FHIR Patient"] == read["patient"] == 54
    tables = {
        "condition": "conditions", "encounter": "encounters", "immunization": "immunizations",
        "medicationrequest": "medications", "procedure": "procedures", "observation": "observations",
        "allergyintolerance": "allergies",
    }  # fmt: skip
    both = {str(one) for one in open_dataset(tmp_path / "out").subjects["source_id"]}
    for ours, theirs in tables.items():
        frame = pl.read_csv(
            real_data / "synthea_fhir_r4" / "tables" / f"{theirs}.csv.gz", infer_schema=False
        ).filter(pl.col("patient_id").is_in(both))
        assert read[ours] == frame.height, ours


@pytest.mark.real
def test_every_real_code_has_words(real_data: Path, tmp_path: Path) -> None:
    ingest("fhir", real_data / "synthea_fhir_r4" / "fhir_r4_bundles.tar.gz", None, tmp_path / "out")
    dataset = open_dataset(tmp_path / "out")
    words = dataset.codes.filter(pl.col("section").is_in(["conditions", "procedures", "labs", "vitals"]))
    assert words.height > 150
    bare = words.filter(pl.col("description") == pl.col("code"))
    assert bare.is_empty()


def test_what_lasts_is_known_when_it_is_over(tmp_path: Path) -> None:
    """Results, doses and undated documents of a period are not seen at its start."""
    span = {"start": "2020-01-02T08:00:00Z", "end": "2020-01-03T08:00:00Z"}
    drug = {"medicationCodeableConcept": concept(RXNORM, "313782", "Saline"), "effectivePeriod": span}
    text = [{"attachment": attachment(b"Died on day 9.")}]
    lasting = measured("u", "2889-4", "Protein, urine", "", valueQuantity=quantity(2, "g/(24.h)"))
    del lasting["effectiveDateTime"]
    resources = [
        *record()[:3],
        {**lasting, "effectivePeriod": span},
        resource("MedicationAdministration", "f", status="completed", subject="p", **drug,
                 dosage={"dose": quantity(3000, "mL")}),
        resource("MedicationAdministration", "k", status="in-progress", subject="p", **drug),
        resource("DiagnosticReport", "v", status="final", subject="p", effectivePeriod=span,
                 code=concept(LOINC, "11523-8", "EEG"), conclusion="Seizure at the end."),
        resource("DocumentReference", "w", status="current", subject="p", content=text,
                 context={"period": span}, type=concept(LOINC, "18842-5", "Discharge summary")),
        resource("DocumentReference", "y", status="current", subject="p", content=text,
                 context={"encounter": [VISIT], "period": {"start": "2020-01-01T09:00:00Z"}},
                 type=concept(LOINC, "11506-3", "Progress note")),
    ]  # fmt: skip
    ingest("fhir", by_type(tmp_path / "export", resources), None, tmp_path / "out")
    found = {(row[1], row[2]): row[0] for row in told(tmp_path / "out")}
    over, started, left = at(3, 8), at(2, 8), at(5, 15)
    assert {key: found[key] for key in found if key[0].startswith(("LOINC", "RxNorm", "NOTE"))} == {
        ("LOINC/2889-4", 2.0): over,
        ("RxNorm/313782", 3000.0): over,
        ("RxNorm/313782", None): started,
        ("NOTE//EEG", None): over,
        ("NOTE//Discharge summary", None): over,
        ("NOTE//Progress note", None): left,
    }


def test_a_death_that_nobody_dated_is_told_without_a_time(tmp_path: Path) -> None:
    patient = resource("Patient", "p", birthDate="1950-03-09", gender="male", deceasedBoolean=True)
    ingest("fhir", by_type(tmp_path / "export", [patient, *record()[2:]]), None, tmp_path / "out")
    found = {row[1]: row[0] for row in told(tmp_path / "out")}
    assert found["DEATH_UNDATED"] is None
    assert "MEDS_DEATH" not in found
    roles = {row["code"]: row["role"] for row in open_dataset(tmp_path / "out").codes.iter_rows(named=True)}
    assert roles["DEATH_UNDATED"] == "identifier"  # no text and no count shows it
    assert examine(tmp_path / "out")["n_broken"] == 0


def test_a_date_that_cannot_be_read_is_named_by_its_resource(tmp_path: Path) -> None:
    wrong = {**record()[3], "recordedDate": "someday", "id": "c9"}
    export = by_type(tmp_path / "export", [*record(), wrong])
    with pytest.raises(InputError, match="a time that cannot be read") as caught:
        ingest("fhir", export, None, tmp_path / "out")
    assert "Condition.ndjson (condition of id c9)" in str(caught.value.where)
    assert ".source" not in str(caught.value)
    assert "someday" not in str(caught.value)
