"""Who trains and who is judged, as row numbers; what is wrong with a request is found before any fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from osler.base.errors import InputError
from osler.record.schema import HELD_OUT, TRAIN

if TYPE_CHECKING:
    from osler.represent.features import Features
    from osler.task.labels import Labels

MIN_GROUPS = 2  # with an event, and without: the least that inner cross-validation can divide


@dataclass(frozen=True)
class Split:
    """One division of the samples.

    Attributes:
        split_id: its name; repeat and fold say where it stands.
        train: row numbers of the training samples.
        test: row numbers of the held-out samples.
    """

    split_id: str
    repeat: int
    fold: int
    train: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class Plan:
    """Samples, outcomes and splits of one task.

    Attributes:
        y: outcomes, bool [n].
        group: group of each sample; resampling and inner folds keep a group together, [n].
        splits: in the order of repeat and fold.
    """

    y: NDArray[np.bool_]
    group: NDArray[np.int64]
    splits: list[Split]

    @property
    def held_out(self) -> NDArray[np.int64]:
        """Row numbers that are held out at least once, ascending."""
        return np.unique(np.concatenate([split.test for split in self.splits]))


def make_plan(labels: "Labels", splits: pl.DataFrame) -> Plan:
    """Turn splits of subjects into rows of samples.

    Tuning subjects train nothing: what is tuned is tuned inside the training rows.

    Args:
        labels: the labels.
        splits: `split_id, repeat, fold, subject_id, split`.

    Raises:
        InputError: no samples, one class only, a group on both sides, too few events for the folds.
    """
    where = f"labels of task '{labels.task.get('name', labels.path)}'"
    if labels.frame.is_empty():
        raise InputError("there are no samples", where=where, remedy="see attrition.parquet of the labels")
    y = labels.frame["boolean_value"].to_numpy().astype(bool)
    if y.all() or not y.any():
        only = "events" if y.all() else "samples without the event"
        raise InputError(
            f"the labels have one class only: all are {only}",
            where=where,
            count=len(y),
            remedy="choose another outcome, cohort or window",
        )
    group = labels.samples["group_id"].to_numpy()
    sides = labels.frame.select("subject_id").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    made = []
    for key, part in splits.sort("repeat", "fold", "split_id").group_by(
        ["split_id", "repeat", "fold"], maintain_order=True
    ):
        joined = sides.join(part.select("subject_id", "split"), on="subject_id", how="left").sort("row")
        side = joined["split"].fill_null("").to_numpy()
        split = Split(
            str(key[0]),
            int(key[1]),
            int(key[2]),
            np.flatnonzero(side == TRAIN),
            np.flatnonzero(side == HELD_OUT),
        )
        _check_split(split, y, group, where=where)
        made.append(split)
    if not made:
        raise InputError("there are no splits", where=where, remedy="make splits for these labels")
    return Plan(y, group, made)


def check_features(features: Mapping[str, "Features"], n_samples: int) -> None:
    """Refuse features that do not fit the samples.

    Raises:
        InputError: none at all, a name that cannot be a folder, another number of rows, no columns, NaN or
            infinite values.
    """
    if not features:
        raise InputError("there are no representations to predict from", remedy="name at least one")
    for name, one in features.items():
        where = f"representation '{name}'"
        if "+" in name or "/" in name or name in ("", ".", "..", "none"):
            raise InputError(
                f"'{name}' cannot name a representation", remedy="use letters, digits, '_' and '-'"
            )
        if one.n_samples != n_samples:
            raise InputError(
                f"features have {one.n_samples:,} rows, the labels {n_samples:,} samples",
                where=where,
                remedy="make the features for these labels",
            )
        values = getattr(one.matrix, "data", one.matrix) if hasattr(one.matrix, "indptr") else one.matrix
        bad = int((~np.isfinite(np.asarray(values))).sum())
        if bad:
            raise InputError(
                "features with NaN or infinite values",
                where=where,
                count=bad,
                remedy="mend the source values; what was not measured stays unstored in a sparse matrix",
            )


def _check_split(split: Split, y: NDArray[np.bool_], group: NDArray[Any], *, where: str) -> None:
    place = f"{where}, split {split.split_id}"
    shared = np.intersect1d(group[split.train], group[split.test])
    if len(shared):
        raise InputError(
            "groups (persons) are both in training and held out",
            where=place,
            count=len(shared),
            remedy="split by group_id (splits: {unit: group})",
        )
    if len(split.test) == 0:
        raise InputError("no sample is held out", where=place, remedy="use fewer folds or another scheme")
    for what, rows in (
        ("with an event", split.train[y[split.train]]),
        ("without an event", split.train[~y[split.train]]),
    ):
        count = len(np.unique(group[rows]))
        if count < MIN_GROUPS:
            raise InputError(
                f"too few training groups {what}: at least {MIN_GROUPS} are needed",
                where=place,
                count=count,
                remedy="use fewer folds, a larger cohort or a longer window",
            )
