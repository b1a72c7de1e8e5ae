"""A long table becomes the same events whatever its columns are called; PhysioNet 2012 loses no value."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from mapping_support import attrition_of, check_conservation, events_of, write_table
from meds import DataSchema

from osler.base.errors import InputError
from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

EXAMPLE = Path(__file__).parents[2] / "examples" / "specs" / "physionet2012.yaml"

NAMES = ("subject_id", "time", "parameter", "value", "unit", "visit_id", "site")
ROWS: list[tuple[Any, ...]] = [
    ("7", "2020-03-01 08:00:00", "HR", "88", "bpm", "70", "North"),
    ("7", "2020-03-01 08:00:00", "HR", "90", "bpm", "70", "North"),
    ("7", "2020-03-01", "Potassium", "4.1", "mmol/L", "70", None),
    ("7", "2020-03-02T06:30:00Z", "Culture", "no growth", None, None, "North"),
    ("7", "2020-03-02 07:00", "Glucose", "5,5", "mg/dL", None, None),
    ("8", "2020-03-01 09:00:00", "GENDER//F", None, None, None, None),
    ("8", "2020-03-01 09:00:00", "Potassium", "-0.5", "mmol/L", None, "South"),
    (None, "2020-03-01 09:00:00", "HR", "70", "bpm", None, None),
    ("8", None, "HR", "71", "bpm", None, None),
    ("8", "2020-03-01 09:00:00", None, "72", "bpm", None, None),
]
TOLD = [
    (7, dt.datetime(2020, 3, 1, 8), "HR", 88, "/min", None, 70, "North"),
    (7, dt.datetime(2020, 3, 1, 8), "HR", 90, "/min", None, 70, "North"),
    (7, dt.datetime(2020, 3, 1, 23, 59), "Potassium", pytest.approx(4.1), "mmol/L", None, 70, None),
    (7, dt.datetime(2020, 3, 2, 6, 30), "Culture", None, None, "no growth", None, "North"),
    (7, dt.datetime(2020, 3, 2, 7), "Glucose", None, "mg/dL", "5,5", None, None),
    (8, dt.datetime(2020, 3, 1, 9), "Potassium", -0.5, "mmol/L", None, None, "South"),
]
LEFT = {"no subject": 1, "no time": 1, "no code": 1, "no value": 1}


def write(
    folder: Path,
    rows: Sequence[tuple[Any, ...]] = ROWS,
    *,
    names: Sequence[str] = NAMES,
    table: str = "values",
    form: str = "csv",
) -> Path:
    return write_table(
        folder, table, [dict(zip(names, row, strict=True)) for row in rows], columns=names, form=form
    )


def told(out: Path) -> list[tuple[Any, ...]]:
    names = ("subject_id", "time", "code", "numeric_value", "unit", "text_value", "visit_id", "site")
    return [tuple(row.get(name) for name in names) for row in events_of(out)]


def left(out: Path) -> dict[str, int]:
    return {row["reason"]: row["n_rows"] for row in attrition_of(out) if row["step"] == "left out"}


def spec(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv", "parquet"])
@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        ("PatientID", "ChartTime", "Variable", "Result", "UOM", "Encounter", "Hospital"),
        ("person", "datetime", "code", "val", "units", "stay_id", "centre"),
        ("RecordID", "timestamp", "Test", "VALUE", "valueuom", "HADM_ID", "hospital_id"),
    ],
    ids=lambda names: str(names[0]),
)
def test_names_and_kinds_of_files_make_no_difference(
    tmp_path: Path, names: tuple[str, ...], form: str
) -> None:
    write(tmp_path / "files", names=names, form=form)
    ingest("long", tmp_path / "files", None, tmp_path / "out")
    assert told(tmp_path / "out") == TOLD
    check_conservation(tmp_path / "out")
    assert left(tmp_path / "out") == LEFT
    assert open_dataset(tmp_path / "out").settings["dates"] == "real"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_of_any_name_is_the_table(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / "files", table="ward 7, final", form=form)
    write_table(tmp_path / "files", "other", [{"a": 1}])
    ingest("long", path, None, tmp_path / "out")
    assert told(tmp_path / "out") == TOLD


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    for part, row in enumerate(ROWS):
        write(tmp_path / "files", [row], table=f"events_{part}")
    ingest("long", tmp_path / "files", None, tmp_path / "out")
    assert told(tmp_path / "out") == TOLD


@pytest.mark.parametrize(
    ("column", "offset"),
    [("seconds", "5400"), ("Minute", "90"), ("hours", "1.5"), ("offset_minutes", "90"), ("day", "0.0625")],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_offsets_count_from_a_day_and_the_dataset_says_so(
    tmp_path: Path, column: str, offset: str, form: str
) -> None:
    rows = [("1", offset, "HR", "60"), ("1", f"-{offset}", "HR", "61")]
    write(tmp_path / "files", rows, names=("subject", column, "item", "value"), form=form)
    ingest("long", tmp_path / "files", None, tmp_path / "out")
    assert [row[1] for row in told(tmp_path / "out")] == [
        dt.datetime(1999, 12, 31, 22, 30), dt.datetime(2000, 1, 1, 1, 30),
    ]  # fmt: skip
    assert open_dataset(tmp_path / "out").settings["dates"] == "relative"


def test_numbers_and_words_in_columns_of_their_own_are_both_kept(tmp_path: Path) -> None:
    names = ("subject_id", "time", "code", "numeric_value", "text_value")
    day = "2020-03-01 08:00:00"
    rows = [("1", day, "A", "5", "<5"), ("1", day, "B", None, "high"), ("1", day, "C", "7", None),
            ("1", day, "D", "8", "8.0"), ("1", day, "E", None, None)]  # fmt: skip
    write(tmp_path / "files", rows, names=names)
    ingest("long", tmp_path / "files", None, tmp_path / "out")
    assert [(row[2], row[3], row[5]) for row in told(tmp_path / "out")] == [
        ("A", 5, "<5"), ("B", None, "high"), ("C", 7, None), ("D", 8, None),
    ]  # fmt: skip
    assert left(tmp_path / "out") == {"no value": 1}


def test_a_value_is_seen_when_it_was_stored(tmp_path: Path) -> None:
    names = ("subject", "charttime", "storetime", "item", "value")
    rows = [("1", "2020-03-01 08:00:00", "2020-03-01 10:00:00", "HR", "60"),
            ("1", "2020-03-01 09:00:00", "2020-03-01 07:00:00", "HR", "61"),
            ("1", "2020-03-01 09:30:00", None, "HR", "62")]  # fmt: skip
    write(tmp_path / "files", rows, names=names)
    ingest("long", tmp_path / "files", None, tmp_path / "out")
    assert [(row[1].hour, row[3]) for row in told(tmp_path / "out")] == [(9, 61), (9, 62), (10, 60)]


def test_a_spec_of_ones_own_names_other_columns(tmp_path: Path) -> None:
    own = spec(
        tmp_path / "own.yaml",
        """
