"""Is each subject in a split, is it known, and is a person on one side only?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, WARNING, Finding
from osler.checks.place import Place


def check(place: Place) -> list[Finding]:
    """Compare `subject_splits.parquet` with the subjects of the data and with their groups.

    A subject in two splits is refused, with the file and the count, when the file is read.
    """
    dataset = place.dataset
    path = place.path / "metadata" / "subject_splits.parquet"
    if dataset is None or dataset.splits is None:
        return []
    splits = dataset.splits
    subjects = dataset.scan().select(pl.col("subject_id").unique()).collect(engine="streaming")["subject_id"]
    findings = []

    def add(status: str, count: int, what: str, remedy: str) -> None:
        if count:
            findings.append(
                Finding(status, what, file=str(path), column="subject_id", count=count, remedy=remedy)
            )

    known = splits["subject_id"]
    unknown = known.filter(~known.is_in(subjects.implode())).n_unique()
    add(WARNING, unknown, "subjects of the splits that have no events", "leave them out of the splits")
    without = subjects.filter(~subjects.is_in(known.implode())).len()
    add(WARNING, without, "subjects without a split", "give each subject a split")
    if dataset.subjects is not None and "group_id" in dataset.subjects.columns:
        sides = splits.join(dataset.subjects.select("subject_id", "group_id"), on="subject_id")
        torn = sides.group_by("group_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1).height
        add(BROKEN, torn, "persons (group_id) are on several sides", "split by group_id, not by subject_id")
    sizes = ", ".join(f"{name} {n:,}" for name, n in splits["split"].value_counts(sort=True).iter_rows())
    return findings or [Finding(OK, f"subjects by split: {sizes}", file=str(path))]
