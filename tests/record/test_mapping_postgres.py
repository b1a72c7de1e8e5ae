"""The same tables in a PostgreSQL server that the test starts give the same dataset as the files."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import psycopg
import pytest
from mapping_support import events_of, write_table
from psycopg import sql

from osler.base.errors import InputError
from osler.base.hashing import hash_file
from osler.record.dataset import open_dataset
from osler.record.sources import ingest
from osler.record.sources.postgres import address, stage_database
from osler.record.sources.specs import read_spec

pgserver = pytest.importorskip("pgserver", reason="needs pgserver, which brings a PostgreSQL server")

# Types of the OMOP CDM; every other column is text.
_TYPES = {"_concept_id": "bigint", "_datetime": "timestamp", "_date": "date", "_as_number": "numeric"}
_WHOLE = ("person_id", "year_of_birth", "month_of_birth", "day_of_birth", "visit_occurrence_id", "concept_id")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    started = pgserver.get_server(str(tmp_path_factory.mktemp("server")))
    yield started.get_uri()
    started.cleanup()


@pytest.fixture
def database(server: str, request: pytest.FixtureRequest) -> str:
    """An empty database's URL."""
    name = f"db{abs(hash(request.node.nodeid)) % 10**9}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server.replace("/postgres?", f"/{name}?")


def load(url: str, folder: Path, *, schema: str = "public") -> None:
    """Copy every CSV file of a folder into a table of its name, with the types of OMOP."""
    with psycopg.connect(url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
        for path in sorted(folder.glob("*.csv*")):
            frame = pl.read_csv(path, infer_schema=False)
            place = sql.Identifier(schema, path.name.split(".")[0].lower())
            kinds = [next((t for end, t in _TYPES.items() if c.endswith(end)), "text") for c in frame.columns]
            kinds = ["bigint" if c in _WHOLE else kind for c, kind in zip(frame.columns, kinds, strict=True)]
            columns = sql.SQL(", ").join(
                sql.SQL("{} " + kind).format(sql.Identifier(c))
                for c, kind in zip(frame.columns, kinds, strict=True)
            )
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(place, columns))
            with (
                connection.cursor() as cursor,
                cursor.copy(sql.SQL("COPY {} FROM STDIN").format(place)) as copy,
            ):
                for row in frame.iter_rows():
                    copy.write_row(row)


def omop(folder: Path) -> Path:
    write_table(
        folder, "person",
        [{"person_id": n, "gender_concept_id": 8507 + 25 * (n % 2), "year_of_birth": 1950 + n,
          "race_concept_id": 8527, "ethnicity_concept_id": 0} for n in range(1, 8)],
    )  # fmt: skip
    write_table(
        folder, "measurement",
        [{"person_id": n % 7 + 1, "measurement_concept_id": 3004249, "measurement_date": "2020-01-01",
          "measurement_datetime": f"2020-01-01 0{n % 9}:00:00", "value_as_number": f"{n}.50",
          "unit_source_value": "mm Hg", "measurement_source_value": 'a "b", \\c'} for n in range(40)],
    )  # fmt: skip
    write_table(
        folder, "concept",
        [{"concept_id": 3004249, "concept_name": "Systolic blood pressure", "vocabulary_id": "LOINC",
          "concept_code": "8480-6", "domain_id": "Measurement"}],
    )  # fmt: skip
    write_table(folder, "cohort", [{"subject_id": 1}])
    return folder


def same_dataset(one: Path, other: Path) -> None:
    """The same bytes of events where shards are alike, the same events and code book in any case."""
    shards = [sorted((out / "data").glob("*.parquet")) for out in (one, other)]
    assert [hash_file(path) for path in shards[0]] == [hash_file(path) for path in shards[1]]
    assert open_dataset(one).codes.equals(open_dataset(other).codes)
    assert events_of(one) == events_of(other)


def test_a_database_gives_the_dataset_of_its_files(database: str, tmp_path: Path) -> None:
    load(database, omop(tmp_path / "files"))
    ingest("omop", tmp_path / "files", None, tmp_path / "from-files")
    summary = ingest("omop", database, None, tmp_path / "from-database")
    same_dataset(tmp_path / "from-files", tmp_path / "from-database")
    assert summary["source"] == database.split("?")[0].rpartition("/")[2]
    assert not list(tmp_path.glob(".*.source"))


@pytest.mark.real
def test_the_real_omop_tables_in_a_database_give_the_dataset_of_the_files(
    database: str, tmp_path: Path, real_data: Path
) -> None:
    load(database, real_data / "synthea27nj_omop")
    ingest("omop", real_data / "synthea27nj_omop", None, tmp_path / "from-files")
    ingest("omop", database, None, tmp_path / "from-database")
    same_dataset(tmp_path / "from-files", tmp_path / "from-database")


def test_a_schema_is_chosen_by_the_url(database: str, tmp_path: Path) -> None:
    load(database, omop(tmp_path / "files"), schema="one")
    spec, _ = read_spec("omop", None)
    (tmp_path / "staged").mkdir()
    stage_database(database, spec, tmp_path / "staged")
    assert {path.name for path in (tmp_path / "staged").glob("*")} >= {"person.csv", "measurement.csv"}
    for schema in ("one", "two"):  # what nobody asks for may be in several
        write_table(tmp_path / "results", "achilles_results", [{"analysis_id": 1}])
        load(database, tmp_path / "results", schema=schema)
    stage_database(database, spec, tmp_path / "staged")
    load(database, tmp_path / "files", schema="two")
    with pytest.raises(InputError, match="is in several schemas: one, two"):
        stage_database(database, spec, tmp_path / "staged")
    stage_database(f"{database}&options=-csearch_path%3Dtwo", spec, tmp_path / "staged")


def test_a_database_that_refuses_is_named_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        ingest("omop", "postgresql://me:secret@127.0.0.1:9/cdm", None, tmp_path / "out")
    assert "the database refused" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:sec#ret@host/cdm",
        "postgresql://me:sec/ret@host/cdm",
        "postgresql://me:sec?ret@host:5432/cdm",
        "postgresql://me:sec@ret@host/cdm",
        "postgresql://me:secret@one:1,two:2/cdm?password=secret&options=-csearch_path%3Dv5",
    ],
)
def test_no_url_shows_its_password_or_stops_the_program(url: str) -> None:
    shown = address(url)
    assert "sec" not in shown
    assert "ret" not in shown
    assert shown.startswith("postgresql://me@")
    assert ("search_path%3Dv5" in shown) == ("search_path%3Dv5" in url)


def test_a_url_that_is_none_is_refused_without_its_password(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not understood") as caught:
        ingest("omop", "postgresql://me:sec#ret@host:port/cdm?nonsense=1", None, tmp_path / "out")
    assert "sec" not in str(caught.value)
    assert "%23" in str(caught.value)


def test_a_missing_table_of_a_database_is_refused_as_one_of_a_folder(database: str, tmp_path: Path) -> None:
    omop(tmp_path / "files")
    (tmp_path / "files" / "person.csv").unlink()
    load(database, tmp_path / "files")
    with pytest.raises(InputError, match="required table 'person' is missing"):
        ingest("omop", database, None, tmp_path / "out")
