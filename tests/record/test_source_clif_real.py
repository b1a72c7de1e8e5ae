"""CLIF against the MIMIC-IV demo that was converted into it, and against the raw tables themselves."""

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from mapping_support import attrition_of, check_conservation, events_of
from meds import DataSchema

from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

pytestmark = pytest.mark.real

LATE = dt.timedelta(hours=23, minutes=59)
HERE = dt.timedelta(hours=5)  # the copy was made with this fixed shift


@pytest.fixture(scope="module")
def source(real_data: Path) -> Path:
    return real_data / "mimic4_demo" / "clif"


@pytest.fixture(scope="module")
def out(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset, in the times of the hospital."""
    folder = tmp_path_factory.mktemp("clif") / "out"
    ingest("clif", source, None, folder, timezone="Etc/GMT+5")
    return folder


@pytest.fixture(scope="module")
def events(out: Path) -> list[dict[str, Any]]:
    return events_of(out)


def table(source: Path, name: str) -> list[dict[str, Any]]:
    """A raw table as plain rows, its times those of the hospital."""
    frame = pl.read_parquet(source / f"clif_{name}.parquet")
    zoned = [column for column, kind in frame.schema.items() if kind == pl.Datetime("us", "UTC")]
    return frame.with_columns(pl.col(zoned).dt.replace_time_zone(None) - pl.lit(HERE)).to_dicts()


def native(source: Path, name: str) -> pl.DataFrame:
    """A table of MIMIC-IV as text."""
    return pl.read_csv(source.parent / "hosp" / f"{name}.csv.gz", infer_schema=False)


def stays(source: Path) -> dict[str, dict[str, Any]]:
    """The hospital stays by their id."""
    return {row["hospitalization_id"]: row for row in table(source, "hospitalization")}


def test_no_row_is_lost(source: Path, out: Path) -> None:
    check_conservation(out)
    read = {row["table"]: row["n_rows"] for row in attrition_of(out) if row["step"] == "read"}
    files = sorted(source.glob("*.parquet"))
    assert {f"clif_{name}" for name in read} == {file.stem for file in files}
    for file in files:
        assert (
            read[file.stem.removeprefix("clif_")] == pl.scan_parquet(file).select(pl.len()).collect().item()
        )


def close(value: float | None) -> float | None:
    """A number in the digits that 32 bits hold."""
    return None if value is None else float(f"{value:.5g}")


def made(events: list[dict[str, Any]], family: str) -> Counter[tuple[Any, ...]]:
    """How often each subject, time, code and number occurs, of the codes of a family."""
    return Counter(
        (
            str(row["subject_id"]),
            row["time"],
            row["code"],
            close(row["original_value"] or row["numeric_value"]),
        )
        for row in events
        if row["code"].startswith(family)
    )


def test_every_laboratory_value_is_told_when_it_was_known(source: Path, events: list[dict[str, Any]]) -> None:
    patient = {key: row["patient_id"] for key, row in stays(source).items()}
    asked: Counter[tuple[Any, ...]] = Counter()
    for row in table(source, "labs"):
        words = row["lab_value"] if row["lab_value"] != "___" else None
        if row["lab_value_numeric"] is None and words is None:
            continue
        known = max(row["lab_collect_dttm"], row["lab_result_dttm"])
        code = f"LAB//{row['lab_category']}"
        asked[patient[row["hospitalization_id"]], known, code, close(row["lab_value_numeric"])] += 1
    assert made(events, "LAB//") == asked


def test_every_vital_sign_is_told(source: Path, events: list[dict[str, Any]]) -> None:
    patient = {key: row["patient_id"] for key, row in stays(source).items()}
    names = {"temp_c": "VITAL//temperature", "height_cm": "BODY//height", "weight_kg": "BODY//weight"}
    asked = Counter(
        (
            patient[row["hospitalization_id"]],
            row["recorded_dttm"],
            names.get(row["vital_category"], f"VITAL//{row['vital_category']}"),
            close(row["vital_value"]),
        )
        for row in table(source, "vitals")
    )
    assert made(events, "VITAL//") + made(events, "BODY//") == asked


def test_every_setting_of_a_ventilator_is_told(source: Path, events: list[dict[str, Any]]) -> None:
    rows = table(source, "respiratory_support")
    asked = Counter(
        name
        for row in rows
        for name, value in row.items()
        if name.endswith(("_set", "_obs")) and value is not None
    )
    asked |= Counter(
        device=sum(row["device_category"] is not None for row in rows),
        mode=sum(row["mode_category"] is not None for row in rows),
        tracheostomy=sum(row["tracheostomy"] for row in rows),
    )
    found = Counter(
        row["code"].removeprefix("RESPIRATORY//") for row in events if row["code"].startswith("RESP")
    )
    assert found == asked
    assert all(row["numeric_value"] <= 1 for row in events if row["code"] == "RESPIRATORY//fio2_set")


def test_no_code_of_a_stay_is_seen_before_its_end(source: Path, events: list[dict[str, Any]]) -> None:
    ends = {int(key): row["discharge_dttm"] for key, row in stays(source).items()}
    died = {row["patient_id"]: row["death_dttm"] for row in table(source, "patient")}
    coded = [row for row in events if row["code"].startswith(("ICD", "CPT4", "HCPCS"))]
    assert len(coded) == len(table(source, "hospital_diagnosis")) + len(table(source, "patient_procedures"))
    assert all(row["time"] >= ends[row["visit_id"]] for row in coded)
    fatal = {int(key) for key, row in stays(source).items() if row["discharge_category"] == "Expired"}
    last = [row for row in coded if row["visit_id"] in fatal]
    # Five of these stays end before the death that ended them: neither codes nor disposition come before it.
    assert sum(ends[key] < died[stays(source)[str(key)]["patient_id"]] for key in fatal) == 5
    assert all(row["time"] >= died[str(row["subject_id"])] for row in last)
    told_dead = [row for row in events if row["code"] == "HOSPITAL_DISCHARGE//Died"]
    assert len(told_dead) == len(fatal)
    assert all(row["time"] >= died[str(row["subject_id"])] for row in told_dead)


def test_nothing_of_a_stay_comes_before_it(source: Path, events: list[dict[str, Any]]) -> None:
    begins = {int(key): row["admission_dttm"] for key, row in stays(source).items()}
    for row in table(source, "adt"):
        key = int(row["hospitalization_id"])
        begins[key] = min(begins[key], row["in_dttm"])
    early = [
        row for row in events
        if row["visit_id"] and row["code"] != "MEDS_BIRTH" and row["time"] < begins[row["visit_id"]]
    ]  # fmt: skip
    # The source itself charts these while the patient arrives.
    assert Counter(row["code"].split("//")[0] for row in early) == {"RESPIRATORY": 3, "BODY": 2}
    assert all(begins[row["visit_id"]] - row["time"] < dt.timedelta(hours=1) for row in early)


def test_the_same_stays_as_in_mimic(source: Path, events: list[dict[str, Any]]) -> None:
    """Each of the 275 stays of MIMIC-IV, and 35 more: short visits for observation and emergencies."""
    began = {row["visit_id"]: row["time"] for row in events if row["code"].startswith("HOSPITAL_ADMISSION")}
    ended = {row["visit_id"]: row["time"] for row in events if row["code"].startswith("HOSPITAL_DISCHARGE")}
    admissions = list(native(source, "admissions").iter_rows(named=True))
    assert len(admissions) == 275
    assert len(began) == len(ended) == 310
    for row in admissions:
        key = int(row["hadm_id"])
        died = row["deathtime"] if row["hospital_expire_flag"] == "1" else None
        last = max(filter(None, (row["dischtime"], died)))
        assert began[key] == dt.datetime.fromisoformat(row["admittime"])
        assert ended[key] == dt.datetime.fromisoformat(last)
    later = sum(bool(row["deathtime"]) and row["deathtime"] > row["dischtime"] for row in admissions)
    assert later == 4  # discharged at 00:00 of the day of death: the discharge is told with the death
    more = set(began) - {int(row["hadm_id"]) for row in admissions}
    kinds = Counter(stays(source)[str(key)]["admission_type_name"] for key in more)
    assert kinds == {
        "OBSERVATION ADMIT": 12, "EU OBSERVATION": 11, "EW EMER.": 9, "DIRECT OBSERVATION": 2,
        "SURGICAL SAME DAY ADMISSION": 1,
    }  # fmt: skip


def test_the_same_deaths_as_in_mimic(source: Path, events: list[dict[str, Any]]) -> None:
    """Where both say that a patient died they say when; CLIF says so of five patients more."""
    found = {str(row["subject_id"]): row["time"] for row in events if row["code"] == "MEDS_DEATH"}
    days = dict(native(source, "patients").drop_nulls("dod").select("subject_id", "dod").rows())
    times = dict(
        native(source, "admissions").drop_nulls("deathtime").select("subject_id", "deathtime").rows()
    )
    assert len(days) == 31
    for subject, day in days.items():
        time = times.get(subject)
        asked = dt.datetime.fromisoformat(day) + LATE if time is None else dt.datetime.fromisoformat(time)
        assert found[subject] == asked
    assert sorted(found.keys() - days.keys()) == ["10014354", "10018328", "10018501", "10037928", "10039708"]


@pytest.fixture(scope="module")
def mimic(source: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The stays and deaths of the same patients, from the tables of MIMIC-IV itself."""
    folder = tmp_path_factory.mktemp("mimic4")
    (folder / "files" / "hosp").mkdir(parents=True)
    for name in ("admissions.csv.gz", "patients.csv.gz"):
        shutil.copy(source.parent / "hosp" / name, folder / "files" / "hosp")
    ingest("mimic4", folder / "files", None, folder / "out")
    return events_of(folder / "out")


@pytest.mark.parametrize("family", ["HOSPITAL_ADMISSION", "HOSPITAL_DISCHARGE", "MEDS_DEATH"])
def test_the_datasets_of_both_forms_agree(
    family: str, mimic: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    """What MIMIC-IV tells, CLIF tells of the same patient, in the same stay, at the same time."""

    def told(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
        visit = family != "MEDS_DEATH"  # CLIF knows the death of the patient, MIMIC-IV that of the stay
        return Counter(
            (row["subject_id"], row["visit_id"] if visit else None, row["time"])
            for row in rows
            if row["code"].startswith(family)
        )

    native, clif = told(mimic), told(events)
    assert native.total() == (31 if family == "MEDS_DEATH" else 275)
    assert native <= clif
    assert clif.total() - native.total() == (5 if family == "MEDS_DEATH" else 35)


def test_age_at_each_admission_is_that_of_the_source(source: Path, events: list[dict[str, Any]]) -> None:
    born = {str(row["subject_id"]): row["time"] for row in events if row["code"] == "MEDS_BIRTH"}
    years = dt.timedelta(days=365.25)
    differ = [
        (row["admission_dttm"] - born[row["patient_id"]]) // years - row["age_at_admission"]
        for row in table(source, "hospitalization")
    ]
    assert set(differ) == {0}


def test_every_code_but_those_of_billing_has_words(out: Path) -> None:
    codes = open_dataset(out).codes.filter(~pl.col("code").str.contains(r"^(ICD|CPT4|HCPCS)"))
    assert codes.height > 200
    assert codes.filter(
        pl.col("description").is_null() | (pl.col("description") == pl.col("code"))
    ).is_empty()
    assert not codes["description"].str.contains("_").any()
    words = dict(codes.select("code", "description").rows())
    went = "HOSPITAL_DISCHARGE//"
    assert words[went + "Acute care hospital"] == "Discharged from hospital to an acute care hospital"
    assert (
        words[went + "Skilled nursing facility"] == "Discharged from hospital to a skilled nursing facility"
    )
    assert words[went + "Hospice"] == "Discharged from hospital to hospice"
    assert words[went + "Home"] == "Discharged from hospital to home"


def warnings(out: Path) -> Iterator[str]:
    report = examine(out)
    assert report["n_broken"] == 0
    yield from (one["check"] for one in report["findings"] if one["status"] == "warning")


def test_the_dataset_is_valid_and_the_doctor_finds_nothing_broken(out: Path) -> None:
    for shard in open_dataset(out).shards:
        DataSchema.validate(pq.read_table(shard.path))
    # The dates of this copy are shifted, its billing codes have no titles, doses are given in mL and in mg,
    # arterial lines read 0 when they are flushed, and there is one hospital.
    assert sorted(warnings(out)) == [
        "dataset_calendar", "dataset_codes", "dataset_impossible", "dataset_sites", "dataset_units",
    ]  # fmt: skip


def test_a_spec_of_two_lines_says_that_dates_are_shifted(source: Path, tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("extends: clif\ndates: shifted\n")
    ingest("clif", source, tmp_path / "spec.yaml", tmp_path / "out", timezone="Etc/GMT+5")
    assert "dataset_calendar" not in set(warnings(tmp_path / "out"))
