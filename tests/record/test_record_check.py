"""Checks, canonical order, ids and splits against plain Python."""

import datetime as dt
import stat
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.record.check import check_dataset, find_problems
from osler.record.dataset import in_canonical_order, open_dataset
from osler.record.identifiers import dataset_key, hashed_id, integer_ids
from osler.record.schema import CANONICAL_ORDER, EVENT_TYPES
from osler.record.splits import default_splits
from osler.record.write import write_events, write_metadata

DAY = dt.datetime(2020, 1, 1)


def _frame(rows: list[tuple]) -> pl.DataFrame:
    kinds = {
        name: EVENT_TYPES[name] for name in ("subject_id", "time", "code", "numeric_value", "text_value")
    }
    return pl.DataFrame([(*row, None, None)[:5] for row in rows], schema=kinds, orient="row")


def _raw(folder: Path, **shards: list[tuple]) -> Path:
    """Shards exactly as given, not sorted by us."""
    for name, rows in shards.items():
        path = folder / "data" / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(_frame(rows).to_arrow(), path)
    return folder


GOOD = [(1, None, "A"), (1, DAY, "B", 1.0), (1, DAY, "A"), (2, DAY, "A")]


def test_a_good_dataset_passes(tmp_path):
    check_dataset(open_dataset(_raw(tmp_path, a=GOOD, b=[(3, DAY, "A")])))


@pytest.mark.parametrize(
    ("rows", "column", "count"),
    [
        ([(1, DAY, "A"), (2, DAY, "A"), (1, DAY, "A")], "subject_id", 1),
        ([(1, DAY, "A"), (1, DAY - dt.timedelta(1), "A"), (2, DAY - dt.timedelta(2), "A")], "time", 1),
        ([(1, DAY, "A"), (1, None, "A")], "time", 1),
        ([(None, DAY, "A"), (None, DAY, "A"), (1, DAY, "A")], "subject_id", 2),
        ([(1, DAY, None), (1, DAY, "A")], "code", 1),
        ([(1, DAY, "A", float("nan")), (1, DAY, "A", float("inf")), (1, DAY, "A", 1.0)], "numeric_value", 2),
    ],
)
def test_a_broken_rule_names_file_column_count_and_remedy(tmp_path, rows, column, count, monkeypatch):
    dataset = open_dataset(_raw(tmp_path, part=rows))
    with pytest.raises(InputError) as caught:
        check_dataset(dataset)
    assert "part.parquet" in str(caught.value)
    assert f"column {column}" in str(caught.value)
    assert caught.value.count == count
    assert caught.value.remedy
    # The same rows found one batch at a time.
    whole = find_problems(dataset)
    monkeypatch.setattr("osler.record.check.BATCH_ROWS", 1)
    assert find_problems(dataset) == whole


def test_a_subject_in_two_shards_is_refused(tmp_path):
    dataset = open_dataset(_raw(tmp_path, a=[(1, DAY, "A"), (7, DAY, "A")], b=[(7, DAY, "A"), (8, DAY, "A")]))
    with pytest.raises(InputError, match=r"subject 7 in a\.parquet, b\.parquet") as caught:
        check_dataset(dataset)
    assert caught.value.count == 1


row = st.tuples(
    st.integers(0, 2),
    st.sampled_from([None, DAY, DAY + dt.timedelta(1)]),
    st.sampled_from(["A", "B", "é"]),
    st.sampled_from([None, -1.0, 0.5, 2.0]),
    st.sampled_from([None, "", "x"]),
    st.sampled_from([None, "mg", "g"]),
    st.sampled_from([None, 1, 2]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(row, max_size=12))
def test_canonical_order_is_that_of_plain_python(rows):
    kinds = {name: EVENT_TYPES[name] for name in CANONICAL_ORDER}
    frame = pl.DataFrame(rows, schema=kinds, orient="row")
    expected = sorted(
        rows, key=lambda r: tuple((value is not None, value if value is not None else 0) for value in r)
    )
    # Python compares (False, 0) with (True, value) by the flag alone, so nulls come first.
    result = in_canonical_order(frame)
    assert result.rows() == expected
    assert in_canonical_order(result).rows() == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(row, min_size=1, max_size=10))
def test_rows_that_tie_stay_in_file_order(rows):
    kinds = {name: EVENT_TYPES[name] for name in CANONICAL_ORDER}
    frame = pl.DataFrame([*rows, *rows], schema=kinds, orient="row")
    numbered = frame.with_columns(pl.int_range(frame.height, dtype=pl.UInt64).alias("row"))
    result = in_canonical_order(numbered)
    ties = result.select(tie=pl.struct(CANONICAL_ORDER).rank("dense"), row="row")
    assert (
        ties.group_by("tie")
        .agg(sorted=(pl.col("row").diff().drop_nulls().cast(pl.Int64) > 0).all())["sorted"]
        .all()
    )
    # Rows in the wrong order among equals are put right as well.
    assert in_canonical_order(numbered.reverse()).equals(result)


