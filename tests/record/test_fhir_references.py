"""References between FHIR resources, versions and deletions, against a second implementation."""

import datetime as dt
import json
import random
from typing import Any

import polars as pl
import pytest
from fhir_record import full_record
from fhir_support import bundle, flat, observation, only, patient, resource, table, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.record.sources.fhir.flatten import flatten
from osler.record.sources.fhir.tables import TABLES

SERVER = "https://a.org/fhir"
MRN = {"system": "urn:mrn", "value": "7"}
NOT_THERE = "reference to a resource that is not there"
SEVERAL = "reference that several resources fit"
CONTAINED = "reference to a resource without identity (contained)"
OTHER_TYPE = "reference to another type of resource"
NOT_UNDERSTOOD = "reference that is not understood"


@pytest.mark.parametrize(
    ("reference", "found", "problem"),
    [
        ({"reference": "Patient/p"}, "p", None),
        ({"reference": "Patient/p/_history/3"}, "p", None),
        ({"reference": f"{SERVER}/Patient/p"}, "p", None),
        ({"reference": f"{SERVER}/Patient/p/_history/3"}, "p", None),
        ({"reference": "urn:uuid:p"}, "p", None),
        ({"identifier": MRN}, "p", None),
        ({"identifier": {"value": "7"}, "type": "Patient"}, "p", None),
        ({"reference": "Patient?identifier=urn:mrn|7"}, "p", None),
        ({"reference": f"{SERVER}/Patient?identifier=urn%3Amrn%7C7"}, "p", None),
        ({"reference": "Patient?identifier=7"}, "p", None),
        ({"reference": "#inside"}, "p", None),
        ({"reference": "#nameless"}, None, CONTAINED),
        ({"reference": "#none"}, None, CONTAINED),
        ({"reference": "#group"}, None, OTHER_TYPE),
        ({"reference": "Patient/x"}, "x", NOT_THERE),
        ({"reference": "urn:uuid:x"}, "x", NOT_THERE),
        ({"reference": "urn:oid:1.2.3"}, "1.2.3", NOT_THERE),
        ({"reference": f"{SERVER}/Patient/x"}, "x", NOT_THERE),
        ({"reference": "Patient?identifier=urn:mrn|8"}, "Patient?urn:mrn|8", NOT_THERE),
        ({"identifier": {"system": "urn:other", "value": "7"}}, "Patient?urn:other|7", NOT_THERE),
        ({"identifier": {"system": "urn:mrn", "value": "two"}}, "Patient?urn:mrn|two", SEVERAL),
        ({"reference": "Patient?name=Smith"}, None, NOT_UNDERSTOOD),
        ({"reference": "Patient?identifier=a&identifier=b"}, None, NOT_UNDERSTOOD),
        ({"reference": "Group?identifier=urn:mrn|7"}, None, OTHER_TYPE),
        ({"reference": "Group/p"}, None, OTHER_TYPE),
        ({"reference": f"{SERVER}/Group/p"}, f"{SERVER}/Group/p", OTHER_TYPE),
        ({"identifier": MRN, "type": "Group"}, None, OTHER_TYPE),
        ({"reference": "p"}, None, NOT_UNDERSTOOD),
        ({"reference": "Patient/"}, None, NOT_UNDERSTOOD),
        ({"display": "Somebody"}, None, "reference in words only"),
        ({}, None, "no reference"),
        (None, None, "no reference"),
        ("Patient/p", None, "no reference"),
    ],
)  # fmt: skip
def test_each_form_of_reference(tmp_path, reference, found, problem):
    inside = [
        {"resourceType": "Patient", "id": "inside", "identifier": [MRN]},
        {"resourceType": "Patient", "id": "nameless"},
        {"resourceType": "Group", "id": "group"},
    ]
    people = [
        patient("p", identifier=[MRN, {"system": "urn:mrn", "value": "two"}]),
        patient("q", identifier=[{"system": "urn:mrn", "value": "two"}, {"system": "urn:x", "value": "9"}]),
    ]
    fields = {"contained": inside} | ({} if reference is None else {"subject": reference})
    one = {name: value for name, value in observation().items() if name != "subject"} | fields
    made = flat(tmp_path, one, *people)
    row = only(made, "observation")
    assert (row["patient"], row["patient_problem"]) == (found, problem)
    assert made.problems.get("observation", {}) == (
        {} if problem is None else {"patient_problem": {problem: 1}}
    )