extends: long
decimal: ","
time_formats: ["%d.%m.%Y %H:%M"]
tables:
  values:
    file: labor
    subject: Fall
    time: Zeitpunkt
    derive: {parameter: '"Parameter (Labor)"', value: Wert, measured_in: Einheit}
""",
    )
    names = ("Fall", "Zeitpunkt", "Parameter (Labor)", "Wert", "Einheit")
    write(tmp_path / "files", [("1", "01.03.2020 08:15", "Kalium", "4,25", "mmol/L")], names=names,
          table="labor")  # fmt: skip
    ingest("long", tmp_path / "files", own, tmp_path / "out")
    assert told(tmp_path / "out") == [
        (1, dt.datetime(2020, 3, 1, 8, 15), "Kalium", 4.25, "mmol/L", None, None, None)
    ]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("pid", *NAMES[1:]), "has none of the columns subject_id"),
        (("subject_id", "when", *NAMES[2:]), "has none of the columns time, datetime"),
        ((*NAMES[:2], "what", *NAMES[3:]), "it has none of the columns analyte"),
        ((*NAMES[:3], "how much", *NAMES[4:]), "it has none of the columns result, val, value"),
    ],
)
def test_a_column_that_is_not_known_is_asked_for(tmp_path: Path, names: tuple[str, ...], says: str) -> None:
    write(tmp_path / "files", names=names)
    with pytest.raises(InputError) as caught:
        ingest("long", tmp_path / "files", None, tmp_path / "out")
    assert says in str(caught.value)
    assert all(name in str(caught.value) for name in names)


def test_a_table_of_another_name_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "files", table="labor")
    with pytest.raises(InputError, match="the required table 'values' is missing"):
        ingest("long", tmp_path / "files", None, tmp_path / "out")


@pytest.mark.parametrize("bad", ["2020-02-30", "60", "07:30", "yesterday"])
def test_a_bad_time_is_named_by_its_row(tmp_path: Path, bad: str) -> None:
    write(tmp_path / "files", [*ROWS[:3], ("7", bad, "HR", "1", None, None, None)])
    with pytest.raises(InputError) as caught:
        ingest("long", tmp_path / "files", None, tmp_path / "out")
    assert "time" in str(caught.value)
    assert "row 4" in str(caught.value)


def test_times_that_are_numbers_need_a_unit(tmp_path: Path) -> None:
    frame = pl.DataFrame({"subject_id": [1], "time": [30], "parameter": ["HR"], "value": [60.0]})
    frame.write_parquet(tmp_path / "values.parquet")
    with pytest.raises(InputError, match="column 'time' holds numbers, not times"):
        ingest("long", tmp_path / "values.parquet", None, tmp_path / "out")


# PhysioNet 2012, in the files of the challenge as tables.

EVENTS = [
    (1, 0, "Weight", 70.0), (1, 0, "HR", 88.0), (1, 7, "FiO2", 0.5), (1, 7, "MechVent", 1.0),
    (1, 90, "NISysABP", 0.0), (1, 2880, "Urine", 40.0), (1, 2880, "TroponinT", 0.25), (2, 0, "Weight", -1.0),
    (2, 3, "Temp", -1.0), (2, 3, "Temp", -1.0), (2, 60, "Novel", 3.0), (3, 5, "HR", 70.0),
]  # fmt: skip
PATIENTS = [
    {"RecordID": 1, "Age": 54.0, "Gender": 0.0, "Height": -1.0, "ICUType": 4.0, "Weight": 70.0, "SAPS-I": 6,
     "SOFA": 1, "Length_of_stay": 5, "Survival": 3, "In-hospital_death": 1},
    {"RecordID": 2, "Age": 90.0, "Gender": 1.0, "Height": 175.3, "ICUType": 1.0, "Weight": -1.0, "SAPS-I": -1,
     "SOFA": -1, "Length_of_stay": 8, "Survival": 400, "In-hospital_death": 0},
    {"RecordID": 4, "Age": 15.0, "Gender": -1.0, "Height": 160.0, "ICUType": 3.0, "Weight": 50.0, "SAPS-I": 6,
     "SOFA": 1, "Length_of_stay": -1, "Survival": -1, "In-hospital_death": 0},
]  # fmt: skip
ADMITTED = dt.datetime(2000, 1, 1)
LANDMARK = ADMITTED + dt.timedelta(hours=48)


def challenge(folder: Path, *, form: str = "parquet") -> Path:
    folder.mkdir()
    frame = pl.DataFrame(EVENTS, schema=["RecordID", "minute", "Parameter", "Value"], orient="row")
    if form == "parquet":
        frame.write_parquet(folder / "events_a.parquet")
    else:
        frame.write_csv(folder / "events_a.csv")
    pl.DataFrame(PATIENTS).write_csv(folder / "patients_a.csv")
    return folder


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_the_challenge_becomes_the_events_it_stands_for(tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    ingest("long", challenge(tmp_path / "files", form=form), EXAMPLE, out)
    end = dt.datetime(2000, 1, 4, 23, 59)

    def after(minutes: int) -> dt.datetime:
        return ADMITTED + dt.timedelta(minutes=minutes)

    def born(age: float) -> dt.datetime:
        return ADMITTED - dt.timedelta(hours=round((age + 0.5) * 365.25 * 24))

    one, two, four = "Surgical ICU", "Coronary care unit", "Medical ICU"
    assert [row[:6] + row[7:] for row in told(out)] == [
        (1, None, "GENDER//F", None, None, None, one),
        (1, born(54), "MEDS_BIRTH", None, None, None, one),
        (1, after(0), "BODY//Weight", 70, "kg", None, None),
        (1, after(0), f"ICU_ADMISSION//{one}", None, None, None, one),
        (1, after(0), "VITAL//HR", 88, "/min", None, None),
        (1, after(7), "PROCEDURE//MechVent", None, None, None, None),
        (1, after(7), "VITAL//FiO2", 50, "%", None, None),
        (1, after(90), "VITAL//NISysABP", 0, "mm[Hg]", None, None),
        (1, after(2880), "LAB//TroponinT", 250, "ng/L", None, None),
        (1, after(2880), "OUTPUT//Urine", 40, "mL", None, None),
        (1, end, "HOSPITAL_DISCHARGE//died", None, None, None, one),
        (1, end, "MEDS_DEATH", None, None, None, one),
        (2, None, "GENDER//M", None, None, None, two),
        (2, born(90), "MEDS_BIRTH", None, None, None, two),
        (2, after(0), "BODY//Height", pytest.approx(175.3), "cm", None, two),
        (2, after(0), f"ICU_ADMISSION//{two}", None, None, None, two),
        (2, after(3), "VITAL//Temp", -1, "Cel", None, None),
        (2, after(3), "VITAL//Temp", -1, "Cel", None, None),
        (2, after(60), "OTHER//Novel", 3, None, None, None),
        (2, end, "HOSPITAL_DISCHARGE//alive", None, None, None, two),
        (4, born(15), "MEDS_BIRTH", None, None, None, four),
        (4, after(0), "BODY//Height", 160, "cm", None, four),
        (4, after(0), f"ICU_ADMISSION//{four}", None, None, None, four),
        (4, end, "HOSPITAL_DISCHARGE//alive", None, None, None, four),
    ]
    check_conservation(out)
    assert left(out) == {"-1: the weight is not known": 1, "subject is not in the table of subjects": 1}
    assert open_dataset(out).settings["dates"] == "relative"


def test_the_age_of_the_challenge_is_that_of_the_text(tmp_path: Path) -> None:
    ingest("long", challenge(tmp_path / "files"), EXAMPLE, tmp_path / "out")
    births = {row["subject_id"]: row["time"] for row in events_of(tmp_path / "out")
              if row["code"] == "MEDS_BIRTH"}  # fmt: skip
    for row in PATIENTS:
        for when in (ADMITTED, LANDMARK):
            years = (when - births[row["RecordID"]]) / dt.timedelta(days=365.25)
            assert int(years) == row["Age"]


def test_a_table_that_the_challenge_lacks_is_named(tmp_path: Path) -> None:
    folder = challenge(tmp_path / "files")
    (folder / "patients_a.csv").unlink()
    with pytest.raises(InputError, match="the required table 'patients' is missing"):
        ingest("long", folder, EXAMPLE, tmp_path / "out")


@pytest.fixture(scope="module")
def real(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("physionet") / "out"
    ingest("long", real_data / "physionet2012", EXAMPLE, out)
    return out


@pytest.mark.real
def test_no_real_value_is_lost_or_changed(real_data: Path, real: Path) -> None:
    check_conservation(real)
    rows = pl.read_parquet(real_data / "physionet2012" / "events_a.parquet")
    read = {row["table"]: row["n_rows"] for row in attrition_of(real) if row["step"] == "read"}
    assert read == {"values": rows.height, "patients": 4_000}
    factor = {"FiO2": 100.0, "TroponinI": 1_000.0, "TroponinT": 1_000.0}
    kept = rows.filter(~((pl.col("Parameter") == "Weight") & (pl.col("Value") == -1)))
    wanted = kept.select(
        subject_id="RecordID",
        time=pl.lit(ADMITTED) + pl.duration(minutes="minute"),
        parameter="Parameter",
        value=(pl.col("Value").cast(pl.Float32) * pl.col("Parameter").replace_strict(factor, default=1.0))
        .round_sig_figs(4)
        .cast(pl.Float32),
    ).with_columns(
        value=pl.when(pl.col("parameter") != "MechVent").then("value"),
        time=pl.col("time").cast(pl.Datetime("us")),
    )
    families = ["LAB", "VITAL", "OUTPUT", "PROCEDURE"]
    found = (
        pl.DataFrame(
            pl.concat(
                pl.read_parquet(shard.path, columns=["subject_id", "time", "code", "numeric_value"])
                for shard in open_dataset(real).shards
            )
        )
        .with_columns(family=pl.col("code").str.split("//").list.first())
        .filter(pl.col("family").is_in(families) | (pl.col("code") == "BODY//Weight"))
        .select(
            "subject_id",
            "time",
            parameter=pl.col("code").str.split("//").list.last(),
            value=pl.col("numeric_value").round_sig_figs(4),
        )
    )
    order = ["subject_id", "time", "parameter", "value"]
    assert found.sort(order).equals(wanted.sort(order))


@pytest.mark.real
def test_the_real_outcome_is_told_after_everything_else(real_data: Path, real: Path) -> None:
    patients = pl.read_csv(real_data / "physionet2012" / "patients_a.csv")
    died = set(patients.filter(pl.col("In-hospital_death") == 1)["RecordID"])
    events = pl.concat(pl.read_parquet(shard.path) for shard in open_dataset(real).shards)
    assert set(events.filter(pl.col("code") == "MEDS_DEATH")["subject_id"]) == died
    assert len(died) == 554
    late = events.filter(pl.col("time") > LANDMARK)
    assert set(late["code"]) == {"MEDS_DEATH", "HOSPITAL_DISCHARGE//died", "HOSPITAL_DISCHARGE//alive"}
    assert late["time"].n_unique() == 1
    early = events.filter(pl.col("time").is_null() | (pl.col("time") <= LANDMARK))
    book = open_dataset(real).codes
    outcomes = book.filter(pl.col("role") == "outcome")["code"].implode()
    assert early.filter(pl.col("code").is_in(outcomes)).is_empty()


@pytest.mark.real
def test_the_doctor_finds_nothing_broken_in_the_real_stays(real: Path) -> None:
    report = examine(real)
    assert report["n_broken"] == 0
    warned = [one["check"] for one in report["findings"] if one["status"] == "warning"]
    assert warned == ["dataset_impossible"]  # zeros of blood pressures, pH of 735 and the like are there
    dataset = open_dataset(real)
    for shard in dataset.shards:
        DataSchema.validate(pq.read_table(shard.path))
    units = dict(dataset.codes.select("code", "unit").rows())
    assert units["LAB//Mg"] == "mg/dL"
    bare = dataset.codes.filter(pl.col("description").str.contains("_|//|^[A-Z]{2,}$"))
    assert bare.is_empty()
