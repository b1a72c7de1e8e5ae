"""Real cohorts through their specs: every row and outcome counted by hand, nothing later seen at t0."""

import csv
import datetime as dt
import gzip
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from osler.checks.doctor import examine
from osler.record.check import check_dataset
from osler.record.dataset import Dataset, open_dataset
from osler.record.sources.table import ATTRITION, ingest_table
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts
from osler.study.schema import read_study
from osler.task.label import make_labels, parse_task

pytestmark = pytest.mark.real
EXAMPLES = Path(__file__).parents[2] / "examples"
Row = dict[str, str]


@dataclass(frozen=True)
class Cohort:
    """A table and what is known of it without Osler.

    Attributes:
        source: the file below the folder of real data.
        spec: the spec below examples/specs.
        visible: columns that may be seen at the prediction time; those that `MEDS_BIRTH` and `GENDER//` tell
            are left out.
        left_out: reason -> whether a row is left out for it; the first that holds counts.
        missing: whether a cell of a column has nothing to tell.
        task: the outcome task.
        positive: whether a row has the outcome.
        made: columns that the spec derives anew -> their value.
        untold: columns without events, for other reasons than being later.
    """

    source: str
    spec: str
    visible: frozenset[str]
    left_out: dict[str, Callable[[Row], bool]]
    missing: Callable[[str, str], bool]
    task: dict[str, Any]
    positive: Callable[[Row], bool]
    made: dict[str, Callable[[Row], str | None]] = field(default_factory=dict)
    untold: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DRUGS = _words(
    """metformin repaglinide nateglinide chlorpropamide glimepiride acetohexamide glipizide glyburide
    tolbutamide pioglitazone rosiglitazone acarbose miglitol troglitazone tolazamide insulin
    glyburide-metformin
    glipizide-metformin glimepiride-pioglitazone metformin-rosiglitazone metformin-pioglitazone"""
)


def _uci_missing(column: str, cell: str) -> bool:
    codes = {
        "admission_type_id": "5 6 8",
        "admission_source_id": "9 15 17 20 21",
        "discharge_disposition_id": "18 25 26",
        "medical_specialty": "PhysicianNotFound DCPTEAM",
        **dict.fromkeys(DRUGS, "No"),
    }
    return cell in ("?", "None", "Unknown/Invalid") or cell in _words(codes.get(column, ""))