def test_an_encounter_is_optional_but_one_that_is_not_there_is_counted(tmp_path):
    lacking = observation("b", encounter={"reference": "Encounter/x"})
    made = flat(tmp_path, patient(), observation("a"), lacking)
    rows = table(made, "observation").select("encounter", "encounter_problem").rows()
    assert rows == [(None, None), ("x", NOT_THERE)]
    assert made.problems == {"observation": {"encounter_problem": {NOT_THERE: 1}}}


def test_the_address_in_a_bundle_may_differ_from_the_id(tmp_path):
    """Two Bundles use the same addresses for different patients; a file without Bundles sees both."""
    for address, reference in (
        ("urn:uuid:AB", {"reference": "urn:uuid:ab"}),
        (f"{SERVER}/Patient/9", {"reference": f"{SERVER}/Patient/9"}),
        (f"{SERVER}/Patient/9", {"reference": "Patient/9"}),
        ("https://a.org/me", {"reference": "https://a.org/me"}),
    ):
        files = {
            "1.json": bundle((address, patient("one")), observation("a", subject=reference)),
            "2.json": bundle(observation("b", subject=reference), (address, patient("two"))),
            "3.ndjson": [observation("c", subject=reference)],
        }
        made = flatten(write(tmp_path / "source", files), tmp_path / "tables")
        rows = table(made, "observation").sort("id").select("patient", "patient_problem").rows()
        assert rows[:2] == [("one", None), ("two", None)]
        assert rows[2][1] == (NOT_THERE if reference == {"reference": "Patient/9"} else SEVERAL)
    del files["2.json"]
    (tmp_path / "source" / "2.json").unlink()
    made = flatten(write(tmp_path / "source", files), tmp_path / "tables")
    assert table(made, "observation")["patient"].to_list() == ["one", "one"]


def test_resources_of_a_transaction_have_their_address_as_id(tmp_path):
    made = flat(
        tmp_path,
        bundle(
            ("urn:uuid:1", resource("Patient")),
            ("urn:uuid:2", resource("Encounter", subject={"reference": "urn:uuid:1"})),
            (f"{SERVER}/Condition/3", resource("Condition", subject={"reference": "urn:uuid:1"})),
            kind="transaction",
        ),
    )
    assert only(made, "patient")["id"] == "1"
    assert only(made, "encounter")["patient"] == "1"
    assert (only(made, "condition")["id"], only(made, "condition")["patient"]) == ("3", "1")


def test_patients_of_two_servers_with_one_id_are_refused(tmp_path):
    one, other = (f"https://{name}.org/fhir/Patient/1" for name in "ab")
    with pytest.raises(InputError, match=r"two servers, https://a.org/fhir and https://b.org/fhir"):
        flat(tmp_path, bundle((one, patient("1"))), bundle((other, patient("1"))))
    flat(tmp_path, bundle((one, patient("1"))), bundle((other, patient("2"))), patient("1"))


def version(identity: str, number: Any = None, updated: str | None = None, **fields: Any) -> dict[str, Any]:
    meta = {"versionId": number, "lastUpdated": updated}
    return patient(
        identity, meta={name: value for name, value in meta.items() if value is not None}, **fields
    )


@pytest.mark.parametrize(
    ("versions", "last"),
    [
        ([("2", None), ("10", None), ("9", None)], 1),
        ([("1", "2021-01-01T00:00:00Z"), ("2", "2020-01-01T00:00:00Z")], 1),
        ([(None, "2021-01-01T00:00:00+02:00"), (None, "2020-12-31T23:00:00Z")], 1),
        ([(None, "2021-01-01T00:00:00-02:00"), (None, "2021-01-01T01:00:00Z")], 0),
        ([("a", "2021-01-01T00:00:00Z"), ("b", "2020-01-01T00:00:00Z")], 0),
        ([(None, None), (None, None)], 1),
        ([("1", None), (None, "2021-01-01T00:00:00Z")], 0),
        ([("1", None), ("1", None)], 1),
        ([(None, "never"), (None, None)], 1),
    ],
)
def test_the_last_version_is_kept(tmp_path, versions, last):
    made = [version("p", *one, gender=f"g{place}") for place, one in enumerate(versions)]
    found = flat(tmp_path, *made)
    assert only(found, "patient")["gender"] == f"g{last}"
    counts = found.resources["Patient"]
    assert (counts.read, counts.repeated, counts.kept) == (len(versions), len(versions) - 1, 1)


def deletion(url: str, **response: str) -> dict[str, Any]:
    """A Bundle that deletes a resource."""
    entry = {"request": {"method": "DELETE", "url": url}} | ({"response": response} if response else {})
    return {"resourceType": "Bundle", "type": "history", "entry": [entry]}


