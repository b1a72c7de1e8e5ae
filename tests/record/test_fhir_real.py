"""The real FHIR bundles: counts and values against plain JSON, and against tables that others made."""

import json
import tarfile
from collections import Counter
from datetime import datetime

import polars as pl
import pytest
from fhir_support import table

from osler.record.sources.fhir.flatten import flatten
from osler.record.sources.fhir.tables import TABLE_OF

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def archive(request):
    return request.getfixturevalue("real_data") / "synthea_fhir_r4" / "fhir_r4_bundles.tar.gz"


@pytest.fixture(scope="module")
def found(archive, tmp_path_factory):
    return flatten(archive, tmp_path_factory.mktemp("fhir"))


@pytest.fixture(scope="module")
def resources(archive):
    """Every resource with the number of its file, read at once with plain JSON."""
    with tarfile.open(archive) as inside:
        files = [json.load(inside.extractfile(member)) for member in inside.getmembers() if member.isfile()]
    return [(number, entry["resource"]) for number, bundle in enumerate(files) for entry in bundle["entry"]]


def test_resources_read_repeated_kept_and_left(found, resources):
    read = Counter(one["resourceType"] for _, one in resources)
    distinct = Counter(kind for kind, _ in {(one["resourceType"], one["id"]) for _, one in resources})
    assert found.files == len({number for number, _ in resources})
    assert {kind: one.read for kind, one in found.resources.items() if one.read} == {
        kind: count for kind, count in read.items() if kind in TABLE_OF
    }
    assert found.unread == {kind: count for kind, count in read.items() if kind not in TABLE_OF}
    for kind, one in found.resources.items():
        assert one.kept == distinct[kind]
        assert one.repeated == read[kind] - distinct[kind]
        assert (one.deleted, one.reasons) == (0, {})
    assert found.problems == {
        "diagnosticreport": {"content_problem": {"no attachment": read["DiagnosticReport"]}}
    }
    lines = found.attrition()
    assert lines.filter(step="read")["n_rows"].sum() == len(resources)
    assert lines.filter(pl.col("step") != "read")["n_rows"].sum() == len(resources)


def test_rows_of_each_table(found, resources):
    values = 0
    for _, one in resources:
        if one["resourceType"] == "Observation":
            has_own = any(name.startswith("value") for name in one) or "component" not in one
            values += has_own + len(one.get("component", ()))
    assert found.rows["observation"] == values
    for kind, name in TABLE_OF.items():
        if kind != "Observation":
            assert found.rows[name] == found.resources[kind].kept
    assert found.rows["encounterlocation"] == found.rows["encounterdiagnosis"] == 0
    assert table(found, "file")["resources"].sum() == len(resources)


def test_every_value_of_every_observation(found, resources):
    expected = {}
    for _, one in resources:
        if one["resourceType"] != "Observation":
            continue
        for place, node in enumerate([one, *one.get("component", ())]):
            if place or "component" not in one:
                quantity = node.get("valueQuantity", {})
                words = node.get("valueString") or node.get("valueCodeableConcept", {}).get("text")
                coding = node["code"]["coding"][0]
                expected[one["id"], place] = (
                    one["subject"]["reference"].removeprefix("urn:uuid:"),
                    one["encounter"]["reference"].removeprefix("urn:uuid:"),
                    one["effectiveDateTime"],
                    one["issued"],
                    one["category"][0]["coding"][0]["code"],
                    coding["system"],
                    coding["code"],
                    coding["display"],
                    quantity.get("value"),
                    quantity.get("code"),
                    words,
                )
    columns = ["patient", "encounter", "start", "recorded", "category", "system", "code", "display"]
    columns += ["value_number", "value_unit", "value_text"]
    rows = table(found, "observation")
    assert (
        dict(zip(rows.select("id", "component").rows(), rows.select(columns).rows(), strict=True)) == expected
    )


def test_where_each_row_came_from(found, resources):
    of_file: dict[int, list] = {}
    for number, one in resources:
        of_file.setdefault(number, []).append(one)
    for kind, name in TABLE_OF.items():
        for row in table(found, name).iter_rows(named=True):
            one = of_file[row["file"]][row["row"] - 1]
            assert (one["resourceType"], one["id"]) == (kind, row["id"])


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        (
            "conditions",
            "condition",
            {"code": "code", "onset": "start", "abatement": "end", "status": "clinical_status"},
        ),
        ("encounters", "encounter", {"cls": "class", "code": "code", "start": "start", "end": "end"}),
        ("immunizations", "immunization", {"code": "code", "date": "start"}),
        ("medications", "medicationrequest", {"code": "code", "authoredOn": "recorded", "status": "status"}),
        ("procedures", "procedure", {"code": "code", "start": "start", "end": "end"}),
        ("observations", "observation", {"code": "code", "time": "start", "category": "category"}),
        ("allergies", "allergyintolerance", {"code": "code", "date": "recorded"}),
    ],
)
def test_the_same_patients_flattened_by_others(real_data, found, name, ours, theirs):
    """Each resource of the patients that both hold is in both, with the same codes and times."""
    folder = real_data / "synthea_fhir_r4" / "tables"
    frame = pl.read_csv(folder / f"{name}.csv.gz", infer_schema=False)
    theirs_all = pl.read_csv(folder / "patients.csv.gz", infer_schema=False)["patient_id"]
    both = set(table(found, "patient")["id"]) & set(theirs_all)
    assert len(both) == 54
    frame = frame.filter(pl.col("patient_id").is_in(both)).select("patient_id", *theirs)
    rows = table(found, ours).select("patient", *theirs.values())
    assert Counter(map(_plain, frame.rows())) == Counter(map(_plain, rows.rows()))


def _plain(row):
    """A row whose times are instants, so that their spelling does not matter."""
    return tuple(_instant(value) for value in row)


def _instant(value):
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
