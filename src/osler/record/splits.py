"""The default division of subjects into train, tuning and held_out.

Each group of subjects (a person) is placed by a hash of its id and the seed: neither the order of subjects
nor the number of cores nor who else is in the dataset changes the side that a subject falls on.
"""

import numpy as np
import polars as pl

from osler.record.schema import HELD_OUT, TRAIN, TUNING

FRACTIONS = {TRAIN: 0.70, TUNING: 0.15, HELD_OUT: 0.15}


def default_splits(subjects: pl.DataFrame, *, seed: int = 0) -> pl.DataFrame:
    """Place each subject in a split, all subjects of a group in the same one.

    Args:
        subjects: `subject_id` (Int64) and, where a person has several, `group_id` (Int64).
        seed: another seed gives another division.

    Returns:
        `subject_id, split`, sorted by subject; about 70 % train, 15 % tuning, 15 % held_out.

    Examples:
        >>> frame = pl.DataFrame({"subject_id": range(10_000)})
        >>> share = (default_splits(frame)["split"] == "train").mean()
        >>> 0.68 < share < 0.72
        True
    """
    group = "group_id" if "group_id" in subjects.columns else "subject_id"
    place = uniform_hash(subjects[group].cast(pl.Int64).to_numpy(), seed=seed)
    bounds = np.cumsum(list(FRACTIONS.values()))[:-1]
    names = np.array(list(FRACTIONS))[np.searchsorted(bounds, place, side="right")]
    frame = pl.DataFrame({"subject_id": subjects["subject_id"].cast(pl.Int64), "split": names})
    return frame.unique("subject_id").sort("subject_id")


def uniform_hash(ids: np.ndarray, *, seed: int) -> np.ndarray:
    """A number in [0, 1) for each id, the same on every machine.

    Args:
        ids: int64, any shape.
        seed: any whole number.

    Returns:
        float64 of the same shape: the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied twice.
    """
    start = np.uint64(seed % 2**64)
    with np.errstate(over="ignore"):
        state = _mix(ids.astype(np.int64).view(np.uint64) + _mix(np.atleast_1d(start + _STEP)))
    return (_mix(state) >> np.uint64(11)).astype(np.float64) / 2.0**53


_STEP = np.uint64(0x9E3779B97F4A7C15)


def _mix(state: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        mixed = state + _STEP
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
