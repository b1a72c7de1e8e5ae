"""The eICU demo: rows, clock, availability, deaths and what a model may know, against the raw files."""

import csv
import datetime as dt
import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from mapping_support import attrition_of, check_conservation, events_of
from meds import DataSchema

from osler.checks.doctor import examine
from osler.record.dataset import open_dataset
from osler.record.sources import ingest
from osler.represent.counts import count_features
from osler.represent.settings import CountSettings
from osler.task.label import make_labels, parse_task
from osler.task.labels import Labels

pytestmark = pytest.mark.real

Row = dict[str, str]
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(scope="module")
def source(real_data: Path) -> Path:
    return real_data / "eicu_demo"


@pytest.fixture(scope="module")
def out(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("eicu") / "out"
    ingest("eicu", source, None, folder)
    return folder


@pytest.fixture(scope="module")
def events(out: Path) -> list[dict[str, Any]]:
    return events_of(out)


def rows(source: Path, table: str) -> list[Row]:
    with gzip.open(source / f"{table}.csv.gz", "rt", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def stays(source: Path) -> dict[str, Row]:
    """The unit stays by their id."""
    return {row["patientunitstayid"]: row for row in rows(source, "patient")}


def zero(stay: Row) -> dt.datetime:
    """When the hospital admission of a unit stay is taken to be."""
    clock = dt.time.fromisoformat(stay["hospitaladmittime24"])
    return dt.datetime.combine(dt.date(int(stay["hospitaldischargeyear"]), 1, 1), clock)


def begun(stay: Row) -> dt.datetime:
    """When a unit stay began."""
    return zero(stay) - int(stay["hospitaladmitoffset"]) * MINUTE


def close(value: str | float | None) -> float | None:
    """A number in the digits that 32 bits hold."""
    return None if value in (None, "") else float(f"{float(value):.5g}")


def of_family(events: list[dict[str, Any]], *families: str) -> list[dict[str, Any]]:
    return [row for row in events if row["code"].startswith(families)]


def test_no_row_is_lost(source: Path, out: Path) -> None:
    check_conservation(out)
    read = {row["table"]: row["n_rows"] for row in attrition_of(out) if row["step"] in ("read", "not read")}
    for path in source.glob("*.csv.gz"):
        name = path.name.removesuffix(".csv.gz")
        table = "lab" if name.startswith("lab_") else name
        assert read[table] == len(rows(source, name)), name
    others = {row["table"] for row in attrition_of(out) if row["reason"] == "not a table of this spec"}
    assert others == {"hourly_dyn", "hourly_sta"}  # made by somebody else: told, and not read


def test_all_unit_stays_of_a_hospital_stay_share_one_clock(stays: dict[str, Row]) -> None:
    """On the clock of each unit stay the hospital admission and discharge are equally far apart."""
    lasted: dict[str, set[int]] = {}
    for row in stays.values():
        span = int(row["hospitaldischargeoffset"]) - int(row["hospitaladmitoffset"])
        lasted.setdefault(row["patienthealthsystemstayid"], set()).add(span)
        assert (begun(row) - zero(row)) / MINUTE == -int(row["hospitaladmitoffset"])
    assert all(len(spans) == 1 for spans in lasted.values())
    assert sum(len(stays) > 0 for stays in lasted.values()) == 1_395


def test_times_of_day_are_those_of_columns_that_the_clock_does_not_read(
    stays: dict[str, Row], events: list[dict[str, Any]]
) -> None:
    by_hospital_stay = {row["patienthealthsystemstayid"]: row for row in stays.values()}
    seen: Counter[str] = Counter()
    for row in events:
        family = row["code"].partition("//")[0]
        column = {
            "ICU_ADMISSION": "unitadmittime24", "ICU_DISCHARGE": "unitdischargetime24",
            "HOSPITAL_DISCHARGE": "hospitaldischargetime24", "HOSPITAL_ADMISSION": "hospitaladmittime24",
        }.get(family)  # fmt: skip
        if column is not None:
            of_unit = row["visit_id"] is not None
            stay = stays[str(row["visit_id"])] if of_unit else by_hospital_stay[str(row["subject_id"])]
            stated = dt.time.fromisoformat(stay[column])
            assert (row["time"].hour, row["time"].minute) == (stated.hour, stated.minute)
            seen[family] += 1
    assert seen["ICU_ADMISSION"] == seen["ICU_DISCHARGE"] == len(stays)
    assert seen["HOSPITAL_ADMISSION"] == 1_395
    assert seen["HOSPITAL_DISCHARGE"] == 1_395 - 15  # of 15 hospital stays it is not known how they ended


def test_laboratory_values_are_known_when_they_are_revised(
    source: Path, stays: dict[str, Row], events: list[dict[str, Any]]
) -> None:
    expected: set[tuple[Any, ...]] = set()
    for row in rows(source, "lab_169stay_subset"):
        if row["labname"] in ("FiO2", "ionized calcium"):  # mended, and tested on rows of our own
            continue
        stay = stays[row["patientunitstayid"]]
        known = max(int(row["labresultoffset"]), int(row["labresultrevisedoffset"]))
        bare = row["labresulttext"].strip(" ")
        number = row["labresult"] or (bare if bare.replace(".", "", 1).isdigit() else None)
        if number or bare:
            expected.add((row["patientunitstayid"], begun(stay) + known * MINUTE, row["labname"], not number))
    found = {
        (str(row["visit_id"]), row["time"], row["code"].removeprefix("LAB//"), row["numeric_value"] is None)
        for row in of_family(events, "LAB//")
        if row["code"] not in ("LAB//FiO2", "LAB//ionized calcium")
    }
    assert found == expected


def test_the_unit_of_the_system_stands_beside_each_laboratory_value(
    source: Path, events: list[dict[str, Any]]
) -> None:
    """Sodium, hemoglobin and potassium have one unit, and the numbers of the file."""
    for name, unit in (("sodium", "mmol/L"), ("Hgb", "g/dL"), ("platelets x 1000", "10*3/uL")):
        values = Counter(
            (row["patientunitstayid"], close(row["labresult"]))
            for row in rows(source, "lab_169stay_subset")
            if row["labname"] == name
        )
        found = [row for row in events if row["code"] == f"LAB//{name}"]
        assert {row["unit"] for row in found} == {unit}
        told = Counter((str(row["visit_id"]), close(row["numeric_value"])) for row in found)
        assert set(told) == set(values)
        assert sum(told.values()) <= sum(values.values())


def test_percentages_of_oxygen_are_percentages(events: list[dict[str, Any]]) -> None:
    values = [row["numeric_value"] for row in events if row["code"] == "LAB//FiO2"]
    assert len(values) > 150
    assert min(values) >= 20
    assert max(values) <= 100


def test_orders_show_neither_before_they_are_given_nor_before_they_begin(
    source: Path, stays: dict[str, Row], events: list[dict[str, Any]]
) -> None:
    table = rows(source, "medication")
    given = [row for row in table if row["drugordercancelled"] == "No"]
    named = [row for row in given if row["drughiclseqno"] not in ("", "0") or row["drugname"]]
    expected = {
        (row["patientunitstayid"], begun(stays[row["patientunitstayid"]])
         + max(int(row["drugorderoffset"]), int(row["drugstartoffset"])) * MINUTE)
        for row in named
    }  # fmt: skip
    found = of_family(events, "DRUG//")
    assert {(str(row["visit_id"]), row["time"]) for row in found} == expected
    numbers = {row["drughiclseqno"] for row in given if row["drughiclseqno"]}
    codes = {row["code"].removeprefix("DRUG//HICL ") for row in found if "//HICL " in row["code"]}
    assert codes == numbers


@pytest.mark.parametrize(
    ("table", "occurred", "entered", "families"),
    [
        ("diagnosis", "diagnosisoffset", None, ("DIAGNOSIS//",)),
        ("treatment", "treatmentoffset", None, ("TREATMENT//",)),
        ("allergy", "allergyoffset", "allergyenteredoffset", ("ALLERGY//",)),
        ("admissiondrug", "drugoffset", "drugenteredoffset", ("HOME_DRUG//",)),
        ("admissiondx", "admitdxenteredoffset", None, ("ADMISSION_DIAGNOSIS//", "ADMISSION_QUESTION//")),
        ("physicalexam", "physicalexamoffset", None, ("EXAM//",)),
        ("infusiondrug", "infusionoffset", None, ("INFUSION//",)),
        ("vitalaperiodic", "observationoffset", None, ("VITAL//",)),
    ],
)
def test_rows_show_when_they_were_entered(
    source: Path,
    stays: dict[str, Row],
    events: list[dict[str, Any]],
    table: str,
    occurred: str,
    entered: str | None,
    families: tuple[str, ...],
) -> None:
    """Every event stands at a moment of the table, the later of what happened and its entry."""
    moments: dict[str, set[dt.datetime]] = {}
    for row in rows(source, table):
        stay = row["patientunitstayid"]
        minute = max(int(row[occurred]), int(row[entered]) if entered else -(10**9))
        moments.setdefault(stay, set()).add(begun(stays[stay]) + minute * MINUTE)
    found = of_family(events, *families)
    assert len(found) > 1_000
    assert all(row["time"] in moments[str(row["visit_id"])] for row in found)


def test_the_worst_values_of_the_first_day_are_known_when_it_is_over(
    source: Path, stays: dict[str, Row], events: list[dict[str, Any]]
) -> None:
    found = of_family(events, "APACHE//")
    for row in found:  # or when the patient has left the unit
        stay = stays[str(row["visit_id"])]
        assert row["time"] == begun(stay) + MINUTE * min(1440, int(stay["unitdischargeoffset"]))
    sodium = {
        (row["patientunitstayid"], close(row["sodium"]))
        for row in rows(source, "apacheapsvar")
        if float(row["sodium"]) != -1
    }
    told = {
        (str(row["visit_id"]), close(row["numeric_value"]))
        for row in found
        if row["code"] == "APACHE//sodium"
    }
    assert told == sodium
    assert all(row["numeric_value"] is None or row["numeric_value"] >= 0 for row in found)
    forbidden = ("died", "dischargelocation", "saps", "sicuday", "hspx", "region", "teach", "bedcount")
    assert not [row for row in found if any(word in row["code"].lower() for word in forbidden)]


def test_the_dead_are_those_of_the_hospital_and_die_when_it_was_known(
    stays: dict[str, Row], events: list[dict[str, Any]]
) -> None:
    expected: dict[str, dt.datetime] = {}
    for row in stays.values():
        if row["hospitaldischargestatus"] == "Expired":
            left = int(row["hospitaldischargeoffset"])
            if row["unitdischargestatus"] == "Expired":
                left = min(left, int(row["unitdischargeoffset"]))
            subject = row["patienthealthsystemstayid"]
            expected[subject] = min(begun(row) + left * MINUTE, expected.get(subject, dt.datetime.max))
    found = {str(row["subject_id"]): row["time"] for row in events if row["code"] == "MEDS_DEATH"}
    assert found == expected
    assert len(found) == 112
    # Nothing tells of a death before it: discharges to death stand at it or after it.
    for row in events:
        if row["code"].endswith("//Died") and str(row["subject_id"]) in found:
            assert row["time"] >= found[str(row["subject_id"])]


def test_ages_are_those_of_the_file(stays: dict[str, Row], events: list[dict[str, Any]]) -> None:
    born = {str(row["subject_id"]): row["time"] for row in events if row["code"] == "MEDS_BIRTH"}
    for row in stays.values():
        subject = row["patienthealthsystemstayid"]
        assert (subject in born) == (row["age"] != "")
        if row["age"]:
            day = begun(row)
            had = day.year - born[subject].year - ((day.month, day.day) < (7, 1))
            assert had == (90 if row["age"] == "> 89" else int(row["age"]))


@pytest.fixture(scope="module")
def labels(out: Path, tmp_path_factory: pytest.TempPathFactory) -> Labels:
    """Death in hospital, 24 hours after the first unit stay of a hospital stay began."""
    task = parse_task({"use": "mortality", "admission": "FIRST_ICU_ADMISSION"}, where="test")
    return make_labels(open_dataset(out), tmp_path_factory.mktemp("labels") / "labels", settings=task)


def test_the_index_stays_are_those_of_the_landmark_rule(stays: dict[str, Row], labels: Labels) -> None:
    """By 24 hours 164 of 1,380 had left, and 31 of 112 deaths were among them."""
    first: dict[str, Row] = {}
    for row in sorted(stays.values(), key=lambda row: int(row["unitvisitnumber"])):
        if row["hospitaldischargestatus"]:
            first.setdefault(row["patienthealthsystemstayid"], row)
    died = {subject for subject, row in first.items() if row["hospitaldischargestatus"] == "Expired"}
    there = {subject for subject, row in first.items() if int(row["hospitaldischargeoffset"]) >= 1440}
    assert (len(first), len(died), len(first) - len(there), len(died - there)) == (1_380, 112, 164, 31)
    told = labels.frame.to_dicts()
    assert {str(row["subject_id"]) for row in told} == there
    assert {str(row["subject_id"]) for row in told if row["boolean_value"]} == died & there
    day = dt.timedelta(hours=24)
    assert all(row["prediction_time"] == begun(first[str(row["subject_id"])]) + day for row in told)


def test_counts_predict_death_as_well_as_they_may(out: Path, labels: Labels) -> None:
    """Gradient boosting on counts reaches .79-.83; a leak would lift it above."""
    from lightgbm import LGBMClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    samples = labels.samples.join(labels.frame, on=["subject_id", "prediction_time"], maintain_order="left")
    settings = CountSettings(windows=((0, None),), aggregations=("count", "last"))
    features = count_features(open_dataset(out), samples, settings=settings)
    died = samples["boolean_value"].to_numpy()
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    scores = []
    for train, test in folds.split(died, died, samples["group_id"].to_numpy()):
        fitted = features.make_trees().fit(features.matrix[train])
        model = LGBMClassifier(
            n_estimators=150, learning_rate=0.03, num_leaves=15, colsample_bytree=0.3, n_jobs=2, verbose=-1
        ).fit(fitted.transform(features.matrix[train]), died[train])
        chance = model.predict_proba(fitted.transform(features.matrix[test]))[:, 1]
        scores.append(roc_auc_score(died[test], chance))
    assert 0.74 < sum(scores) / 5 < 0.87  # 81 deaths: a fold's draw moves the mean by some .03


def test_codes_read_as_words(events: list[dict[str, Any]], out: Path) -> None:
    book = open_dataset(out).codes
    used = {row["code"] for row in events}
    words = {code: text for code, text in book.select("code", "description").rows() if code in used}
    assert len(words) == len(used)
    assert [text for text in words.values() if any(mark in text for mark in "_|{}") or "HICL" in text] == []
    shouted = sorted(text for text in words.values() if text.isupper() and len(text) > 6)
    assert shouted == ["ALT (SGPT)", "AST (SGOT)"]


def test_the_dataset_is_valid_and_what_the_doctor_warns_of_is_true(out: Path) -> None:
    for shard in open_dataset(out).shards:
        DataSchema.validate(pq.read_table(shard.path))
    report = examine(out)
    assert report["n_broken"] == 0
    warned = [one for one in report["findings"] if one["status"] == "warning"]
    # Orders that begin after a death, pressures and heights that no one has, pumps that run at 999 mL/h.
    assert {one["check"] for one in warned} == {"dataset_lifetimes", "dataset_impossible"}
    assert max(one["count"] for one in warned) < 50
