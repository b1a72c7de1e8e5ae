"""The MIMIC-IV demo: no row is lost, values and times are those of its rows, nothing is seen too early."""

import csv
import datetime as dt
import gzip
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from mapping_support import attrition_of, check_conservation, events_of, summary_of
from meds import DataSchema

from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest

pytestmark = pytest.mark.real

LATE = dt.timedelta(hours=23, minutes=59)
Row = dict[str, str]


@pytest.fixture(scope="module")
def source(real_data: Path) -> Path:
    return real_data / "mimic4_demo"


@pytest.fixture(scope="module")
def out(source: Path, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mimic4") / "out"
    ingest("mimic4", source, None, folder, vocabulary=(real_data / "vocab",))
    return folder


@pytest.fixture(scope="module")
def events(out: Path) -> list[dict[str, Any]]:
    return events_of(out)


def table(source: Path, name: str) -> list[Row]:
    """The rows of a table as text; an empty cell is an empty text."""
    with gzip.open(source / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def moment(*texts: str) -> dt.datetime:
    """The latest of some times; a date counts as its last minute."""
    texts = tuple(text for text in texts if text)
    times = [dt.datetime.fromisoformat(text) for text in texts]
    return max(
        time + (LATE if len(text) == 10 else dt.timedelta()) for time, text in zip(times, texts, strict=True)
    )


def number(value: str | float | None) -> float | None:
    """A number in the digits that 32 bits hold."""
    return None if value in ("", None) else float(f"{float(value):.5g}")  # type: ignore[arg-type]


def made(events: list[dict[str, Any]], family: str) -> Counter[tuple[Any, ...]]:
    """How often each subject, time, code and number (as the source writes it) occurs, of a family."""
    return Counter(
        (
            str(row["subject_id"]),
            row["time"],
            row["code"],
            number(row["numeric_value"] if row["original_value"] is None else row["original_value"]),
        )
        for row in events
        if row["code"].startswith(family)
    )


def test_no_row_is_lost(source: Path, out: Path) -> None:
    check_conservation(out)
    steps = [
        row for row in attrition_of(out) if row["step"] in ("read", "not read") and row["n_rows"] is not None
    ]
    read = {row["table"]: row["n_rows"] for row in steps}
    files = [path for module in ("hosp", "icu", "ed") for path in (source / module).glob("*.csv.gz")]
    assert len(files) == 25
    for path in files:
        name = path.name.removesuffix(".csv.gz")
        assert read[name] == len(table(source, f"{path.parent.name}/{name}")), name
    assert {"labevents", "chartevents", "inputevents", "emar", "poe", "discharge"} <= set(
        summary_of(out)["not_found"]
    )


def test_admissions_and_discharges_are_those_of_the_source(
    source: Path, events: list[dict[str, Any]]
) -> None:
    began = {row["visit_id"]: row["time"] for row in events if row["code"].startswith("HOSPITAL_ADMISSION")}
    ended = {row["visit_id"]: row["time"] for row in events if row["code"].startswith("HOSPITAL_DISCHARGE")}
    rows = table(source, "hosp/admissions")
    assert len(rows) == len(began) == len(ended) == 275
    for row in rows:
        key = int(row["hadm_id"])
        assert began[key] == moment(row["admittime"])
        assert ended[key] == max(moment(row["dischtime"]), moment(row["deathtime"] or row["dischtime"]))
    earlier = [row for row in rows if row["deathtime"] > row["dischtime"]]
    assert len(earlier) == 4  # closed at 00:00 of the day of death: told with the death


def test_deaths_are_those_of_the_source(source: Path, events: list[dict[str, Any]]) -> None:
    found = {str(row["subject_id"]): row["time"] for row in events if row["code"] == "MEDS_DEATH"}
    asked = {row["subject_id"]: moment(row["dod"]) for row in table(source, "hosp/patients") if row["dod"]}
    asked |= {
        row["subject_id"]: moment(row["deathtime"])
        for row in table(source, "hosp/admissions")
        if row["deathtime"]
    }
    assert len(asked) == 31
    assert found == asked


def test_births_give_the_age_of_the_anchor_year(source: Path, events: list[dict[str, Any]]) -> None:
    born = {str(row["subject_id"]): row["time"] for row in events if row["code"] == "MEDS_BIRTH"}
    rows = table(source, "hosp/patients")
    assert sum(row["anchor_age"] == "91" for row in rows) == 3  # stands for everyone above 89
    for row in rows:
        year = int(row["anchor_year"]) - int(row["anchor_age"])
        assert born[row["subject_id"]] == dt.datetime(year, 1, 1)


def test_every_output_is_told_when_it_was_stored(source: Path, events: list[dict[str, Any]]) -> None:
    asked = Counter(
        (
            row["subject_id"],
            moment(row["charttime"], row["storetime"]),
            f"OUTPUT//{row['itemid']}",
            number(row["value"]),
        )
        for row in table(source, "icu/outputevents")
    )
    assert made(events, "OUTPUT//") == asked


def test_every_procedure_in_intensive_care_is_told_when_it_was_stored(
    source: Path, events: list[dict[str, Any]]
) -> None:
    hours = {"min": 1 / 60, "hour": 1.0, "day": 24.0}
    asked: Counter[tuple[Any, ...]] = Counter()
    for row in table(source, "icu/procedureevents"):
        who, code = row["subject_id"], f"PROCEDURE//{row['itemid']}"
        if row["valueuom"] in hours:
            lasted = number(float(row["value"]) * hours[row["valueuom"]])
            asked[who, moment(row["endtime"], row["storetime"]), code, lasted] += 1
            if row["storetime"] < row["endtime"]:
                asked[who, moment(row["starttime"], row["storetime"]), f"{code}//started", None] += 1
        else:
            asked[who, moment(row["starttime"], row["storetime"]), code, None] += 1
    assert made(events, "PROCEDURE//") == asked


def test_dates_in_the_chart_become_days_since(source: Path, events: list[dict[str, Any]]) -> None:
    asked = set()
    for row in table(source, "icu/datetimeevents"):
        day = dt.date.fromisoformat(row["charttime"][:10]) - dt.date.fromisoformat(row["value"][:10])
        past = float(day.days) if day.days >= 0 else None
        asked.add(
            (row["subject_id"], moment(row["charttime"], row["storetime"]), f"SINCE//{row['itemid']}", past)
        )
    found = made(events, "SINCE//")
    assert set(found) == asked


def test_vital_signs_and_measures_of_body_are_told(source: Path, events: list[dict[str, Any]]) -> None:
    asked: Counter[tuple[Any, ...]] = Counter()
    names = {"Weight": "weight", "Height": "height", "BMI": "bmi"}
    for row in table(source, "hosp/omr"):
        who, time = row["subject_id"], moment(row["chartdate"])
        if row["result_name"].startswith("Blood Pressure"):
            systolic, diastolic = row["result_value"].split("/")
            asked[who, time, "VITAL//sbp", number(systolic)] += 1
            asked[who, time, "VITAL//dbp", number(diastolic)] += 1
        else:
            asked[
                who, time, f"BODY//{names[row['result_name'].split(' ')[0]]}", number(row["result_value"])
            ] += 1
    came = {row["stay_id"]: row["intime"] for row in table(source, "ed/edstays")}
    signs = {
        "heartrate": "heart_rate", "resprate": "respiratory_rate", "o2sat": "spo2", "sbp": "sbp",
        "dbp": "dbp", "temperature": "temperature",
    }  # fmt: skip
    for row in [*table(source, "ed/triage"), *table(source, "ed/vitalsign")]:
        for column, sign in signs.items():
            if row[column]:
                time = moment(row.get("charttime", ""), came[row["stay_id"]])
                asked[row["subject_id"], time, f"VITAL//{sign}", number(row[column])] += 1
    found = made(events, "VITAL//") + made(events, "BODY//")
    others = ("VITAL//pain", "VITAL//rhythm")
    assert Counter({key: n for key, n in found.items() if key[2] not in others}) == asked


def test_cultures_are_known_when_they_are_stored(source: Path, events: list[dict[str, Any]]) -> None:
    asked, taken, answers = set(), set(), set()
    for row in table(source, "hosp/microbiologyevents"):
        cancelled = row["org_name"] == "CANCELLED" or row["comments"].upper().startswith("TEST CANCELLED")
        if cancelled:
            continue
        drawn = row["charttime"] or row["chartdate"][:10]
        late = (dt.date.fromisoformat(drawn[:10]) + dt.timedelta(days=60)).isoformat()
        known = max(moment(drawn), moment(row["storetime"] or row["storedate"][:10] or late))
        taken.add((row["subject_id"], moment(drawn), f"SPECIMEN//{row['spec_type_desc']}"))
        if row["org_name"] or row["comments"].strip() not in ("", "___"):
            code = f"MICROBIOLOGY//{row['test_name'].strip()}//{row['spec_type_desc']}"
            asked.add((row["subject_id"], known, code))
        if row["ab_name"]:
            answers.add((row["subject_id"], known, f"MICROBIOLOGY//{row['org_name']}//{row['ab_name']}"))
    found = {(str(row["subject_id"]), row["time"], row["code"]) for row in events}
    assert {row for row in found if row[2].startswith("SPECIMEN//")} == taken
    assert {row for row in found if row[2].startswith("MICROBIOLOGY//")} == asked | answers


def test_each_order_of_a_drug_is_told_once(source: Path, out: Path, events: list[dict[str, Any]]) -> None:
    """The table `pharmacy` repeats those of `prescriptions`; of its own it has parenteral nutrition only."""
    containers = (
        "bag",
        "vial",
        "soln",
        "syringe",
        "insulin syringe",
        "yellow cadd",
        "blue cadd",
        "click change",
    )
    began = {
        row["hadm_id"]: min(filter(None, (row["admittime"], row["edregtime"])))
        for row in table(source, "hosp/admissions")
    }
    orders = {row["pharmacy_id"]: row for row in table(source, "hosp/pharmacy")}
    asked, solutions = set(), 0
    for row in table(source, "hosp/prescriptions"):
        order = orders[row["pharmacy_id"]]
        if row["drug_type"] == "BASE":
            solutions += order["proc_type"] != "IV Large Volume"
            if order["proc_type"] != "IV Large Volume" or row["drug"].lower().startswith(containers):
                continue
        asked.add((row["subject_id"], moment(row["starttime"], order["entertime"], began[row["hadm_id"]])))
    for row in orders.values():
        if row["proc_type"] == "TPN":
            asked.add((row["subject_id"], moment(row["starttime"], row["entertime"])))
    orders_told = [row for row in events if row["code"].startswith("DRUG_ORDER//")]
    assert {(str(row["subject_id"]), row["time"]) for row in orders_told} == asked
    said = [
        (row["subject_id"], row["visit_id"], row["time"], row["code"], row["text_value"])
        for row in orders_told
    ]
    assert len(said) == len(set(said)) > 13_000  # identical orders of one moment are told once
    left = {
        (row["table"], row["reason"]): row["n_rows"] for row in attrition_of(out) if row["step"] == "left out"
    }
    assert left["prescriptions", "the solution that another drug is given in, or its container"] == solutions
    assert left["pharmacy", "the same order as in prescriptions, which has its drugs and doses"] == 15_225


def _of_emergency(row: dict[str, Any]) -> bool:
    return (row["text_value"] or "").endswith("emergency department")


def test_no_code_of_a_stay_is_seen_before_its_end(source: Path, events: list[dict[str, Any]]) -> None:
    ends = {
        int(row["hadm_id"]): max(moment(row["dischtime"]), moment(row["deathtime"] or row["dischtime"]))
        for row in table(source, "hosp/admissions")
    }
    left: defaultdict[int, set[dt.datetime]] = defaultdict(set)
    for row in table(source, "ed/edstays"):
        left[int(row["hadm_id"] or row["stay_id"])].add(moment(row["outtime"]))
    coded = [row for row in events if row["code"].startswith(("ICD", "DRG//", "CPT4", "HCPCS"))]
    of_emergency = [row for row in coded if _of_emergency(row)]
    billed = [row for row in coded if not _of_emergency(row)]
    names = ("diagnoses_icd", "procedures_icd", "drgcodes", "hcpcsevents")
    assert len(billed) == sum(len(table(source, f"hosp/{name}")) for name in names)
    assert len(of_emergency) == len(table(source, "ed/diagnosis"))
    assert all(row["time"] >= ends[row["visit_id"]] for row in billed)
    assert all(row["time"] in left[row["visit_id"]] for row in of_emergency)


def test_nothing_of_a_stay_comes_before_it(source: Path, events: list[dict[str, Any]]) -> None:
    """A stay begins with the arrival in the emergency department, where there is one."""
    begins: defaultdict[int, list[dt.datetime]] = defaultdict(list)
    for row in table(source, "hosp/admissions"):
        begins[int(row["hadm_id"])] += [
            moment(row["admittime"]),
            moment(row["edregtime"] or row["admittime"]),
        ]
    for row in [*table(source, "hosp/transfers"), *table(source, "ed/edstays")]:
        key = row["hadm_id"] or row.get("stay_id") or row["transfer_id"]
        begins[int(key)].append(moment(row["intime"]))
    early = [row for row in events if row["visit_id"] and row["time"] < min(begins[row["visit_id"]])]
    assert early == []


def test_diagnoses_have_titles_and_words_are_readable(out: Path, events: list[dict[str, Any]]) -> None:
    codes = open_dataset(out).codes
    seen = {row["code"] for row in events}
    named = codes.filter(pl.col("code").is_in(sorted(seen)) & (pl.col("description") != pl.col("code")))
    diagnoses = {code for code in seen if code.startswith(("ICD9CM", "ICD10CM"))}
    assert len(diagnoses) > 1_500
    assert diagnoses <= set(named["code"])
    billing = {
        code for code in seen if code.startswith(("ICD9PROC", "ICD10PCS"))
    }  # d_icd_procedures is not here
    assert seen - set(named["code"]) <= billing
    own = named.filter(~pl.col("code").str.contains("^(DRUG|HOME_DRUG|ICD)"))
    assert not own["description"].str.contains("_").any()
    loud = own.filter(pl.col("description").str.contains("[A-Z]{5}")).get_column("description").to_list()
    assert [words for words in loud if "(CVICU)" not in words and "(TSICU)" not in words] == []


def test_the_dataset_is_valid_and_the_doctor_finds_nothing_broken(out: Path) -> None:
    for shard in open_dataset(out).shards:
        DataSchema.validate(pq.read_table(shard.path))
    report = examine(out)
    assert report["n_broken"] == 0
    # Cultures are read after a death; outputs of several hours are stored together; procedures have no titles
    # in this copy; a few heights and pressures were mistyped.
    assert {one["check"] for one in report["findings"] if one["status"] == "warning"} == {
        "dataset_lifetimes", "dataset_duplicates", "dataset_codes", "dataset_impossible",
    }  # fmt: skip
