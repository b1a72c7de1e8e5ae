"""Each check of a dataset: nothing in a sound one; one planted fault gives that finding and no other."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planted import BOOK, START, rewrite, sound_events, write_dataset

from osler.checks.dataset_duplicates import repeated_rows
from osler.checks.doctor import examine
from osler.checks.survey import Survey
from osler.record.dataset import open_dataset

DAY = dt.timedelta(days=1)


def test_a_sound_dataset_has_no_findings(sound):
    report = examine(sound)
    assert report["status"] == "ok", report["findings"]
    assert all(finding["example"] is None for finding in report["findings"])


def _ids(finding: dict) -> tuple:
    return tuple(finding["example"].get(name) for name in ("subject_id", "code"))


def test_the_faults_of_order_name_a_subject(sound, only):
    shard = sound / "data" / "0.parquet"
    whole = pl.read_parquet(shard)
    last = whole.filter(subject_id=7)[-1]
    rewrite(
        shard,
        lambda f: pl.concat(
            [f.filter(pl.col("subject_id") != 7), last, whole.filter(subject_id=7)[:-1]]
        ).sort("subject_id", maintain_order=True),
    )
    found = only(sound, "dataset_order", "broken")
    assert (found["count"], found["column"], _ids(found)) == (1, "time", (7, None))


def test_null_codes_are_found_once(sound, only):
    row = pl.col("subject_id") == 9
    rewrite(
        sound / "data" / "0.parquet",
        lambda f: f.with_columns(code=pl.when(~row | (pl.col("code") != "LAB//NA")).then("code")),
    )
    found = only(sound, "dataset_order", "broken")
    assert (found["count"], found["column"], _ids(found)) == (12, "code", (9, None))


def test_an_empty_code(plant, only):
    found = only(
        plant(
            lambda f: f.with_columns(
                code=pl.when(pl.col("subject_id") == 4)
                .then(pl.col("code").replace("LAB//NA", " "))
                .otherwise("code")
            )
        ),
        "dataset_codes",
        "broken",
    )
    assert (found["count"], _ids(found)) == (12, (4, None))


@pytest.mark.parametrize(
    ("zones", "status", "count"),
    [
        (("UTC", "UTC"), "warning", 2),
        (("America/New_York", "America/New_York"), "broken", 2),
        (("UTC", None), "broken", 1),
        (("UTC", "Europe/Berlin"), "broken", 2),
    ],
)
def test_times_with_a_zone(sound, only, zones, status, count):
    for name, zone in zip(("0", "1"), zones, strict=True):
        if zone is not None:
            rewrite(
                sound / "data" / f"{name}.parquet",
                lambda f, z=zone: f.with_columns(pl.col("time").dt.replace_time_zone(z)),
            )
    found = only(sound, "dataset_times", status)
    assert "times have a zone" in found["what"]
    assert (found["count"], found["column"]) == (count, "time")
    assert Path(found["example"]["file"]).is_file()


def test_events_without_a_time_and_midnights(plant, only):
    found = only(
        plant(
            lambda f: f.with_columns(
                time=pl.when((pl.col("code") != "LAB//NA") | (pl.col("subject_id") > 5)).then("time")
            )
        ),
        "dataset_times",
    )
    assert (found["count"], _ids(found)) == (60, (1, "LAB//NA"))
    dates = pl.when(pl.col("code").is_in(["VITAL//HR", "LAB//NA"])).then(
        pl.col("time").dt.truncate("1d") + DAY
    )
    found = only(plant(lambda f: f.with_columns(time=dates.otherwise("time"))), "dataset_times")
    # 24 of the 53 dated events of each subject; nothing else falls on midnight.
    assert (found["count"], _ids(found)) == (60 * 24, (1, "LAB//NA"))


def test_events_in_the_future(plant, only, monkeypatch):
    ahead = dt.datetime.now(dt.UTC).replace(tzinfo=None) + 3 * DAY
    chosen = (pl.col("subject_id") == 3) & (pl.col("code") == "LAB//NA")
    path = plant(lambda f: f.with_columns(time=pl.when(chosen).then(pl.lit(ahead)).otherwise("time")))
    found = only(path, "dataset_calendar")
    assert (found["count"], _ids(found)) == (12, (3, "LAB//NA"))
    # An hour ahead is a matter of clocks and zones.
    near = ahead - 3 * DAY + dt.timedelta(hours=1)
    assert (
        examine(plant(lambda f: f.with_columns(time=pl.when(chosen).then(pl.lit(near)).otherwise("time"))))[
            "status"
        ]
        == "ok"
    )


@pytest.mark.parametrize("dates", [None, "real", "shifted", "relative", "guessed"])
def test_what_dates_mean_decides(tmp_path, dates, only):
    events = sound_events().with_columns(pl.col("time") + pl.duration(days=365 * 150))
    settings = {} if dates is None else {"dates": dates}
    path = write_dataset(tmp_path / "shifted", events, settings=settings)
    if dates in ("shifted", "relative"):
        assert examine(path)["status"] == "ok"
        return
    found = only(path, "dataset_calendar")
    if dates is None:
        assert found["count"] == 60
        assert "taken as shifted" in found["what"]
        assert "dates: shifted" in found["remedy"]
    elif dates == "real":
        assert found["count"] == events.filter(pl.col("time").is_not_null()).height
    else:
        assert "shifted" in found["remedy"]


@pytest.mark.parametrize(("day", "count"), [(1, 12), (2, 0)])
def test_events_on_the_first_day_of_1900(plant, only, day, count):
    """It stands for an unknown date in many sources; those who were born then may well have been treated."""
    born = pl.when(pl.col("subject_id") == 8).then(pl.lit(dt.datetime(1899, 5, 5)))
    chosen = (pl.col("subject_id") == 8) & (pl.col("code") == "LAB//NA")
    time = (
        pl.when(pl.col("code") == "MEDS_BIRTH")
        .then(born.otherwise("time"))
        .when(chosen)
        .then(pl.lit(dt.datetime(1900, 1, day, 10)))
        .otherwise("time")
    )
    path = plant(lambda f: f.with_columns(time=time))
    if count:
        found = only(path, "dataset_calendar")
        assert (found["count"], _ids(found)) == (12, (8, "LAB//NA"))
    else:
        assert examine(path)["status"] == "ok"


@pytest.mark.parametrize(("year", "count"), [(1896, 1), (1898, 0)])
def test_ages_that_nobody_reaches(plant, only, year, count):
    path = plant(_move("MEDS_BIRTH", 8, dt.datetime(year, 1, 1)))
    if count:
        found = only(path, "dataset_lifetimes")
        assert (found["count"], _ids(found), "above 123 years" in found["what"]) == (
            1,
            (8, "MEDS_BIRTH"),
            True,
        )
    else:
        assert examine(path)["status"] == "ok"


def _move(code: str, subject: int, time: dt.datetime):
    chosen = (pl.col("subject_id") == subject) & (pl.col("code") == code)
    return lambda f: f.with_columns(time=pl.when(chosen).then(pl.lit(time)).otherwise("time"))


def test_events_before_birth(plant, only):
    born = dt.datetime(1950, 1, 1) + 5 * DAY
    found = only(plant(_move("VITAL//HR", 5, born - 2 * DAY)), "dataset_lifetimes")
    assert (found["count"], _ids(found)) == (12, (5, "VITAL//HR"))
    assert "VITAL 12" in found["what"]
    assert examine(plant(_move("VITAL//HR", 5, born - 0.5 * DAY)))["status"] == "ok"


@pytest.mark.parametrize(
    ("code", "days", "count"),
    [
        ("VITAL//HR", 1.5, 12),
        ("VITAL//HR", 0.5, 0),
        ("ICD10CM//J18.9", 20, 0),
        ("ICD10CM//J18.9", 40, 1),
        ("NOTE//progress", 20, 0),
    ],
)
def test_events_after_death(plant, only, code, days, count):
    died = START + 10 * DAY + 4 * DAY
    path = plant(_move(code, 10, died + days * DAY))
    if not count:
        assert examine(path)["status"] == "ok"
        return
    found = only(path, "dataset_lifetimes")
    assert (found["count"], _ids(found)) == (count, (10, code))
    assert f"{code.partition('/')[0]} {count}" in found["what"]


def test_births_and_deaths_that_contradict_each_other(plant, only):
    again = sound_events().filter((pl.col("subject_id") == 20) & (pl.col("code") == "MEDS_DEATH"))
    found = only(
        plant(lambda f: pl.concat([f, again.with_columns(pl.col("time") + DAY)])), "dataset_lifetimes"
    )
    assert (found["what"], found["count"], _ids(found)) == (
        "subjects with several times of death",
        1,
        (20, "MEDS_DEATH"),
    )
    found = only(plant(_move("MEDS_DEATH", 30, dt.datetime(1940, 1, 1))), "dataset_lifetimes")
    # Every other event of this subject lies after such a death: told once, by its cause.
    assert found["what"] == "subjects who died before they were born"


def test_duplicate_rows(plant, only):
    twice = sound_events().filter((pl.col("code") == "LAB//NA") & (pl.col("subject_id") <= 3))
    found = only(plant(lambda f: pl.concat([f, twice])), "dataset_duplicates")
    assert (found["count"], _ids(found)) == (36, (1, "LAB//NA"))
    one = examine(plant(lambda f: pl.concat([f, twice.head(1)])))
    assert one["status"] == "ok"
    assert next(f["count"] for f in one["findings"] if f["check"] == "dataset_duplicates") == 1


row = st.tuples(
    st.integers(1, 4),
    st.sampled_from("AB"),
    st.sampled_from([None, 1.0, 2.0]),
    st.sampled_from([None, "", "x"]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(row, min_size=1, max_size=30), batch=st.integers(1, 9))
def test_duplicates_are_those_of_plain_python(rows, batch, tmp_path, monkeypatch):
    monkeypatch.setattr("osler.checks.dataset_duplicates.BATCH_ROWS", batch)
    rows = sorted(rows, key=lambda one: one[0])
    kinds = {"subject_id": pl.Int64, "code": pl.String, "numeric_value": pl.Float32, "text_value": pl.String}
    frame = pl.DataFrame(rows, schema=kinds, orient="row").with_columns(
        time=pl.lit(START).cast(pl.Datetime("us"))
    )
    (tmp_path / "data").mkdir(exist_ok=True)
    pq.write_table(frame.to_arrow(), tmp_path / "data" / "0.parquet")
    seen: set[tuple] = set()
    expected = {"A": 0, "B": 0}
    for one in rows:
        expected[one[1]] += one in seen
        seen.add(one)
    counted = repeated_rows(open_dataset(tmp_path))
    assert dict(counted.select("code", "n").iter_rows()) == {code: n for code, n in expected.items() if n}


def test_duplicates_of_codes_in_dictionaries(tmp_path, monkeypatch):
    """Each row group has a dictionary of its own, in which a code has another number."""
    n = 600
    subjects = [i // 50 for i in range(n)]
    codes = [f"C{i * 7 % 13}" for i in range(n)]
    times = pa.array([START] * n, pa.timestamp("us"))
    coded = pa.array(codes).dictionary_encode()
    table = pa.table({"subject_id": pa.array(subjects, pa.int64()), "time": times, "code": coded})
    (tmp_path / "data").mkdir()
    pq.write_table(table, tmp_path / "data" / "0.parquet", row_group_size=30)
    for batch in (7, 30, 333, n):
        monkeypatch.setattr("osler.checks.dataset_duplicates.BATCH_ROWS", batch)
        counted = repeated_rows(open_dataset(tmp_path))
        assert counted["n"].sum() == n - len(set(zip(subjects, codes, strict=True)))


def test_codes_without_description_twice_or_of_unknown_kind(sound, only):
    book = sound / "metadata" / "codes.parquet"
    stored = pl.read_parquet(book)
    rewrite(
        book, lambda f: f.with_columns(description=pl.when(pl.col("code") != "LAB//NA").then("description"))
    )
    found = only(sound, "dataset_codes")
    assert (found["count"], found["example"]) == (1, {"code": "LAB//NA"})
    strange = pl.when(pl.col("code") == "LAB//NA").then(pl.lit("number")).otherwise("kind").alias("kind")
    rewrite(book, lambda f: stored.with_columns(strange))
    assert only(sound, "dataset_codes", "broken")["column"] == "kind"
    rewrite(book, lambda f: pl.concat([stored, stored.filter(code="LAB//GLU")]))
    assert only(sound, "dataset_codes", "broken")["example"] == {"code": "LAB//GLU"}


def test_columns_named_like_outcomes(plant, only):
    def change(f):
        return pl.concat(
            [
                f,
                f.filter(pl.col("code") == "HOSPITAL_ADMISSION//EMERGENCY").with_columns(
                    code=pl.lit("COL//died_30d")
                ),
            ]
        )

    book = pl.DataFrame({"code": ["COL//died_30d"], "description": ["x"], "role": ["baseline"]})
    found = only(plant(change, codes=pl.concat([_book(), book], how="diagonal")), "dataset_outcomes")
    assert (found["count"], found["example"]) == (1, {"code": "COL//died_30d"})
    later = book.with_columns(role=pl.lit("outcome"))
    assert examine(plant(change, codes=pl.concat([_book(), later], how="diagonal")))["status"] == "ok"
    # A person has said that it is known at baseline.
    path = plant(change, codes=pl.concat([_book(), book], how="diagonal"))
    (path / "metadata" / "ingest.json").write_text(json.dumps({"spec": {"baseline": ["died_*"]}}))
    assert examine(path)["status"] == "ok"


def _book() -> pl.DataFrame:
    return pl.DataFrame({"code": list(BOOK), "description": [words for words, _ in BOOK.values()]})


@pytest.mark.parametrize(
    ("change", "status", "count", "words"),
    [
        (lambda f: f.drop("hospital"), "broken", 2, "no shard has"),
        (lambda f: f.with_columns(hospital=pl.lit(" ")), "warning", 0, "no value"),
        (lambda f: f.with_columns(hospital=pl.lit("one")), "warning", 1, "one site only"),
        (
            lambda f: f.with_columns(
                hospital=pl.when(pl.col("subject_id") < 10).then(pl.lit("tiny")).otherwise("hospital")
            ),
            "warning",
            1,
            "1 of 3 sites",
        ),
    ],
)
def test_sites(plant, only, change, status, count, words):
    path = plant(change)
    found = only(path, "dataset_sites", status)
    assert words in found["what"]
    assert found["count"] == (open_dataset(path).rows if words == "no value" else count)


def test_a_site_column_that_some_shards_lack(sound, only):
    rewrite(sound / "data" / "1.parquet", lambda f: f.drop("hospital"))
    found = only(sound, "dataset_sites")
    assert (found["count"], "1 of 2 shards" in found["what"]) == (1, True)


@pytest.mark.parametrize(
    ("change", "status", "what", "count", "example"),
    [
        (
            lambda f: pl.concat([f, f.filter(subject_id=7).with_columns(split=pl.lit("other"))]),
            "broken",
            "subjects are in two splits",
            1,
            {"subject_id": 7},
        ),
        (
            lambda f: f.filter(pl.col("subject_id") != 7),
            "warning",
            "subjects without a split",
            1,
            {"subject_id": 7},
        ),
        (
            lambda f: pl.concat([f, f.head(1).with_columns(subject_id=pl.lit(99, pl.Int64))]),
            "warning",
            "subjects of the splits that have no events",
            1,
            {"subject_id": 99},
        ),
        (lambda f: pl.concat([f, f.head(1)]), None, None, None, None),
    ],
)
def test_splits(sound, only, change, status, what, count, example):
    rewrite(sound / "metadata" / "subject_splits.parquet", change)
    if status is None:
        assert examine(sound)["status"] == "ok"
        return
    found = only(sound, "dataset_splits", status)
    assert (found["what"], found["count"], found["example"]) == (what, count, example)


def test_persons_on_two_sides(sound, only):
    splits = pl.read_parquet(sound / "metadata" / "subject_splits.parquet")
    train = splits.filter(split="train")["subject_id"][0]
    other = splits.filter(pl.col("split") != "train")["subject_id"][0]
    subjects = sound / "metadata" / "subjects.parquet"
    rewrite(
        subjects,
        lambda f: f.with_columns(
            group_id=pl.when(pl.col("subject_id") == other).then(train).otherwise("group_id")
        ),
    )
    subjects.chmod(0o600)
    found = only(sound, "dataset_splits", "broken")
    assert (found["count"], found["example"]) == (1, {"group_id": train})


def test_the_survey_counts_what_plain_polars_counts(sound):
    survey = Survey(sound)
    events = sound_events()
    pairs = survey.pairs
    assert pairs["n"].sum() == events.height
    assert pairs["n_numbers"].sum() == events["numeric_value"].count()
    assert dict(pairs.group_by("code").agg(pl.col("n").sum()).iter_rows()) == dict(
        events["code"].value_counts().iter_rows()
    )
    assert pairs["n_timeless"].sum() == 60
    subjects = survey.subjects
    assert subjects.height == 60
    assert subjects["deaths"].sum() == subjects["death"].count() == 6
    dated = (
        events.filter(pl.col("code") != "MEDS_BIRTH")
        .group_by("subject_id")
        .agg(first=pl.col("time").min(), last=pl.col("time").max())
        .sort("subject_id")
    )
    assert subjects.select("subject_id", "first", "last").equals(dated)
