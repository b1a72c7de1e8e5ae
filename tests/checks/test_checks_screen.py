"""The screen of single codes: against pairs counted by hand, on planted leaks, and on nothing at all."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from planted import START, sound_events, write_dataset

from osler.checks.label_leaks import drawn, last_seen
from osler.checks.screen import FOLDS, Suspect, suspects
from osler.record.dataset import open_dataset
from osler.task.labels import open_labels

DAY = dt.timedelta(days=1)


def seen_of(columns: dict[str, tuple[np.ndarray, np.ndarray | None, np.ndarray | None]]) -> pl.DataFrame:
    """What `suspects` takes: code -> (rows that have it, their numbers, their words)."""
    parts = []
    for code, (rows, number, word) in columns.items():
        parts.append(
            pl.DataFrame(
                {
                    "sample": rows.astype(np.int64),
                    "code": [code] * len(rows),
                    "number": [None] * len(rows) if number is None else number.astype(np.float64),
                    "word": [None] * len(rows) if word is None else word.astype(np.uint64),
                },
                schema={"sample": pl.Int64, "code": pl.String, "number": pl.Float64, "word": pl.UInt64},
            )
        )
    return pl.concat(parts)


def _screen(columns: dict, y: np.ndarray) -> dict[str, Suspect]:
    fold = np.arange(len(y)) % FOLDS
    return {one.code: one for one in suspects(seen_of(columns), y, fold)}


def _pairs(y: np.ndarray, score: np.ndarray) -> float:
    """Share of pairs of an event and a non-event in which the event scores higher; ties one half."""
    wins = [(a > b) + (a == b) / 2 for a in score[y] for b in score[~y]]
    return float(np.mean(wins))


def test_the_areas_are_those_of_pairs_counted_by_hand():
    random = np.random.default_rng(0)
    y = random.random(120) < 0.3
    everyone = np.arange(120)
    value = y * 3.0 + random.standard_normal(120)
    low = np.flatnonzero(random.random(120) < np.where(y, 0.04, 0.96))
    found = _screen({"high": (everyone, value, None), "kept": (low, None, None)}, y)
    assert found["high"].by == "number"
    assert found["high"].auroc.value == pytest.approx(_pairs(y, value), abs=1e-12)
    recorded = np.isin(everyone, low).astype(float)
    assert found["kept"].by == "recorded"
    assert found["kept"].auroc.value == pytest.approx(1 - _pairs(y, recorded), abs=1e-12)
    assert found["kept"].auroc.low < found["kept"].auroc.value < found["kept"].auroc.high


def test_levels_are_scored_with_rates_of_the_other_folds():
    random = np.random.default_rng(1)
    y = random.random(200) < 0.4
    everyone, fold = np.arange(200), np.arange(200) % FOLDS
    # Numbers that mean nothing by their order: a leak of places of discharge, coded 1 to 8.
    level = np.where(y, random.choice([2, 5], 200), random.choice([1, 3, 4, 6, 7, 8], 200))
    found = _screen({"place": (everyone, level, None), "word": (everyone, None, level)}, y)
    score = np.zeros(200)
    for i in range(200):
        alike = [j for j in range(200) if fold[j] != fold[i] and level[j] == level[i]]
        others = [j for j in range(200) if fold[j] != fold[i]]
        score[i] = (sum(y[j] for j in alike) + np.mean(y[others])) / (len(alike) + 1)
    for code in ("place", "word"):
        assert found[code].by == "level"
        assert found[code].auroc.value == pytest.approx(_pairs(y, score), abs=1e-12)


@pytest.mark.parametrize("events", [12, 40, 400])
def test_planted_leaks_are_found_with_few_events(events):
    random = np.random.default_rng(events)
    n = 10 * events
    y = np.zeros(n, dtype=bool)
    y[:events] = True
    everyone = np.arange(n)
    noise = {f"LAB//{i}": (everyone, random.standard_normal(n), None) for i in range(200)}
    only_they = np.flatnonzero(y)
    days = np.where(y, random.integers(1, 14, n), 14.0)  # days on a drug that the dead did not finish
    days[random.random(n) < 0.05] = 7
    leaks = {"DEAD": (only_they, None, None), "DAYS": (everyone, days, None)}
    assert _screen({**noise, **leaks}, y).keys() == {"DEAD", "DAYS"}


def test_nothing_is_found_in_nothing():
    """200 cohorts of 60 codes that have nothing to do with the outcome, some of them in few samples."""
    alarms = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        n, events = int(random.choice([100, 400, 1500])), int(random.choice([10, 15, 40]))
        y = np.zeros(n, dtype=bool)
        y[random.choice(n, events, replace=False)] = True
        columns = {}
        for i in range(60):
            rows = np.flatnonzero(random.random(n) < random.choice([0.02, 0.2, 0.7, 1.0]))
            if not len(rows):
                continue
            words = random.integers(1, 30, len(rows))
            number = random.standard_normal(len(rows)).round(1)
            columns[f"C{i}"] = (rows, number, None) if i % 2 else (rows, None, words)
        alarms += bool(_screen(columns, y))
    assert alarms == 0


def test_a_strong_predictor_is_no_leak():
    """An AUROC of about .76, as the best single measurement of a cohort has, is left alone."""
    random = np.random.default_rng(3)
    y = random.random(3000) < 0.1
    value = y * 1.0 + random.standard_normal(3000)
    assert _screen({"GCS": (np.arange(3000), value, None)}, y) == {}


def test_the_last_values_are_those_of_plain_python(tmp_path):
    random = np.random.default_rng(4)
    events = sound_events(30)
    words = pl.Series(
        [None if random.random() < 0.8 else f"w{random.integers(3)}" for _ in range(events.height)]
    )
    events = events.with_columns(text_value=pl.coalesce("text_value", words))
    dataset = open_dataset(write_dataset(tmp_path / "d", events))
    samples = pl.DataFrame({"subject_id": list(range(1, 31)) * 2}).with_row_index("n")
    hours = pl.col("n").cast(pl.Int64) % 15
    samples = samples.with_columns(
        prediction_time=(pl.lit(START) + pl.duration(days="subject_id", hours=hours)).cast(pl.Datetime("us"))
    )
    seen = last_seen(dataset, samples)
    expected = {}
    ordered = events.sort("subject_id", "time", "code", "numeric_value", "text_value", nulls_last=False)
    for sample, subject, at in (
        samples.with_row_index("i").select("i", "subject_id", "prediction_time").iter_rows()
    ):
        for row in ordered.filter(pl.col("subject_id") == subject).iter_rows(named=True):
            if row["code"].startswith("NOTE//") or (row["time"] is not None and row["time"] > at):
                continue
            last = expected.setdefault((sample, row["code"]), [None, None])
            last[0] = row["numeric_value"] if row["numeric_value"] is not None else last[0]
            last[1] = row["text_value"] if row["text_value"] is not None else last[1]
    found = {
        (sample, code): (number, word)
        for sample, code, number, word in seen.select("sample", "code", "number", "word").iter_rows()
    }
    assert found.keys() == expected.keys()
    assert {key: number for key, (number, _) in found.items()} == {
        key: last[0] for key, last in expected.items()
    }
    # Words are hashes: equal where the words are.
    pairs = {(found[key][1], last[1]) for key, last in expected.items()}
    assert len({word for word, _ in pairs}) == len({text for _, text in pairs}) == len(pairs)


def test_one_sample_of_each_person_and_label(tmp_path):
    rows = [
        (subject, START + hour * dt.timedelta(hours=1), hour % 3 == 0)
        for subject in range(5)
        for hour in range(9)
    ]
    kinds = {"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean}
    pl.DataFrame(rows, schema=kinds, orient="row").write_parquet(tmp_path / "0.parquet")
    taken = drawn(open_labels(tmp_path))
    assert taken.height == 10
    assert taken.select("group_id", "boolean_value").is_unique().all()
    assert taken.equals(drawn(open_labels(tmp_path)))
