"""Is each subject in one split, is it known, and is a person on one side only?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, WARNING, Finding, example
from osler.checks.place import Place
from osler.record.metadata import read_table

_TYPES = {"subject_id": pl.Int64(), "split": pl.String()}


def check(place: Place) -> list[Finding]:
    """Compare `subject_splits.parquet` with itself, with the subjects of the data and with their groups."""
    survey = place.survey
    if survey is None:
        return []
    path = survey.path / "metadata" / "subject_splits.parquet"
    splits = read_table(path, _TYPES, required=tuple(_TYPES))
    if splits is None:
        return []
    findings: list[Finding] = []

    def add(status: str, concerned: pl.Series, what: str, remedy: str) -> None:
        if concerned.len():
            name = concerned.name
            findings.append(
                Finding(
                    status,
                    what,
                    file=str(path),
                    column="subject_id",
                    count=concerned.len(),
                    example=example(**{name: concerned.min()}),
                    remedy=remedy,
                )
            )

    nobody = splits.filter(pl.col("subject_id").is_null())["subject_id"]
    add(BROKEN, nobody, "rows without a subject", "give each subject one row")
    splits = splits.drop_nulls("subject_id").unique(["subject_id", "split"])
    torn = splits.filter(pl.col("subject_id").is_duplicated())["subject_id"].unique()
    add(BROKEN, torn, "subjects are in two splits", "give each subject one split")
    known, subjects = splits["subject_id"].unique(), survey.subjects["subject_id"]
    strangers = known.filter(~known.is_in(subjects.implode()))
    add(WARNING, strangers, "subjects of the splits that have no events", "leave them out of the splits")
    without = subjects.filter(~subjects.is_in(known.implode()))
    add(WARNING, without, "subjects without a split", "give each subject a split")
    groups = survey.dataset.subjects
    if groups is not None and "group_id" in groups.columns:
        # A subject in two splits tears its person too; that is said of the subject.
        one_side = splits.filter(~pl.col("subject_id").is_in(torn.implode()))
        sides = one_side.join(groups.select("subject_id", "group_id").drop_nulls(), on="subject_id")
        several = sides.group_by("group_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)
        add(
            BROKEN,
            several["group_id"],
            "persons (group_id) are on several sides",
            "split by group_id, not by subject_id",
        )
    sizes = ", ".join(f"{name} {n:,}" for name, n in splits["split"].value_counts(sort=True).iter_rows())
    return findings or [Finding(OK, f"subjects by split: {sizes}", file=str(path))]
