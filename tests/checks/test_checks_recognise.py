"""What a folder holds is told by its tables and its first lines, not by the endings of other files."""

import json
from pathlib import Path

import pytest

from osler.base.errors import InputError
from osler.checks.place import DATASET, SOURCE, find_places, kind_of
from osler.record.sources.recognise import recognise

TABLES = {
    "PERSON": "person_id,gender_concept_id,year_of_birth\n1,8507,1950\n",
    "OBSERVATION_PERIOD": "person_id\n1\n",
    "MEASUREMENT": "person_id,measurement_concept_id,measurement_date,value_as_number\n1,3,2020-01-01,2\n",
}
PATIENT = json.dumps({"resourceType": "Patient", "id": "p"})


def omop(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, text in TABLES.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_tables_with_json_beside_them_are_no_resources(tmp_path: Path) -> None:
    (omop(tmp_path / "a") / "package.json").write_text('{"name": "etl"}')
    assert recognise(tmp_path / "a")[0] == "omop"


@pytest.mark.parametrize("name", ["Patient.ndjson", "bundle.json", "PATIENT.NDJSON"])
def test_resources_are_known_by_their_first_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(PATIENT + "\n")
    assert recognise(tmp_path) == ["fhir"]
    assert find_places(tmp_path)[0].kind == SOURCE


def test_the_manifest_of_a_bulk_export_is_no_seal(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"transactionTime": "2020-01-01T00:00:00Z", "output": []}')
    (tmp_path / "Patient.ndjson").write_text(PATIENT + "\n")
    assert kind_of(tmp_path) is None
    assert find_places(tmp_path)[0].kind == SOURCE


def test_a_folder_data_of_other_tables_is_no_dataset(tmp_path: Path) -> None:
    omop(tmp_path / "a" / "data")
    assert kind_of(tmp_path / "a") is None
    assert find_places(tmp_path / "a")[0].source.format_name == "omop"  # type: ignore[union-attr]
    (tmp_path / "b" / "data").mkdir(parents=True)
    (tmp_path / "b" / "data" / "0.parquet").write_bytes(b"cut off")
    assert kind_of(tmp_path / "b") == DATASET


def test_an_empty_folder_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing that Osler knows"):
        find_places(tmp_path)


def test_a_format_is_known_by_most_of_its_tables(tmp_path: Path) -> None:
    """What is missing is for the examination to say."""
    folder = omop(tmp_path / "a")
    (folder / "PERSON.csv").unlink()
    for name in ("VISIT_OCCURRENCE", "DRUG_EXPOSURE", "CONDITION_OCCURRENCE"):
        (folder / f"{name}.csv").write_text("person_id\n1\n")
    assert recognise(folder) == ["omop"]


def test_a_spec_of_ones_own_says_what_it_extends(tmp_path: Path) -> None:
    spec = tmp_path / "own.yaml"
    spec.write_text("tables: {person: {subject: person_id, time: static, availability: at once}}")
    assert find_places(omop(tmp_path / "a"), spec=spec)[0].source.format_name == "tables"  # type: ignore[union-attr]
    spec.write_text("extends: omop")
    assert find_places(tmp_path / "a", spec=spec)[0].source.format_name == "omop"  # type: ignore[union-attr]


def test_what_is_not_finished_says_so(tmp_path: Path) -> None:
    (tmp_path / ".part-0123456789abcdef" / ".work").mkdir(parents=True)
    (tmp_path / ".part-0123456789abcdef" / ".work" / "collected.json").write_text("{}")
    with pytest.raises(InputError, match="not finished"):
        find_places(tmp_path)
