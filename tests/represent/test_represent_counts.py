"""Counts against a plain-Python oracle: window edges, ties, nulls, duplicates, bursts; and no leakage."""

import math
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from osler.base.errors import InputError
from osler.record.dataset import open_dataset
from osler.record.write import write_events, write_metadata
from osler.represent.counts import count_features
from osler.represent.settings import CountSettings, window_name
from osler.represent.vocabulary import Counts, CountVocabulary

T0 = datetime(2020, 1, 1)
DAY = timedelta(days=1)
SCHEMA = {
    "subject_id": pl.Int64,
    "time": pl.Datetime("us"),
    "code": pl.String,
    "numeric_value": pl.Float32,
    "text_value": pl.String,
}
WINDOWS = ((0.0, 1.0), (1.0, 30.0), (30.0, None), (0.0, None), (0.0, 30.0))


def make_dataset(folder, rows, *, shards=2, undated=False, codes=None):
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    for shard in range(shards):
        part = frame.filter(pl.col("subject_id") % shards == shard)
        if part.height or shard == 0:
            write_events(folder, f"train/{shard}", part)
    book = pl.DataFrame({"code": []}, schema={"code": pl.String}) if codes is None else codes
    write_metadata(folder, name="d", codes=book, used=frame["code"].unique(), settings={"undated": undated})
    return open_dataset(folder)


def samples_of(keys):
    return pl.DataFrame(
        keys, schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")}, orient="row"
    )


def stored(features):
    """{(row, name): value} of the stored cells."""
    cells = features.matrix.tocoo()
    triples = zip(cells.row.tolist(), cells.col.tolist(), cells.data.tolist(), strict=True)
    return {(row, features.names[column]): value for row, column, value in triples}


def oracle(rows, keys, windows, *, text_length=40):
    """The same in plain Python, event by event."""

    def order(event):
        _, time, code, value, text = event
        unknown = math.isnan(value or 0.0)
        number = (value is not None, unknown, 0.0 if unknown else value or 0.0)
        return (time is not None, time or T0, code, *number, text is not None, text or "")

    cells = {}
    for row, (subject, moment) in enumerate(keys):
        births = []
        for near, far in windows:
            runs = {}
            for _, time, code, value, text in sorted((r for r in rows if r[0] == subject), key=order):
                if code == "MEDS_BIRTH" and time is not None:
                    births.append(time)
                if time is None:
                    if (near, far) != (0.0, None):
                        continue
                else:
                    before = (moment - time) / DAY
                    if before < 0 or before < near or (far is not None and before >= far):
                        continue
                runs.setdefault(code, []).append(value)
                label = (text or "").strip()
                if label and len(label) <= text_length and value is None and not code.startswith("NOTE//"):
                    runs.setdefault(f"{code}={label}", []).append(None)
            for name, values in runs.items():
                known = [v for v in values if v is not None and math.isfinite(v)]
                prefix = f"{name}|{window_name((near, far))}|"
                cells[row, prefix + "count"] = len(values)
                if known:
                    cells[row, prefix + "last"] = known[-1]
                    cells[row, prefix + "min"] = min(known)
                    cells[row, prefix + "max"] = max(known)
                    cells[row, prefix + "sum"] = sum(known)
        if births and min(births) <= moment:
            cells[row, "age"] = (moment - min(births)) / DAY / 365.25
    return cells


# Few distinct moments: many ties, and events exactly at the edges of windows and at the prediction time.
moments = st.sampled_from(
    [T0 + i * DAY for i in range(0, 75, 5)]
    + [T0 + 60 * DAY - DAY, T0 + 30 * DAY, T0 + 60 * DAY + timedelta(microseconds=1)]
)
events = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.none() | moments,
        st.sampled_from(["A", "B", "A=x", "NOTE//d", "MEDS_BIRTH"]),
        st.none() | st.sampled_from([0.0, 1.5, -2.0, 3.0, float("nan"), float("inf")]),
        st.none() | st.sampled_from(["x", " y ", "", "w" * 41]),
    ),
    max_size=40,
)
sample_keys = st.lists(st.tuples(st.integers(0, 4), moments), min_size=1, max_size=8, unique=True)


