"""Splits: no person on two sides, strata even, same seed same splits, each scheme against plain Python."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from meds_folder import START, event, write_dataset

from osler.base.errors import InputError
from osler.record.dataset import Dataset
from osler.task.attrition import Attrition
from osler.task.labels import Labels
from osler.task.settings import SplitSettings
from osler.task.splits import drop_across, held_out_sites, make_splits


def labels_of(rows: list[tuple[int, int, float, bool, str]]) -> Labels:
    """Labels from (subject, person, days, label, site)."""
    frame = pl.DataFrame(
        [(s, START + timedelta(days=d), label, g, site) for s, g, d, label, site in rows],
        schema={
            "subject_id": pl.Int64,
            "prediction_time": pl.Datetime("us"),
            "boolean_value": pl.Boolean,
            "group_id": pl.Int64,
            "site": pl.String,
        },
        orient="row",
    ).sort("subject_id", "prediction_time")
    frame = frame.unique(["subject_id", "prediction_time"], keep="first", maintain_order=True)
    return Labels(
        path=Path("labels"),
        frame=frame.select("subject_id", "prediction_time", "boolean_value"),
        samples=frame.select("subject_id", "prediction_time", "group_id", "site"),
        attrition=Attrition().frame(),
        task={"name": "test"},
        hash="0",
    )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return write_dataset(tmp_path_factory.mktemp("d"), [event(1, 0, "LAB//K")])


# Persons have two subjects each, subjects several samples.
cohorts = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.integers(0, 50),
        st.booleans(),
        st.sampled_from(["A", "B", "C", "unknown"]),
    ),
    min_size=30,
    max_size=60,
).map(lambda rows: [(s, s // 2, d, label, site) for s, d, label, site in rows])


def check_disjoint(splits: pl.DataFrame, labels: Labels) -> None:
    subjects = labels.samples.select("subject_id", "group_id").unique()
    for part in splits.partition_by("split_id"):
        assert sorted(part["subject_id"]) == sorted(set(labels.frame["subject_id"]))
        sides = part.join(subjects, on="subject_id").group_by("group_id").agg(pl.col("split").n_unique())
        assert sides["split"].max() == 1


@settings(max_examples=40, deadline=None)
@given(rows=cohorts, folds=st.integers(2, 3), seed=st.integers(0, 5), tuning=st.sampled_from([0.0, 0.3]))
def test_kfold(dataset: Dataset, rows: list[Any], folds: int, seed: int, tuning: float) -> None:
    labels = labels_of(rows)
    how = SplitSettings(folds=folds, repeats=2, seed=seed, tuning=tuning)
    persons = (
        labels.samples.with_columns(labels.frame["boolean_value"])
        .group_by("group_id")
        .agg(pl.col("boolean_value").any())
    )
    n_positive = int(persons["boolean_value"].sum())
    if min(n_positive, persons.height - n_positive) < folds:
        with pytest.raises(InputError, match="folds need as many persons"):
            make_splits(labels, how, dataset)
        return
    splits = make_splits(labels, how, dataset)
    check_disjoint(splits, labels)
    assert splits.columns == ["split_id", "repeat", "fold", "subject_id", "split"]
    assert set(splits["split_id"]) == {f"r{r}f{f}" for r in range(2) for f in range(folds)}
    assert make_splits(labels, how, dataset).equals(splits)
    groups = labels.samples.select("subject_id", "group_id").unique()
    held_out = (
        splits.filter(pl.col("split") == "held_out")
        .join(groups, on="subject_id")
        .join(persons, on="group_id")
    )
    for part in held_out.partition_by("repeat"):
        assert part["subject_id"].n_unique() == part.height == groups.height
        sizes = part.group_by("fold").agg(
            pl.col("group_id").n_unique().alias("n"),
            pl.col("group_id").filter("boolean_value").n_unique().alias("n_positive"),
        )
        for size in (sizes["n"].to_list(), sizes["n_positive"].to_list()):
            assert max(size) - min(size) <= 1


def test_another_seed_or_repeat_deals_anew(dataset: Dataset) -> None:
    labels = labels_of([(s, s, 0, s % 3 == 0, "A") for s in range(60)])
    one = make_splits(labels, SplitSettings(repeats=2), dataset)
    two = make_splits(labels, SplitSettings(repeats=2, seed=1), dataset)
    assert not one.equals(two)
    first, second = (one.filter(pl.col("repeat") == r).drop("split_id", "repeat") for r in (0, 1))
    assert not first.equals(second)
    shuffled = labels_of([(s, s, 0, s % 3 == 0, "A") for s in reversed(range(60))])
    assert make_splits(shuffled, SplitSettings(repeats=2), dataset).equals(one)


def test_holdout_at_random(dataset: Dataset) -> None:
    labels = labels_of([(s, s // 2, 0, s // 2 % 5 == 0, "A") for s in range(200)])
    splits = make_splits(labels, SplitSettings(scheme="holdout", held_out=0.2, tuning=0.25), dataset)
    check_disjoint(splits, labels)
    assert dict(splits["split"].value_counts().rows()) == {"train": 120, "tuning": 40, "held_out": 40}
    held_out = splits.filter(pl.col("split") == "held_out")["subject_id"]
    assert sum(s // 2 % 5 == 0 for s in held_out) == 8


def test_holdout_of_the_dataset(tmp_path: Path) -> None:
    labels = labels_of([(s, s // 2, 0, s % 2 == 0, "A") for s in range(8)])
    sides = {s: ["train", "train", "tuning", "held_out"][s // 2] for s in range(8)}
    how = SplitSettings(scheme="holdout")
    rows = [event(1, 0, "LAB//K")]
    good = write_dataset(tmp_path / "a", rows, splits=sides)
    assert dict(make_splits(labels, how, good).select("subject_id", "split").rows()) == sides
    for name, changed, message in (
        ("b", {0: "held_out"}, "persons"),
        ("c", {0: "test", 1: "test"}, "unknown names"),
        ("d", {6: "train", 7: "train"}, "held_out"),
    ):
        bad = write_dataset(tmp_path / name, rows, splits={**sides, **changed})
        with pytest.raises(InputError, match=message):
            make_splits(labels, how, bad)
    few = write_dataset(tmp_path / "e", rows, splits={0: "train"})
    with pytest.raises(InputError, match="without a split") as error:
        make_splits(labels, how, few)
    assert "count: 7" in str(error.value)


@settings(max_examples=40, deadline=None)
@given(rows=cohorts, cut=st.one_of(st.none(), st.integers(10, 40)))
def test_temporal(dataset: Dataset, rows: list[Any], cut: int | None) -> None:
    labels = labels_of([*rows, (98, 98, 0, True, "A"), (99, 99, 51, True, "A")])
    limit = None if cut is None else START + timedelta(days=cut)
    how = SplitSettings(scheme="temporal", cut=limit)
    firsts = sorted(
        labels.samples.group_by("group_id").agg(pl.col("prediction_time").min())["prediction_time"]
    )
    limit = limit or firsts[int(len(firsts) * 0.8)]
    kept = drop_across(labels, how, dataset)
    first = dict(labels.samples.group_by("group_id").agg(pl.col("prediction_time").min()).rows())
    expected = [
        (s, t)
        for s, t, g in labels.samples.select("subject_id", "prediction_time", "group_id").rows()
        if (t < limit) == (first[g] < limit)
    ]
    assert kept.frame.select("subject_id", "prediction_time").rows() == expected
    dropped = labels.frame.height - len(expected)
    counted = kept.attrition.filter(pl.col("step") == "excluded")["n_samples"].sum()
    assert counted == dropped
    # Dropping samples never moves a first sample, so the cut stays where it is.
    splits = make_splits(kept, how, dataset)
    check_disjoint(splits, kept)
    sides = dict(splits.select("subject_id", "split").rows())
    for subject, time in expected:
        assert sides[subject] == ("train" if time < limit else "held_out")
    if dropped:
        with pytest.raises(InputError, match="drop_across") as error:
            make_splits(labels, how, dataset)
        assert f"count: {dropped}" in str(error.value)


def test_cuts_that_leave_a_side_empty(dataset: Dataset) -> None:
    labels = labels_of([(1, 1, 0, True, "A"), (2, 2, 5, False, "A")])
    for cut in (START, START + timedelta(days=6)):
        with pytest.raises(InputError, match="without persons"):
            make_splits(labels, SplitSettings(scheme="temporal", cut=cut), dataset)


def test_temporal_needs_dates(tmp_path: Path) -> None:
    undated = write_dataset(tmp_path, [event(1, 0, "LAB//K")], osler={"undated": True})
    labels = labels_of([(1, 1, 0, True, "A"), (2, 2, 5, False, "A")])
    with pytest.raises(InputError, match="needs dates"):
        make_splits(labels, SplitSettings(scheme="temporal"), undated)


@settings(max_examples=40, deadline=None)
@given(rows=cohorts)
def test_leave_one_site_out(dataset: Dataset, rows: list[Any]) -> None:
    labels = labels_of([*rows, (98, 98, 0, True, "A"), (99, 99, 51, True, "B")])
    how = SplitSettings(scheme="site")
    kept = drop_across(labels, how, dataset)
    splits = make_splits(kept, how, dataset)
    check_disjoint(splits, kept)
    sites = held_out_sites(kept)
    assert set(splits["fold"]) == set(range(len(sites)))
    home = dict(kept.samples.select("subject_id", "site").rows())
    for fold, subject, split in splits.select("fold", "subject_id", "split").rows():
        assert split == ("held_out" if home[subject] == sites[fold] else "train")
    ranked = sorted(
        labels.samples.select("prediction_time", "subject_id", "group_id", "site").rows(),
        key=lambda row: row[:2],
    )
    for subject, group in kept.samples.select("subject_id", "group_id").rows():
        assert home[subject] == next(site for _, _, g, site in ranked if g == group)


def test_one_site_cannot_be_left_out(dataset: Dataset) -> None:
    labels = labels_of([(1, 1, 0, True, "A"), (2, 2, 5, False, "unknown")])
    with pytest.raises(InputError, match="two known sites"):
        make_splits(labels, SplitSettings(scheme="site"), dataset)


def test_by_subject_is_refused_where_it_would_divide_persons(dataset: Dataset) -> None:
    labels = labels_of([(s, s // 2, 0, s % 4 < 2, "A") for s in range(40)])
    with pytest.raises(InputError, match="unit: group"):
        make_splits(labels, SplitSettings(unit="subject"), dataset)


def test_one_class(dataset: Dataset) -> None:
    labels = labels_of([(s, s, 0, False, "A") for s in range(40)])
    with pytest.raises(InputError, match="one class"):
        make_splits(labels, SplitSettings(), dataset)


def test_settings_from_a_study_file() -> None:
    how = SplitSettings.parse({"scheme": "temporal", "cut": "2020-01-05"}, where="splits")
    assert how.cut == datetime(2020, 1, 5)
    assert SplitSettings.parse(how.plain(), where="splits") == how
    assert np.isclose(SplitSettings().held_out, 0.2)
