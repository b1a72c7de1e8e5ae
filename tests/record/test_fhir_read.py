"""Reading FHIR exports: every packing, every shape of JSON, and what is refused."""

import base64
import bz2
import gzip
import io
import json
import lzma
import stat
import tarfile
import zipfile

import polars as pl
import pyarrow.parquet as pq
import pytest
from fhir_support import (
    LOINC,
    attachment,
    bundle,
    concept,
    document,
    flat,
    ndjson,
    observation,
    patient,
    resource,
    table,
    write,
)

from osler.base.errors import InputError
from osler.record.sources.fhir.blocks import Reading, blocks
from osler.record.sources.fhir.flatten import flatten
from osler.record.sources.fhir.tables import TABLES

PEOPLE = [patient(f"p{number}", birthDate=f"19{number:02}-01-01") for number in range(20)]
VALUES = [
    observation(f"o{number}", subject=f"p{number % 20}", valueQuantity={"value": number})
    for number in range(300)
]
UNREAD = [resource("Claim", f"c{number}", use="claim") for number in range(7)]


def packed_tar(files, mode):
    """A tar archive with a folder in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        folder = tarfile.TarInfo("export")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files.items():
            info = tarfile.TarInfo(f"export/{name}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def packed_zip(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"export/{name}", data)
    return buffer.getvalue()


def as_bundles():
    """The same resources as one Bundle in a file for each patient."""
    return {
        f"{one['id']}.json": json.dumps(
            bundle(one, *(o for o in VALUES if o["subject"]["reference"] == f"Patient/{one['id']}"))
        ).encode()
        for one in PEOPLE
    } | {"claims.json": json.dumps(bundle(*UNREAD)).encode()}


LINES = {"a.ndjson": ndjson(*VALUES), "b/Patient.ndjson": ndjson(*PEOPLE), "c.ndjson": ndjson(*UNREAD)}
MIXED = ndjson(*(VALUES + PEOPLE + UNREAD))
LINES_GZ = {f"{name}.gz": gzip.compress(data) for name, data in LINES.items()}
SOURCES = {
    "lines": LINES,
    "one file of lines": {"all.jsonl": MIXED},
    "lines called json": {"all.json": MIXED},
    "marks and carriage returns": {"all.ndjson": b"\xef\xbb\xbf\r\n" + MIXED.replace(b"\n", b"\r\n\r\n")},
    "no line break at the end": {"all.ndjson": MIXED.rstrip()},
    "gz": LINES_GZ,
    "gz of several parts": {"all.ndjson.gz": gzip.compress(MIXED[:5000]) + gzip.compress(MIXED[5000:])},
    "bz2 and xz": {
        "a.ndjson.bz2": bz2.compress(LINES["a.ndjson"]),
        "b.ndjson.XZ": lzma.compress(LINES["b/Patient.ndjson"]),
        "c.ndjson": LINES["c.ndjson"],
    },
    "bundles": as_bundles(),
    "pretty bundle": {"all.json": json.dumps(bundle(*VALUES, *PEOPLE, *UNREAD), indent=2).encode()},
    "bundle on each line": {"all.ndjson": ndjson(bundle(*VALUES), bundle(bundle(*PEOPLE)), bundle(*UNREAD))},
    "single resources": {
        f"{one['id']}.json": json.dumps(one, indent=1).encode() for one in VALUES + PEOPLE + UNREAD
    },
    "tar": {"x.tar": packed_tar(LINES, "w")},
    "tar.gz": {"x.tar.gz": packed_tar(as_bundles(), "w:gz")},
    "tgz of gz": {"x.tgz": packed_tar(LINES_GZ, "w:gz")},
    "tar.bz2": {"x.tar.bz2": packed_tar(LINES, "w:bz2")},
    "txz": {"x.txz": packed_tar(LINES, "w:xz")},
    "zip": {"x.zip": packed_zip(as_bundles())},
    "zip of gz": {"x.zip": packed_zip(LINES_GZ)},
}  # fmt: skip


@pytest.mark.parametrize("shape", SOURCES)
@pytest.mark.parametrize("block_bytes", [700, 1 << 22])
def test_the_same_resources_in_every_shape(tmp_path, shape, block_bytes):
    found = flatten(write(tmp_path / "source", SOURCES[shape]), tmp_path / "tables", block_bytes=block_bytes)
    values = table(found, "observation").sort(pl.col("id").str.slice(1).cast(int))
    assert values["id"].to_list() == [one["id"] for one in VALUES]
    assert values["value_number"].to_list() == [float(number) for number in range(300)]
    assert values["patient"].to_list() == [f"p{number % 20}" for number in range(300)]
    assert values["patient_problem"].null_count() == 300
    assert table(found, "patient")["id"].sort().to_list() == sorted(one["id"] for one in PEOPLE)
    assert found.unread == {"Claim": 7}
    assert found.files == len(SOURCES[shape]) or shape.startswith(("tar", "tgz", "txz", "zip"))
    _check_places(found, SOURCES[shape], shape)


def _check_places(found, files, shape):
    """`file` and `row` lead back to the resource."""
    names = dict(table(found, "file").select("file", "name").rows())
    assert list(names) == list(range(found.files))
    assert table(found, "file")["resources"].sum() == 327
    if shape in ("lines", "one file of lines", "lines called json"):
        for row in table(found, "observation").sample(20, seed=1).to_dicts():
            line = files[names[row["file"]]].splitlines()[row["row"] - 1]
            assert json.loads(line)["id"] == row["id"]


@pytest.mark.parametrize("block_bytes", [300, 5000])
def test_the_same_bytes_on_any_number_of_workers(tmp_path, block_bytes):
    source = write(tmp_path / "source", SOURCES["lines"] | SOURCES["bundle on each line"])
    for workers in (1, 2):
        flatten(source, tmp_path / str(workers), workers=workers, block_bytes=block_bytes)
    for name in TABLES:
        one, two = ((tmp_path / str(workers) / f"{name}.parquet").read_bytes() for workers in (1, 2))
        assert one == two, name


def test_blocks_are_bounded_and_hold_whole_lines(tmp_path):
    source = write(tmp_path, LINES | {"d.json.gz": gzip.compress(json.dumps(bundle(*PEOPLE)).encode())})
    reading = Reading()
    found = list(blocks(source, reading, size=1000))
    longest = max(len(json.dumps(one)) for one in VALUES + PEOPLE)
    for block in found:
        assert sum(len(piece.data) for piece in block.pieces if piece.is_lines) <= 1000 + 2 * longest
        for piece in block.pieces:
            for line in piece.data.splitlines() if piece.is_lines else [piece.data]:
                json.loads(line)
    assert reading.files == 4
    assert sum(block.done for block in found) == sum(path.stat().st_size for path in source.rglob("*.*"))
    firsts = [(piece.file, piece.first_line) for block in found for piece in block.pieces]
    assert firsts == sorted(firsts)


def test_a_single_file_is_a_source(tmp_path):
    write(tmp_path, {"all.ndjson": MIXED})
    assert flatten(tmp_path / "all.ndjson", tmp_path / "tables").resources["Observation"].kept == 300


def test_other_files_are_left_and_counted(tmp_path):
    others = {"README.md": b"x", "x.csv": b"x", "._a.json": b"x", ".hidden/b.txt": b"x", "none": b"x"}
    inner = packed_zip({"notes.TXT": b"x", "inner.tar": packed_tar(LINES, "w"), "p.ndjson": ndjson(*PEOPLE)})
    found = flatten(write(tmp_path / "source", others | {"z.zip": inner}), tmp_path / "tables")
    assert found.left == {".csv": 1, ".md": 1, ".txt": 2, "hidden": 1, "none": 1, ".tar": 1}
    assert found.resources["Patient"].kept == 20


def test_links_in_an_archive_are_left_and_counted(tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        data = ndjson(*PEOPLE)
        info = tarfile.TarInfo("a.ndjson")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
        info = tarfile.TarInfo("b.ndjson")
        info.type, info.linkname = tarfile.SYMTYPE, "a.ndjson"
        archive.addfile(info)
    found = flatten(write(tmp_path / "source", {"x.tar": buffer.getvalue()}), tmp_path / "tables")
    assert (found.left, found.resources["Patient"].read) == ({"link": 1}, 20)


def test_the_manifest_and_the_errors_of_a_bulk_export_are_no_resources(tmp_path):
    files = {
        "manifest.json": {"transactionTime": "2021-01-01T00:00:00Z", "output": [], "error": []},
        "errors.ndjson": [resource("OperationOutcome", issue=[{"severity": "error", "code": "exception"}])],
        "errors2.ndjson": [resource("OperationOutcome"), resource("OperationOutcome")],
        "p.ndjson": PEOPLE,
    }
    found = flatten(write(tmp_path / "source", files), tmp_path / "tables")
    assert (found.resources["Patient"].kept, found.unread) == (20, {"OperationOutcome": 3})


def test_an_answer_with_an_outcome_beside_resources_is_read(tmp_path):
    found = flat(tmp_path, bundle(*PEOPLE, resource("OperationOutcome"), kind="searchset"))
    assert (found.resources["Patient"].kept, found.unread) == (20, {"OperationOutcome": 1})


GOOD = ndjson(*PEOPLE)
OUTCOME = resource("OperationOutcome", issue=[{"severity": "error", "code": "throttled"}])
BROKEN = {
    "no such place": (None, "no such file or folder", "nothing"),
    "empty folder": ({}, "the folder is empty", "source"),
    "nothing to read": ({"a.txt": b"x"}, "no file of resources", "source"),
    "no resource": (
        {"a.json": bundle(), "b.ndjson": b"\n\n", "c.json": b""},
        "no resource in any file",
        "source",
    ),
    "not JSON": ({"a.ndjson": GOOD + b'{"resourceType": \n' + GOOD}, "not JSON", "a.ndjson, line 21"),
    "cut off": ({"a.ndjson": GOOD[:-9]}, "not JSON", "a.ndjson, line 20"),
    "cut off where it is not read": ({"a.ndjson": ndjson(*UNREAD)[:-9]}, "not JSON", "a.ndjson, line 7"),
    "pretty and cut off": ({"a.json": b'{\n"resourceType":\n'}, "not JSON", "a.json, line 3"),
    "first line broken": ({"a.ndjson": b'{"a":\n' + GOOD}, "not JSON", "a.ndjson, line 1"),
    "not UTF-8": (
        {"a.ndjson": GOOD + b'{"resourceType":"Patient","id":"\xe9"}'},
        "not UTF-8",
        "a.ndjson, line 21",
    ),
    "no number": ({"a.ndjson": b'{"resourceType":"Patient","id":NaN}'}, "not JSON", "a.ndjson, line 1"),
    "too deep": ({"a.ndjson": b"[" * 100_000}, "not JSON", "a.ndjson, line 1"),
    "a number too long": ({"a.ndjson": b'{"id":' + b"1" * 5000 + b"}"}, "not JSON", "a.ndjson, line 1"),
    "no FHIR": ({"a.json": {"a": 1}}, "it has no resourceType", "a.json, line 1"),
    "a list": ({"a.json": b"[1]"}, "it has no resourceType", "a.json, line 1"),
    "a text": ({"a.ndjson": GOOD + b'"x"\n'}, "it has no resourceType", "a.ndjson, line 21"),
    "a type that is none": ({"a.json": {"resourceType": "my patient"}}, "it has no resourceType", "a.json"),
    "an entry that is none": (
        {"a.json": bundle(PEOPLE[0], {"id": "x"})},
        "no resourceType",
        "a.json, entry 2",
    ),
    "a text as an entry": (
        {"a.ndjson": [PEOPLE[0], bundle("x")]},
        "no resourceType",
        "a.ndjson, line 2, entry 1",
    ),
    "a patient without an id": (
        {"a.ndjson": [patient(), resource("Patient")]},
        "a Patient without an id",
        "line 2",
    ),
    "only an outcome": (
        {"a.json": OUTCOME},
        r"OperationOutcome \(error throttled\)",
        "a.json",
    ),
    "a Bundle of outcomes": (
        {"a.json": bundle(resource("OperationOutcome"), resource("OperationOutcome"))},
        r"OperationOutcome \(no details\)",
        "a.json",
    ),
    "gz that is none": ({"a.ndjson.gz": b"no gz"}, "broken", "a.ndjson.gz"),
    "gz cut off": ({"a.ndjson.gz": gzip.compress(MIXED)[:-20]}, "broken", "a.ndjson.gz"),
    "xz cut off": ({"a.ndjson.xz": lzma.compress(MIXED)[:-20]}, "broken", "a.ndjson.xz"),
    "bz2 that is none": ({"a.ndjson.bz2": b"no bz2"}, "broken", "a.ndjson.bz2"),
    "tar that is none": ({"a.tar": b"no tar" * 200}, "broken", "a.tar"),
    "tar cut off": ({"a.tar": packed_tar(LINES, "w")[:4000]}, "broken", "a.tar"),
    "tar.gz cut off": ({"a.tar.gz": packed_tar(LINES, "w:gz")[:-40]}, "broken", "a.tar.gz"),
    "zip that is none": ({"a.zip": b"no zip"}, "broken", "a.zip"),
}


@pytest.mark.parametrize(("case", "workers"), [*((case, 1) for case in BROKEN), ("not UTF-8", 2)])
def test_what_cannot_be_read_is_refused_by_name(tmp_path, case, workers):
    files, what, where = BROKEN[case]
    (tmp_path / "source").mkdir()
    source = tmp_path / "nothing" if files is None else write(tmp_path / "source", files)
    with pytest.raises(InputError, match=what) as raised:
        flatten(source, tmp_path / "tables", workers=workers)
    assert str(raised.value.where).endswith(where) or where in str(raised.value.where)
    assert raised.value.remedy
    assert not list((tmp_path / "tables").rglob("*"))  # nothing half there


def test_a_tar_that_ends_between_two_files_is_refused(tmp_path):
    whole = packed_tar({"a.ndjson": GOOD, "b.ndjson": GOOD}, "w")
    half = whole[: whole.index(b"export/b.ndjson")]
    for data in (whole, half):
        source = write(tmp_path / "source", {"a.tar": data})
        if data is whole:
            flatten(source, tmp_path / "tables")
        else:
            with pytest.raises(InputError, match="broken or was cut off"):
                flatten(source, tmp_path / "tables")


@pytest.mark.parametrize(
    ("one", "what"),
    [
        (resource("MedicationOrder", "m"), "MedicationOrder is the type that R4 calls MedicationRequest"),
        (resource("MedicationUsage", "m"), "MedicationUsage came after R4"),
        (resource("Encounter", "e", **{"class": "inpatient"}), "Encounter.class is text, as in DSTU2"),
        (
            resource("Encounter", "e", **{"class": [concept("x", "IMP")]}),
            "Encounter.class is a list, as in R5",
        ),
        (resource("Condition", "c", clinicalStatus="active"), "Condition.clinicalStatus is text, as in STU3"),
        (
            resource("AllergyIntolerance", "a", verificationStatus="confirmed"),
            "AllergyIntolerance.verificationStatus is text, as in STU3",
        ),
        (
            resource("MedicationRequest", "m", medication={"concept": {}}),
            "MedicationRequest.medication is there, as in R5",
        ),
        (resource("MedicationStatement", "m", taken="y"), "MedicationStatement.taken is there, as before R4"),
        (resource("Immunization", "i", notGiven=True), "Immunization.notGiven is there, as before R4"),
        (resource("Procedure", "p", notDone=True), "Procedure.notDone is there, as before R4"),
    ],
)
def test_other_releases_are_refused(tmp_path, one, what):
    for shape, files in enumerate(({"a.ndjson": [patient(), one]}, {"a.json": bundle(patient(), one)})):
        with pytest.raises(InputError) as raised:
            flatten(write(tmp_path / str(shape), files), tmp_path / "tables")
        assert raised.value.what == f"not FHIR R4: {what}"
        assert "2" in str(raised.value.where)
        assert "R4" in str(raised.value.remedy)


def test_errors_never_hold_text_of_a_record(tmp_path):
    for data in (
        b'{"resourceType":"Patient","id":"SECRET" x',
        b'{"name":"SECRET"}',
        b'{"resourceType":"SECRET 1"}',
    ):
        with pytest.raises(InputError) as raised:
            flatten(write(tmp_path / "source", {"a.ndjson": data}), tmp_path / "tables")
        assert "SECRET" not in str(raised.value)


def test_entries_without_a_resource_and_wrong_types_are_counted(tmp_path):
    made = bundle(
        patient(), observation(code="Fever", component={"valueInteger": 1, "code": concept(LOINC, "1")})
    )
    made["entry"] += [
        {"request": {"method": "GET", "url": "Patient/1"}},
        "x",
        {"response": {"status": "200"}},
    ]
    found = flat(tmp_path, made)
    assert found.bundles == {"entry without a resource": 3}
    assert found.resources["Observation"].reasons == {"wrong type: code": 1, "wrong type: component": 1}
    assert table(found, "observation")["code"].to_list() == ["1"]


def test_extensions_that_change_the_meaning_and_missing_ids_are_counted(tmp_path):
    one = observation(None, modifierExtension=[{"url": "urn:x", "valueBoolean": True}])
    found = flat(tmp_path, patient(), one)
    assert found.resources["Observation"].reasons == {
        "an extension changes its meaning (modifierExtension)": 1,
        "no id": 1,
    }
    assert table(found, "observation")["id"].to_list() == [None]


def test_characters_that_no_text_can_hold_are_replaced_and_counted(tmp_path):
    found = flat(
        tmp_path, patient(), observation(valueString="a\ud800b"), observation("q", valueString="c\u0000d")
    )
    assert table(found, "observation")["value_text"].to_list() == ["a?b", "c\0d"]
    assert found.resources["Observation"].reasons == {"characters that no text can hold": 1}


def test_tables_are_for_their_owner_only_and_replace_older_ones(tmp_path):
    flat(tmp_path, *PEOPLE, *VALUES)
    found = flat(tmp_path, *PEOPLE)
    assert table(found, "observation").height == 0
    paths = list(found.into.iterdir())
    assert {path.name for path in paths} == {f"{name}.parquet" for name in TABLES}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def test_row_groups_are_bounded(tmp_path):
    many = [observation(f"o{number}", valueInteger=number) for number in range(45_000)]
    found = flat(tmp_path, patient(), *many)
    file = pq.ParquetFile(found.into / "observation.parquet")
    sizes = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
    assert sizes == [20_000, 20_000, 5_000]
    assert table(found, "observation")["value_number"].to_list() == [
        float(number) for number in range(45_000)
    ]


def test_links_are_followed_once(tmp_path):
    source = write(tmp_path / "source", {"b/p.ndjson": PEOPLE})
    write(tmp_path / "elsewhere", {"o.ndjson": VALUES})
    (source / "a").symlink_to(source / "b")
    (source / "c").symlink_to(tmp_path / "elsewhere")
    (source / "b" / "loop").symlink_to(source)
    found = flatten(source, tmp_path / "tables")
    assert (found.files, found.resources["Patient"].read, found.resources["Observation"].read) == (2, 20, 300)
    (source / "dead.ndjson").symlink_to(source / "nothing")
    with pytest.raises(InputError, match="cannot be read"):
        flatten(source, tmp_path / "tables")


def test_fewer_than_one_worker_is_refused(tmp_path):
    with pytest.raises(InputError, match="0 workers"):
        flat(tmp_path, *PEOPLE, workers=0)


def test_little_memory_is_enough(tmp_path):
    many = [observation(f"o{number}", valueInteger=number) for number in range(3000)]
    assert flat(tmp_path, patient(), *many, memory=1).rows["observation"] == 3000


def test_documents_are_written_in_small_groups(tmp_path):
    notes = [document(attachment(b"text")) | {"id": f"d{number}"} for number in range(2500)]
    found = flat(tmp_path, patient(), *notes)
    file = pq.ParquetFile(found.into / "documentreference.parquet")
    assert [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)] == [
        1000,
        1000,
        500,
    ]


def test_long_documents_need_little_memory(tmp_path):
    """Documents of 90 MB in all, inside and beside; the database may take 128 MB."""
    words = b"x" * 250_000
    inside = [document(attachment(words + str(n).encode())) | {"id": f"d{n}"} for n in range(180)]
    beside = [document(attachment(None, url=f"Binary/b{n}")) | {"id": f"e{n}"} for n in range(180)]
    data = base64.b64encode(words).decode()
    binaries = [resource("Binary", f"b{n}", contentType="text/plain", data=data) for n in range(180)]
    binaries.reverse()
    found = flat(tmp_path, patient(), *inside, *beside, *binaries, memory=1)
    rows = table(found, "documentreference").select("id", pl.col("content").str.tail(3))
    expected = [(f"d{n}", f"xxx{n}"[-3:]) for n in range(180)] + [(f"e{n}", "xxx") for n in range(180)]
    assert rows.rows() == expected
    file = pq.ParquetFile(found.into / "documentreference.parquet")
    sizes = [file.metadata.row_group(place).num_rows for place in range(file.num_row_groups)]
    assert sizes == [135, 135, 90]  # 32 MB each