@settings(deadline=None, max_examples=80)
@given(events, sample_keys)
def test_counts_equal_the_oracle(rows, keys):
    everyone = rows + [(subject, T0, "HERE", None, None) for subject in range(5)]
    with tempfile.TemporaryDirectory() as folder:
        dataset = make_dataset(Path(folder), everyone)
        features = count_features(dataset, samples_of(keys), settings=CountSettings(windows=WINDOWS))
    expected = oracle(everyone, keys, WINDOWS)
    found = stored(features)
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(expected[key], rel=1e-6) for key in found)
    assert features.matrix.has_sorted_indices
    assert len(set(features.names)) == len(features.names)
    for name, is_value in zip(features.names, features.value_columns, strict=True):
        assert is_value == (not name.endswith("|count"))


def later(rows, keys):
    latest = {}
    for subject, moment in keys:
        latest[subject] = max(latest.get(subject, moment), moment)
    return [r for r in rows if r[1] is not None and r[0] in latest and r[1] > latest[r[0]]]


@settings(deadline=None, max_examples=40)
@given(events, sample_keys, events, st.randoms(use_true_random=False))
def test_what_happens_after_the_prediction_time_changes_nothing(rows, keys, added, random):
    everyone = rows + [(subject, T0, "HERE", None, None) for subject in range(5)]
    future = later(everyone, keys)
    past = [row for row in everyone if row not in future]
    changed = [(s, t + DAY, code + "!", 7.0, "new") for s, t, code, _, _ in future[::2]]
    fresh = past + changed + later(added, keys)
    random.shuffle(fresh)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        a = count_features(make_dataset(Path(one), everyone), samples_of(keys))
        b = count_features(make_dataset(Path(two), fresh), samples_of(keys))
    assert a.names == b.names
    for name in ("data", "indices", "indptr"):
        assert getattr(a.matrix, name).tobytes() == getattr(b.matrix, name).tobytes()


@settings(deadline=None, max_examples=25)
@given(events, sample_keys, events)
def test_other_subjects_change_neither_rows_nor_vocabulary(rows, keys, other):
    """Test subjects may bring columns of their own; those of training rows, and what is fitted, stay."""
    mine = [row for row in rows if row[0] < 3] + [(s, T0, "HERE", 1.0, None) for s in range(5)]
    keys = [key for key in keys if key[0] < 3] or [(0, T0)]
    test_keys = [(s, T0 + 60 * DAY) for s in (3, 4)]
    kept = []
    for theirs in (rows, other):
        events_now = mine + [row for row in theirs if row[0] >= 3]
        with tempfile.TemporaryDirectory() as folder:
            features = count_features(make_dataset(Path(folder), events_now), samples_of(keys + test_keys))
        train = features.matrix[: len(keys)]
        vocabulary = features.make_transformer().fit(train)
        kept.append((vocabulary.get_feature_names_out().tolist(), vocabulary.transform(train).toarray()))
    assert kept[0][0] == kept[1][0]
    assert np.array_equal(kept[0][1], kept[1][1])


def test_every_row_of_a_time_stamp_counts(tmp_path):
    """MEDS-Tab 0.2.0 gave [[1, 1, 0], [1, 1, 0]] here: it saw one row per time stamp."""
    rows = [(1, T0, code, None, None) for code in "012"] + [(1, T0 + DAY, "0", None, None)]
    settings_ = CountSettings(windows=((0.0, None),), aggregations=("count",), age=False)
    features = count_features(
        make_dataset(tmp_path, rows), samples_of([(1, T0), (1, T0 + DAY)]), settings=settings_
    )
    assert features.matrix.toarray().tolist() == [[1, 1, 1], [2, 1, 1]]