@pytest.mark.parametrize(
    ("deletions", "kept"),
    [
        ([deletion("Patient/p")], None),
        ([deletion(f"{SERVER}/Patient/p")], None),
        ([deletion("Patient/p", etag='W/"3"')], None),
        ([deletion("Patient/p", etag='W/"2"')], "new"),
        ([deletion("Patient/p", lastModified="2021-01-03T00:00:00Z")], None),
        ([deletion("Patient/p", lastModified="2021-01-01T12:00:00Z")], "new"),
        ([deletion("Patient/q"), deletion("Observation/p")], "new"),
        ([deletion("Patient?name=x"), deletion("Patient")], "new"),
    ],
)
def test_deleted_resources_are_left_out_and_counted(tmp_path, deletions, kept):
    old = version("p", "1", "2021-01-01T00:00:00Z", gender="old")
    new = version("p", "2", "2021-01-02T00:00:00Z", gender="new")
    found = flat(tmp_path, *deletions, old, new, observation())
    assert table(found, "patient")["gender"].to_list() == ([] if kept is None else [kept])
    counts = found.resources["Patient"]
    assert (counts.read, counts.repeated, counts.deleted) == (2, 1, 1 if kept is None else 0)
    assert only(found, "observation")["patient_problem"] == (NOT_THERE if kept is None else None)
    assert found.bundles == ({"deletion that names no resource": 2} if "name=x" in str(deletions) else {})


def test_what_is_part_of_an_older_version_goes_with_it(tmp_path):
    def visit(number, *wards):
        stops = [{"location": {"display": ward}} for ward in wards]
        stays = {
            "location": stops,
            "diagnosis": [{"condition": {"display": "x"}}],
            "meta": {"versionId": number},
        }
        return resource("Encounter", "e", subject="p", **stays)

    parts = [{"code": {"text": "a"}, "valueInteger": 1}, {"code": {"text": "b"}, "valueInteger": 1}]
    values = [
        observation("o", component=parts),
        observation("o", component=parts[:1], meta={"versionId": "2"}),
    ]
    found = flat(tmp_path, patient(), visit("2", "B", "C"), visit("1", "A"), *values)
    assert table(found, "encounterlocation")["name"].to_list() == ["B", "C"]
    assert found.rows["encounterdiagnosis"] == 1
    assert found.rows["observation"] == 1
    assert (found.resources["Observation"].repeated, found.resources["Observation"].kept) == (1, 1)


def test_resources_of_a_merged_patient_are_those_of_the_one_who_is_left(tmp_path):
    def merged(identity, into, kind="replaced-by"):
        return patient(identity, link=[{"type": kind, "other": {"reference": f"Patient/{into}"}}])

    people = [
        merged("a", "b"),
        merged("b", "c"),
        patient("c"),
        merged("x", "y"),  # a ring has no end
        merged("y", "x"),
        merged("z", "x"),
        merged("lost", "nobody"),
        merged("friend", "c", kind="seealso"),
    ]
    ids = [one["id"] for one in people]
    found = flat(tmp_path, *people, *(observation(name, subject=name) for name in ids))
    owners = dict(table(found, "observation").select("id", "patient").rows())
    assert owners == {name: {"a": "c", "b": "c"}.get(name, name) for name in ids}
    assert table(found, "observation")["patient_problem"].null_count() == len(ids)
    assert found.merged == 2
    assert table(found, "patient")["id"].to_list() == ids
    assert found.problems == {"patient": {"replaced_by_problem": {NOT_THERE: 1}}}


def test_resources_without_an_id_are_never_repeated(tmp_path):
    found = flat(tmp_path, patient(), observation(None), observation(None))
    assert found.resources["Observation"].kept == 2


def test_attrition_adds_up(tmp_path):
    claims = [resource("Claim", name) for name in "ab"]
    found = flat(tmp_path, version("p", "1"), version("p", "2"), patient("q"), deletion("Patient/q"), *claims)
    lines = found.attrition()
    read = lines.filter(step="read").group_by("table").agg(pl.col("n_rows").sum())
    rest = lines.filter(pl.col("step") != "read").group_by("table").agg(pl.col("n_rows").sum())
    assert dict(read.rows()) == dict(rest.rows())
    assert dict(read.rows())["Patient"] == 3
    assert lines.filter(table="Claim").rows() == [
        ("Claim", "read", None, 2),
        ("Claim", "left out", "this type of resource is not read", 2),
    ]
    assert set(lines["step"]) == {"read", "left out", "kept"}


# A second implementation of who refers to whom, which of the versions counts, and what was deleted.