COHORTS = {
    "ist": Cohort(
        source="ist/IST_dev.csv.gz",
        spec="ist.yaml",
        visible=_words(
            """RDELAY RCONSC RSLEEP RATRIAL RCT RVISINF RHEP24 RASP3 RSBP RDEF1 RDEF2 RDEF3 RDEF4 RDEF5 RDEF6
            RDEF7 RDEF8 STYPE DAYLOCAL HOURLOCAL"""
        ),
        left_out={"not known whether alive at 14 days": lambda row: row["SET14D"] == "0"},
        missing=lambda column, cell: (
            cell == "NA"
            or (column == "HOURLOCAL" and cell == "99")
            or (column == "OCCODE" and cell in ("0", "8", "9"))
        ),
        task={"use": "outcome", "column": "ID14"},
        positive=lambda row: row["ID14"] == "1",
        untold=_words(
            """HOSPNUM RDATE AGE SEX MINLOCAL SET14D NCCODE COUNTRY CNTRYNUM DMAJNCHX DSIDEX DNOSTRKX DDEADX
            FDEADX"""
        ),
    ),
    "support2": Cohort(
        source="support2/support2.csv",
        spec="support2.yaml",
        visible=_words(
            """race edu income dzgroup dzclass num.co scoma hday diabetes dementia ca meanbp wblc hrt resp
            temp pafi alb bili crea sod ph glucose bun urine adlp adls aps dnr_before_study"""
        ),
        left_out={},
        missing=lambda column, cell: cell == "NA",
        task={"use": "outcome", "column": "hospdead"},
        positive=lambda row: row["hospdead"] == "1",
        made={
            "dnr_before_study": lambda row: row["dnr"] or None,
            "dnr_in_study": lambda row: row["dnr"] if row["dnr"] in ("no dnr", "dnr after sadm") else None,
            "dnrday": lambda row: row["dnrday"] if row["dnr"] and row["dnr"] != "no dnr" else None,
        },
        untold=_words("sno age sex dnr"),
    ),
    "uci_diabetes": Cohort(
        source="uci_diabetes130/diabetic_data_dev.csv.gz",
        spec="uci_diabetes.yaml",
        visible=DRUGS
        | _words(
            """race age admission_type_id admission_source_id discharge_disposition_id time_in_hospital
            payer_code medical_specialty num_lab_procedures num_procedures num_medications number_outpatient
            number_emergency number_inpatient max_glu_serum A1Cresult change diabetesMed"""
        ),
        left_out={
            "died in hospital": lambda row: row["discharge_disposition_id"] in ("11", "19", "20", "21"),
            "discharged to a hospice": lambda row: row["discharge_disposition_id"] in ("13", "14"),
            "still a patient": lambda row: row["discharge_disposition_id"] == "12",
        },
        missing=_uci_missing,
        task={"use": "outcome", "column": "readmitted", "positive": "within 30 days"},
        positive=lambda row: row["readmitted"] == "<30",
        untold=_words("encounter_id patient_nbr gender weight examide citoglipton"),
    ),
    "heart_disease": Cohort(
        source="heart_disease/heart_disease_dev_sites.csv",
        spec="heart_disease.yaml",
        visible=_words("cp trestbps chol fbs restecg thalach exang oldpeak slope ca thal"),
        left_out={},
        missing=lambda column, cell: (
            cell in ("?", "-9", "-9.0") or (column in ("chol", "trestbps") and float(cell) == 0)
        ),
        task={"use": "outcome", "column": "disease"},
        positive=lambda row: float(row["num"]) > 0,
        made={"disease": lambda row: row["num"]},
        untold=_words("site age sex"),
    ),
}


@dataclass(frozen=True)
class Read:
    """A cohort as Osler read it, and the rows of its file."""

    cohort: Cohort
    dataset: Dataset
    events: pl.DataFrame
    summary: dict[str, Any]
    rows: list[Row]
    kept: list[Row]