def test_values_of_one_time_stamp_are_measurements(tmp_path):
    """MEDS-Tab 0.2.0 counted one of two equal measurements of a time stamp."""
    rows = [(1, T0, "K", 3.0, None), (1, T0, "K", 3.0, None), (1, T0, "X", None, None)]
    settings_ = CountSettings(windows=((0.0, None),), aggregations=("sum", "count"), age=False)
    features = count_features(make_dataset(tmp_path, rows), samples_of([(1, T0)]), settings=settings_)
    assert stored(features) == {(0, "K|ever|sum"): 6, (0, "K|ever|count"): 2, (0, "X|ever|count"): 1}


def test_a_measured_zero_is_stored_and_unmeasured_is_missing(tmp_path):
    rows = [(1, T0, "K", 0.0, None), (2, T0, "X", None, None), (2, T0, "X", None, None)]
    features = count_features(
        make_dataset(tmp_path, rows),
        samples_of([(1, T0), (2, T0)]),
        settings=CountSettings(windows=((0.0, None),), aggregations=("last", "count"), age=False),
    )
    tree = features.make_trees()
    dense = tree.fit_transform(features.matrix)
    names = tree.get_feature_names_out().tolist()
    assert dense[:, names.index("K|ever|last")].tolist() == pytest.approx([0, math.nan], nan_ok=True)
    assert dense[:, names.index("X|ever|count")].tolist() == [0, 2]


def test_undated_datasets_have_one_window_and_the_age_that_texts_tell(tmp_path):
    rows = [
        (1, T0, "COL//a", 1.0, None),
        (1, T0 + DAY / 2, "COL//died", 1.0, None),
        (1, T0 - 365.25 * DAY, "MEDS_BIRTH", None, None),
    ]
    dataset = make_dataset(tmp_path, rows, undated=True)
    features = count_features(dataset, samples_of([(1, T0)]))
    assert {name.split("|")[1] for name in features.names if "|" in name} == {"ever"}
    assert features.matrix[0, features.names.index("age")] == pytest.approx(1)
    assert not any("died" in name for name in features.names)
    with pytest.raises(InputError, match="undated"):
        count_features(dataset, samples_of([(1, T0)]), settings=CountSettings(windows=((0.0, 1.0),)))


def test_identifiers_and_notes_are_no_features(tmp_path):
    rows = [(1, T0, "COL//mrn", None, "abc"), (1, T0, "COL//note", None, "short"), (1, T0, "A", None, "x")]
    codes = pl.DataFrame(
        {"code": ["COL//mrn", "COL//note"], "role": ["identifier", None], "kind": [None, "note"]},
    )
    features = count_features(make_dataset(tmp_path, rows, codes=codes), samples_of([(1, T0)]))
    assert {name.split("|")[0] for name in features.names} == {"COL//note", "A", "A=x"}


def test_order_of_samples_is_the_order_of_rows(tmp_path):
    rows = [(s, T0 + i * DAY, "A", float(s * i), None) for s in range(6) for i in range(4)]
    dataset = make_dataset(tmp_path, rows, shards=3)
    keys = [(s, T0 + i * DAY) for s in range(6) for i in (3, 1)]
    a = count_features(dataset, samples_of(keys))
    b = count_features(dataset, samples_of(keys[::-1]))
    assert a.names == b.names
    assert np.array_equal(a.matrix.toarray(), b.matrix.toarray()[::-1])


def test_unknown_subjects_and_divided_subjects_are_refused(tmp_path):
    dataset = make_dataset(tmp_path / "a", [(1, T0, "A", None, None)])
    with pytest.raises(InputError, match="does not have"):
        count_features(dataset, samples_of([(1, T0), (9, T0)]))
    for shard in ("0", "1"):
        frame = pl.DataFrame([(1, T0, "A", None, None)], schema=SCHEMA, orient="row")
        write_events(tmp_path / "b", shard, frame)
    with pytest.raises(InputError, match="more than one shard"):
        count_features(open_dataset(tmp_path / "b"), samples_of([(1, T0)]))