def test_a_dataset_of_meds_0_3_3_opens(tmp_path):
    """No text_value, code as a plain string, a foreign column, old metadata, shards in split folders."""
    frame = pl.DataFrame(
        {
            "subject_id": [1, 1, 2],
            "time": [None, DAY, DAY],
            "code": ["GENDER//F", "LAB//x", "LAB//x"],
            "numeric_value": [None, 1.5, 2.5],
            "provider": ["a", "b", "c"],
        },
        schema_overrides={"numeric_value": pl.Float32, "time": pl.Datetime("ms")},
    )
    (tmp_path / "data" / "train").mkdir(parents=True)
    (tmp_path / "metadata").mkdir()
    frame.write_parquet(tmp_path / "data" / "train" / "0.parquet")
    (tmp_path / "metadata" / "dataset.json").write_text('{"dataset_name": "old", "meds_version": "0.3.3"}')
    pl.DataFrame({"code": ["LAB//x"], "description": ["A lab"]}).write_parquet(
        tmp_path / "metadata" / "codes.parquet"
    )
    dataset = open_dataset(tmp_path)
    check_dataset(dataset)
    events = dataset.read(dataset.shards[0])
    assert events["text_value"].to_list() == [None] * 3
    assert events["time"].dtype == pl.Datetime("us")
    assert events["provider"].to_list() == ["a", "b", "c"]
    assert dataset.codes["description"].to_list() == ["A lab", "Sex: F"]
    assert dataset.codes.filter(code="GENDER//F")["section"].item() == "demographics"


def test_what_is_written_passes_the_foreign_validator(tmp_path):
    from meds import CodeMetadataSchema, DataSchema, SubjectSplitSchema

    frame = _frame([*GOOD, (-5, DAY, "C", None, "text")]).with_columns(ward=pl.lit("w"))
    write_events(tmp_path, "0", frame)
    ids = pl.DataFrame({"subject_id": [1, 2, -5]})
    write_metadata(
        tmp_path,
        name="x",
        codes=pl.DataFrame({"code": ["B"], "parent_codes": [["A"]]}),
        used=frame["code"].unique(),
        splits=default_splits(ids),
        subjects=ids.with_columns(source_id=pl.lit("s"), group_id="subject_id"),
    )
    DataSchema.validate(pq.read_table(tmp_path / "data" / "0.parquet"))
    CodeMetadataSchema.validate(pq.read_table(tmp_path / "metadata" / "codes.parquet"))
    SubjectSplitSchema.validate(pq.read_table(tmp_path / "metadata" / "subject_splits.parquet"))
    check_dataset(open_dataset(tmp_path))
    assert stat.S_IMODE((tmp_path / "metadata" / "subjects.parquet").stat().st_mode) == 0o600


def test_whole_numbers_stay_and_other_ids_are_hashed(tmp_path):
    numbers = integer_ids(pl.Series(["10", "9223372036854775807", "-4", "10"]), key=b"k")
    assert numbers["id"].to_list() == [10, 9223372036854775807, -4]
    mixed = integer_ids(pl.Series(["10", "x", "10"]), key=b"k")
    assert mixed["source_id"].to_list() == ["10", "x"]
    assert mixed["id"].to_list() == [hashed_id("10", key=b"k"), hashed_id("x", key=b"k")]
    too_big = integer_ids(pl.Series(["9223372036854775808"]), key=b"k")["id"].item()
    assert 0 <= too_big < 2**63
    with pytest.raises(InputError, match="same id"):
        integer_ids(pl.Series(["7", "007"]), key=b"k")


def test_a_collision_of_the_hash_is_refused(monkeypatch):
    monkeypatch.setattr("osler.record.identifiers.hashed_id", lambda value, *, key: 1)
    with pytest.raises(InputError, match="same id") as caught:
        integer_ids(pl.Series(["a", "b", "c"]), key=b"k")
    assert caught.value.count == 2


def test_the_key_is_made_once_and_private(tmp_path):
    source, other = tmp_path / "source.csv", tmp_path / "other.csv"
    source.write_text("id,x\nA,1\n")
    other.write_text("id,x\nA,2\n")
    key = dataset_key(tmp_path, source=source)
    assert dataset_key(tmp_path, source=other) == key  # it stays with the dataset
    assert dataset_key(tmp_path / "again", source=source) == key
    assert dataset_key(tmp_path / "other", source=other) != key
    assert len(key) >= 32
    assert stat.S_IMODE((tmp_path / "metadata" / "key").stat().st_mode) == 0o600
    assert hashed_id("a", key=key) != hashed_id("a", key=b"another")


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 20)), min_size=1, unique_by=lambda x: x[0]
    )
)
def test_splits_depend_on_the_group_alone(pairs):
    frame = pl.DataFrame(pairs, schema={"subject_id": pl.Int64, "group_id": pl.Int64}, orient="row")
    result = default_splits(frame, seed=3)
    assert result.equals(default_splits(frame.reverse(), seed=3))
    alone = pl.concat([default_splits(frame[i : i + 1], seed=3) for i in range(frame.height)]).sort(
        "subject_id"
    )
    assert result.equals(alone)
    sides = result.join(frame, on="subject_id").group_by("group_id").agg(pl.col("split").n_unique())
    assert sides["split"].max() == 1


def test_splits_have_the_stated_shares():
    frame = default_splits(pl.DataFrame({"subject_id": np.arange(100_000)}), seed=1)
    shares = dict(frame["split"].value_counts(normalize=True).iter_rows())
    assert shares["train"] == pytest.approx(0.70, abs=0.01)
    assert shares["tuning"] == pytest.approx(0.15, abs=0.01)
    other = default_splits(pl.DataFrame({"subject_id": np.arange(100_000)}), seed=2)
    assert 0.4 < (frame["split"] == other["split"]).mean() < 0.7