@pytest.fixture(scope="module", params=COHORTS)
def read(request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Read:
    cohort = COHORTS[request.param]
    source = real_data / cohort.source
    out = tmp_path_factory.mktemp(request.param) / "dataset"
    summary = ingest_table(source, EXAMPLES / "specs" / cohort.spec, out)
    raw = source.read_bytes()
    text = (gzip.decompress(raw) if source.suffix == ".gz" else raw).decode()
    rows = [{name: cell.strip() for name, cell in row.items()} for row in csv.DictReader(io.StringIO(text))]
    dataset = open_dataset(out)
    check_dataset(dataset)
    events = pl.concat([dataset.read(shard) for shard in dataset.shards])
    kept = [row for row in rows if not any(rule(row) for rule in cohort.left_out.values())]
    return Read(cohort, dataset, events, summary, rows, kept)


def test_every_row_is_kept_or_left_out_for_a_reason(read: Read) -> None:
    counted = Counter(
        next((reason for reason, rule in read.cohort.left_out.items() if rule(row)), "") for row in read.rows
    )
    attrition = pl.read_parquet(read.dataset.path / ATTRITION)
    expected = [("read", len(read.rows)), *((reason, counted[reason]) for reason in read.cohort.left_out)]
    found = attrition.with_columns(what=pl.when(step="left out").then("reason").otherwise("step"))
    assert found.select("what", "n_rows").rows() == [*expected, ("kept", len(read.kept))]
    assert attrition["n_events"].to_list()[-1] == read.events.height == read.summary["n_events"]
    assert attrition.to_dicts() == read.summary["attrition"]
    assert (
        sum(counted.values())
        == len(read.rows)
        == len(read.kept) + sum(counted[reason] for reason in read.cohort.left_out)
    )
    assert read.events["subject_id"].n_unique() == len(read.kept)


def test_every_cell_with_something_to_tell_is_one_event(read: Read) -> None:
    cohort, expected = read.cohort, Counter[str]()
    for row in read.kept:
        cells: dict[str, str | None] = {**row, **{name: made(row) for name, made in cohort.made.items()}}
        for name, cell in cells.items():
            if name not in cohort.untold and cell and not cohort.missing(name, cell):
                expected[name] += 1
    codes = read.events.filter(pl.col("code").str.starts_with("COL//"))["code"].str.strip_prefix("COL//")
    assert dict(codes.value_counts().iter_rows()) == dict(expected)
    special = read.events.filter(~pl.col("code").str.starts_with("COL//"))["code"]
    assert {code.partition("//")[0] for code in special.unique()} <= {"MEDS_BIRTH", "GENDER"}


def test_labels_are_the_outcome_column_and_nothing_later_is_seen(read: Read, tmp_path: Path) -> None:
    cohort, dataset = read.cohort, read.dataset
    labels = make_labels(dataset, tmp_path / "labels", settings=parse_task(cohort.task, where="task"))
    samples = pl.read_parquet(tmp_path / "labels" / "data" / "labels.parquet")
    assert samples.height == labels.samples.height == len(read.kept)
    assert int(samples["boolean_value"].sum()) == sum(map(cohort.positive, read.kept))
    seen = (
        read.events.join(samples.select("subject_id", "prediction_time"), on="subject_id")
        .filter(pl.col("time").is_null() | (pl.col("time") <= pl.col("prediction_time")))["code"]
        .unique()
    )
    columns = {code.removeprefix("COL//") for code in seen if code.startswith("COL//")}
    possible = set(read.events["code"].str.strip_prefix("COL//"))
    assert columns == cohort.visible & possible
    assert len(cohort.visible - possible) == (
        3 if cohort.spec == "uci_diabetes.yaml" else 0
    )  # drugs nobody had
    # What is not seen is described otherwise than what is, and no line of any text has its description.
    book = dataset.codes.select("code", "description")
    hidden = set(book.filter(~pl.col("code").is_in(seen.implode()))["description"])
    assert not hidden & set(book.filter(pl.col("code").is_in(seen.implode()))["description"])
    styles = (
        ("list-recent", "markdown")
        if samples.height > 1000
        else ("list-recent", "markdown", "table", "trend")
    )
    for style in styles:
        out = tmp_path / style
        make_texts(dataset, samples, out, settings=TextSettings.parse({"style": style}, where="test"))
        lines = pl.concat([pl.read_parquet(file) for file in (out / "statements").glob("*.parquet")])["text"]
        named = set(lines.str.replace(r"^- ", "").str.extract(r"^([^:]*?)(?: \([^()]*\))?:", 1).drop_nulls())
        assert named
        assert not named & hidden
        assert not lines.str.contains(r"COL//|_|\bNA\b|\?").any()
    report = examine(tmp_path / "labels", dataset=dataset.path)
    assert report["n_broken"] == 0, report


def test_the_doctor_finds_nothing_broken(read: Read) -> None:
    report = examine(read.dataset.path)
    assert report["n_broken"] == 0, report


def test_no_text_of_a_whole_record_reads_like_a_database(read: Read, tmp_path: Path) -> None:
    from osler.statements.samples import record_end

    samples = record_end(read.dataset)
    make_texts(read.dataset, samples, tmp_path / "t", settings=TextSettings.parse({}, where="test"))
    lines = pl.concat([pl.read_parquet(file) for file in (tmp_path / "t" / "statements").glob("*.parquet")])
    words = lines["text"].str.extract(r": (.*)$", 1)
    assert not lines["text"].str.contains(r"COL//|[A-Za-z]_[A-Za-z]").any()
    assert not words.is_in(["Y", "N", "U", "C", "NA", "?", "None", "True", "False"]).any()
    # A number stands only where something is counted or measured.
    numeric = read.dataset.codes.filter(kind="numeric")["description"].to_list()
    bare = lines["text"].filter(words.cast(pl.Float64, strict=False).is_not_null())
    named = set(bare.str.extract(r"^(.*): [^:]*$", 1).str.replace(r" \([^()]*\)$", ""))
    assert named <= {*numeric, *(name.rpartition(" (")[0] for name in numeric)}


def test_ages_are_those_of_the_table(read: Read) -> None:
    column = {"ist.yaml": "AGE", "support2.yaml": "age", "heart_disease.yaml": "age"}.get(read.cohort.spec)
    births = read.events.filter(code="MEDS_BIRTH")
    if column is None:
        assert births.is_empty()  # bands of ten years are no ages
        return
    first = read.events.filter(pl.col("code").is_in([f"COL//{name}" for name in read.cohort.visible]))
    t0 = first.group_by("subject_id").agg(t0=pl.col("time").min())
    joined = births.select("subject_id", "time").join(t0, on="subject_id").sort("subject_id")
    born, seen = pl.col("time"), pl.col("t0")
    months = (
        (seen.dt.year() - born.dt.year()) * 12
        + seen.dt.month().cast(pl.Int32)
        - born.dt.month().cast(pl.Int32)
    )
    late = (seen - seen.dt.truncate("1mo")) < (born - born.dt.truncate("1mo"))
    years = joined.select((months - late.cast(pl.Int32)) // 12).to_series()
    assert sorted(years) == sorted(int(float(row[column])) for row in read.kept)


@pytest.mark.parametrize("read", ["ist"], indirect=True)
def test_recoded_values_of_the_stroke_trial(read: Read) -> None:
    counts = Counter(
        "no CT done" if row["RCT"] == "N" else {"Y": "yes", "N": "no"}[row["RVISINF"]] for row in read.kept
    )
    found = read.events.filter(code="COL//RVISINF")["text_value"].value_counts()
    assert dict(found.iter_rows()) == dict(counts)
    months = ["sty", "lut", "mar", "kwi", "maj", "cze", "lip", "sie", "wrz", "pa?", "lis", "gru"]
    polish = {month: number for number, month in enumerate(months, start=1)}
    expected = Counter((1900 + int(row["RDATE"][-2:]), polish[row["RDATE"][:3]]) for row in read.kept)
    t0 = read.events.filter(code="COL//RSBP")["time"]
    assert Counter(zip(t0.dt.year(), t0.dt.month(), strict=True)) == expected
    assert {time + dt.timedelta(minutes=1) for time in t0} == {
        dt.datetime(year + month // 12, month % 12 + 1, 1) for year, month in expected
    }
    sites = Counter(row["HOSPNUM"] for row in read.kept)
    by_site = read.events.filter(code="COL//RSBP")["HOSPNUM"].value_counts()
    assert dict(by_site.iter_rows()) == dict(sites)


@pytest.mark.parametrize("read", ["uci_diabetes"], indirect=True)
def test_persons_of_the_diabetes_table_are_kept_together(read: Read) -> None:
    subjects = read.dataset.subjects
    assert subjects is not None
    assert dict(subjects.select(pl.col("source_id"), pl.col("group_id").cast(pl.String)).iter_rows()) == {
        row["encounter_id"]: row["patient_nbr"] for row in read.kept
    }
    splits = read.dataset.splits
    assert splits is not None
    sides = subjects.join(splits, on="subject_id").group_by("group_id").agg(pl.col("split").n_unique())
    assert sides["split"].max() == 1


def test_the_studies_name_tasks_that_the_specs_have(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_DATA", str(real_data))
    for name, file in (
        ("ist", "ist_mortality"),
        ("support2", "support2_mortality"),
        ("uci_diabetes", "uci_readmission"),
    ):
        study = read_study(EXAMPLES / f"{file}.yaml")
        (task,) = study.settings.tasks.values()
        wanted = parse_task(COHORTS[name].task, where="task")
        assert task == wanted
        assert study.resolve(study.settings.dataset.source).is_file()  # type: ignore[union-attr]
        assert study.resolve(study.settings.dataset.spec).name == COHORTS[name].spec  # type: ignore[union-attr]