@pytest.mark.parametrize("windows", [(), ((2.0, 1.0),), ((-1.0, 1.0),), ((0.0, 1.0), (0.0, 1.0))])
def test_windows_that_are_none_are_refused(windows):
    with pytest.raises(InputError, match="window"):
        CountSettings.parse({"windows": windows}, where="counts")


def test_vocabulary_keeps_supported_columns_and_the_first_of_equal_ones():
    from scipy import sparse

    dense = np.zeros((400, 5), dtype=np.float32)
    dense[:3, 0] = 1  # too rare: 1 % of 400 rows are 4
    dense[:4, 1] = 2
    dense[:50, 2] = np.arange(1, 51)
    dense[:50, 3] = np.arange(1, 51)
    dense[:50, 4] = np.arange(1, 51)
    values = np.array([False, False, False, False, True])
    vocabulary = CountVocabulary(min_samples=10, value_columns=values, names=list("abcde"))
    kept = vocabulary.fit_transform(sparse.csr_matrix(dense))
    assert vocabulary.get_feature_names_out().tolist() == ["b", "c", "e"]
    assert vocabulary.value_columns_.tolist() == [False, False, True]
    assert np.array_equal(kept.toarray(), dense[:, [1, 2, 4]])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.sampled_from([0, 1, 2]), min_size=6, max_size=6), min_size=1, max_size=6))
def test_vocabulary_finds_exactly_the_distinct_columns(columns):
    from scipy import sparse

    dense = np.array(columns, dtype=np.float32).T
    kept = CountVocabulary(min_samples=1).fit(sparse.csr_matrix(dense)).columns_
    expected = [i for i, column in enumerate(columns) if any(column) and column not in columns[:i]]
    assert kept.tolist() == expected


def test_counts_is_an_estimator_that_aligns_columns_by_name(tmp_path):
    rows = [(s, T0, "A", float(s), None) for s in range(8)] + [(7, T0, "RARE", None, None)]
    make_dataset(tmp_path, rows)
    counts = clone(Counts(dataset=str(tmp_path), windows=((0.0, None),), aggregations=("count", "last")))
    assert counts.get_params()["windows"] == ((0.0, None),)
    train = counts.fit_transform(samples_of([(s, T0) for s in range(7)]))
    names = counts.get_feature_names_out().tolist()
    assert names == ["A|ever|count", "A|ever|last"]
    assert np.array_equal(
        train.toarray(), counts.transform(samples_of([(s, T0) for s in range(7)])).toarray()
    )
    assert counts.transform(samples_of([(7, T0)])).toarray().tolist() == [[1, 7]]


@pytest.mark.real
def test_counts_of_a_real_export_equal_the_oracle(real_data):
    """MEDS shards as ACES ships them: two samples of each of twelve subjects."""
    dataset = open_dataset(real_data / "meds" / "aces_meds_sample")
    frame = dataset.read(dataset.shards[1], columns=["numeric_value", "text_value"]).filter(
        pl.col("subject_id").is_in(pl.col("subject_id").unique().sort().head(12).implode())
    )
    rows = [
        (subject, time, code, value, text)
        for subject, time, code, value, text in frame.select(*SCHEMA).iter_rows()
    ]
    dated = frame.drop_nulls("time").group_by("subject_id", maintain_order=True)
    keys = [
        (int(name[0]), events_of["time"].sort()[int(share * (events_of.height - 1))])
        for name, events_of in dated
        for share in (0.4, 0.9)
    ]
    found = stored(count_features(dataset, samples_of(keys), settings=CountSettings(windows=WINDOWS)))
    expected = oracle(rows, keys, WINDOWS)
    assert len(found) > 1000
    assert found.keys() == expected.keys()
    assert all(found[key] == pytest.approx(expected[key], rel=1e-5) for key in found)