def naive(files: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Read an export by looking through all of it again for each question."""
    found = [item for file, name in enumerate(sorted(files)) for item in _walk(files[name], file)]
    resources = [item for item in found if item["kind"] in ("Patient", "Observation")]
    kept = [item for item in resources if _is_kept(item, resources, found)]
    names = {kind: {one["id"] for one in kept if one["kind"] == kind} for kind in ("Patient", "Observation")}
    people = [one for one in resources if one["kind"] == "Patient" and one["id"] in names["Patient"]]
    links = {
        one["id"]: _follow(one["resource"]["subject"], one["bundle"], people, names["Patient"])
        for one in kept
        if one["kind"] == "Observation"
    }
    genders = {one["id"]: one["resource"]["gender"] for one in kept if one["kind"] == "Patient"}
    return {"links": links, "genders": genders, "read": len(resources), "kept": len(kept)}


def _walk(documents, file):
    place = 0
    for document in documents:
        bundled = document["resourceType"] == "Bundle"
        mark = (file, place)
        for entry in document["entry"] if bundled else [{"resource": document}]:
            one = entry.get("resource", {})
            address = entry.get("fullUrl")
            yield {
                "kind": one.get("resourceType"),
                "id": one.get("id") or (address.split("/")[-1].split(":")[-1] if address else None),
                "address": address,
                "bundle": mark if bundled else None,
                "place": (file, place),
                "resource": one,
                "deleted": entry["request"]["url"] if "request" in entry else None,
                "etag": entry.get("response", {}).get("etag"),
            }
            place += 1


def _is_kept(item, resources, found):
    rivals = [one for one in resources if (one["kind"], one["id"]) == (item["kind"], item["id"])]
    if max(rivals, key=_age) is not item:
        return False
    for one in found:
        if one["deleted"] == f"{item['kind']}/{item['id']}":
            number = item["resource"].get("meta", {}).get("versionId")
            if number is None or one["etag"] is None or int(number) < int(one["etag"].strip('W/"')):
                return False
    return True


def _age(item):
    meta = item["resource"].get("meta", {})
    updated = meta.get("lastUpdated")
    at = dt.datetime.fromisoformat(updated).timestamp() if updated else -1.0
    return int(meta.get("versionId", -1)), at, item["place"]


def _follow(reference, bundle_mark, people, living):
    if "identifier" in reference:
        wanted = reference["identifier"]
        fits = {
            one["id"]
            for one in people
            for key in one["resource"].get("identifier", ())
            if key["value"] == wanted["value"]
        }
        return _single(fits)
    said = reference["reference"]
    odd = [
        one for one in people if one["address"] and one["address"].split("/")[-1].split(":")[-1] != one["id"]
    ]
    near = {
        one["id"]
        for one in odd
        if one["bundle"] == bundle_mark is not None
        and (one["address"] == said or ("://" in one["address"] and one["address"].endswith("/" + said)))
    }
    if len(near) == 1:
        return near.pop()
    if said.split("/")[-1].split(":")[-1] in living:
        return said.split("/")[-1].split(":")[-1]
    if said.startswith("Patient/"):
        return None
    return _single({one["id"] for one in odd if one["address"] == said})


def _single(fits):
    return fits.pop() if len(fits) == 1 else None


IDS = st.sampled_from(["1", "2", "3"])
TIMES = st.sampled_from(
    [None, "2021-01-01T00:00:00+00:00", "2021-01-01T01:30:00+02:00", "2021-01-01T00:00:00-03:00"]
)
KEYS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.sampled_from([None, "1", "2", "11"])


@st.composite
def people(draw):
    one = version(
        draw(IDS), draw(NUMBERS), draw(TIMES), gender=draw(st.text("abcdefgh", min_size=3, max_size=3))
    )
    one["identifier"] = [{"system": "urn:mrn", "value": key} for key in draw(st.lists(KEYS, max_size=1))]
    return one


@st.composite
def exports(draw):
    """Files of patients and observations, alone and in Bundles, with every form of reference."""
    files: dict[str, list[dict[str, Any]]] = {}
    number = 0
    for file in range(draw(st.integers(1, 3))):
        documents: list[dict[str, Any]] = []
        for _ in range(draw(st.integers(0, 4))):
            entries: list[Any] = []
            for place in range(draw(st.integers(1, 3))):
                shape = draw(st.sampled_from(["none", "same", "urn", "odd", "odd urn"]))
                one = draw(people())
                address = {
                    "none": None,
                    "same": f"{SERVER}/Patient/{one['id']}",
                    "urn": f"urn:uuid:{one['id']}",
                    "odd": f"{SERVER}/Patient/{7 + place}",
                    "odd urn": f"urn:uuid:{7 + place}",
                }[shape]
                entries.append(one if address is None else (address, one))
            for _ in range(draw(st.integers(0, 3))):
                said = draw(
                    IDS.map(lambda one: {"reference": f"Patient/{one}"})
                    | st.integers(7, 9).map(lambda one: {"reference": f"Patient/{one}"})
                    | st.integers(7, 9).map(lambda one: {"reference": f"{SERVER}/Patient/{one}"})
                    | st.integers(7, 9).map(lambda one: {"reference": f"urn:uuid:{one}"})
                    | IDS.map(lambda one: {"reference": f"urn:uuid:{one}"})
                    | KEYS.map(lambda one: {"identifier": {"system": "urn:mrn", "value": one}})
                )
                entries.insert(draw(st.integers(0, len(entries))), observation(f"o{number}", subject=said))
                number += 1
            if draw(st.booleans()):
                documents.append(bundle(*entries))
            else:
                documents += [entry[1] if isinstance(entry, tuple) else entry for entry in entries]
            if draw(st.integers(0, 5)) == 0:
                etag = draw(st.sampled_from([{}, {"etag": 'W/"2"'}, {"etag": 'W/"12"'}]))
                documents.append(deletion(f"Patient/{draw(IDS)}", **etag))
        files[f"{file}.ndjson"] = documents
    return files


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(exports())
def test_references_versions_and_deletions_equal_a_second_implementation(tmp_path_factory, files):
    if not any(files.values()):
        return
    folder = tmp_path_factory.mktemp("export")
    expected = naive(files)
    found = flatten(write(folder / "source", files), folder / "tables", block_bytes=600)
    rows = table(found, "observation").to_dicts()
    assert {
        row["id"]: row["patient"] if row["patient_problem"] is None else None for row in rows
    } == expected["links"]
    assert dict(table(found, "patient").select("id", "gender").rows()) == expected["genders"]
    counts = [found.resources["Patient"], found.resources["Observation"]]
    assert sum(one.read for one in counts) == expected["read"]
    assert sum(one.kept for one in counts) == expected["kept"]
    assert all(one.read == one.repeated + one.deleted + one.kept for one in counts)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_the_order_of_files_and_entries_changes_nothing(tmp_path_factory, chance, n_files):
    folder = tmp_path_factory.mktemp("order")
    resources = full_record()
    older = [json.loads(json.dumps(one)) | {"meta": {"versionId": "0"}, "status": "old"} for one in resources]
    resources = [one | {"meta": {"versionId": "1"}} for one in resources]
    first = _content(flat(folder / "first", *resources))
    mixed = resources + older
    chance.shuffle(mixed)
    files = {f"{number}.ndjson": mixed[number::n_files] for number in range(n_files)}
    bundled = {"b.json": bundle(*files.pop("0.ndjson"))}
    again = _content(flatten(write(folder / "source", files | bundled), folder / "tables"))
    assert again == first


def _content(found):
    """What stands in the tables, but not where it came from."""
    names = [name for name in TABLES if name != "file"]
    return {
        name: sorted(table(found, name).drop("file", "row", strict=False).rows(), key=repr) for name in names
    }


def test_a_large_random_export_equals_the_second_implementation(tmp_path):
    """Many rows, so that joins work in parallel and blocks are many."""
    chance = random.Random(5)
    files: dict[str, list[dict[str, Any]]] = {}
    for file in range(4):
        documents: list[dict[str, Any]] = []
        for number in range(900):
            who = str(chance.randrange(300))
            documents.append(version(who, str(chance.randrange(5)), gender=f"{file}-{number}"))
            said = {"reference": f"Patient/{chance.randrange(330)}"}
            documents += [observation(f"{file}-{number}-{n}", subject=said) for n in range(3)]
        files[f"{file}.ndjson"] = documents
    found = flatten(write(tmp_path / "source", files), tmp_path / "tables", block_bytes=50_000)
    last: dict[str, Any] = {}
    for name in sorted(files):
        for one in files[name]:
            if one["resourceType"] == "Patient":
                held = last.get(one["id"])
                if held is None or int(one["meta"]["versionId"]) >= int(held["meta"]["versionId"]):
                    last[one["id"]] = one
    assert dict(table(found, "patient").select("id", "gender").rows()) == {
        k: v["gender"] for k, v in last.items()
    }
    rows = table(found, "observation").to_dicts()
    ids = [one["id"] for file in sorted(files) for one in files[file] if one["resourceType"] == "Observation"]
    assert [row["id"] for row in rows] == ids  # in the order of the export
    assert all((row["patient"] in last) == (row["patient_problem"] is None) for row in rows)
