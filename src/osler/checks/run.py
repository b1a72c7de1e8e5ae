"""Is nobody on two sides of a split of the run?"""

import polars as pl

from osler.checks.files import read_whole
from osler.checks.finding import BROKEN, OK, WARNING, Finding, counted, example, listed
from osler.checks.place import Place

_COLUMNS = ("split_id", "subject_id", "split")


def check(place: Place) -> list[Finding]:
    """Subjects and persons of `splits.parquet`, split by split; what a finished run has."""
    findings = [
        Finding(
            WARNING,
            f"{name} is not there: the run is not finished",
            file=str(place.path / name),
            count=1,
            example=example(file=place.path / name),
            remedy="run the study again; finished steps are not redone",
        )
        for name in ("splits.parquet", "metrics.json", "report.html")
        if not (place.path / name).is_file()
    ]
    path = place.path / "splits.parquet"
    if not path.is_file():
        return findings
    splits = read_whole(path)
    missing = [name for name in _COLUMNS if name not in splits.columns]
    if missing:
        return [
            Finding(
                BROKEN,
                f"columns are missing: {listed(missing)}",
                file=str(path),
                column=missing[0],
                count=len(missing),
                example=example(file=path),
                remedy="run the study again",
            )
        ]
    split = ["task", "split_id"] if "task" in splits.columns else ["split_id"]
    sides = {"subjects": _torn(splits, [*split, "subject_id"])}
    if place.dataset is not None and place.dataset.subjects is not None:
        subjects = place.dataset.subjects
        if "group_id" in subjects.columns:
            grouped = splits.join(subjects.select("subject_id", "group_id"), on="subject_id")
            sides["persons (group_id)"] = _torn(grouped, [*split, "group_id"])
    findings += [
        Finding(
            BROKEN,
            f"{who} are on several sides of a split",
            file=str(path),
            column="split",
            count=torn.len(),
            example=example(**{torn.name: torn[0]}),
            remedy="no result of this run can be trusted: split by group, and run the study again",
        )
        for who, torn in sides.items()
        if torn.len()
    ]
    splits_made = splits.select(split).n_unique()
    return findings or [Finding(OK, f"{counted(splits_made, 'split')}, nobody on two sides", file=str(path))]


def _torn(splits: pl.DataFrame, key: list[str]) -> pl.Series:
    """The distinct last keys that are on more than one side."""
    torn = splits.group_by(key).agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)
    return torn[key[-1]].unique().sort()
