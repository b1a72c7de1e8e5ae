"""Do the dates lie in the years in which patients were treated, neither in the future nor before 1900?

Births before 1900 are left to `dataset_lifetimes`, which looks at the age.
"""

from datetime import UTC, datetime, timedelta

import polars as pl

from osler.checks.finding import OK, WARNING, Finding, example, percent
from osler.checks.place import Place
from osler.checks.survey import Survey
from osler.record.schema import BIRTH
from osler.task.events import has_code

REAL, SHIFTED, RELATIVE = "real", "shifted", "relative"
DATES = (REAL, SHIFTED, RELATIVE)
# The first day of 1900 is what many sources write for "unknown".
EARLIEST = datetime(1900, 1, 2)  # noqa: DTZ001  (MEDS times have no zone)
CLOCKS = timedelta(days=1)  # how far zones and clocks may be ahead


def check(place: Place) -> list[Finding]:
    """Compare real dates with today; shifted and relative ones say nothing about the calendar."""
    survey = place.survey
    if survey is None or survey.dataset.undated:
        return []
    now = datetime.now(UTC).replace(tzinfo=None)
    return calendar_findings(survey, latest=now + CLOCKS)


def calendar_findings(survey: Survey, *, latest: datetime) -> list[Finding]:
    """Events outside the calendar.

    Where `dataset.json` does not say what the dates are (`osler.dates`) and more than half of the subjects
    lie in the future, the dates are taken as shifted.

    Args:
        survey: the dataset.
        latest: the last time that an event can have.
    """
    where = str(survey.path / "metadata" / "dataset.json")
    dates = survey.dataset.settings.get("dates")
    if dates is not None and dates not in DATES:
        return [
            Finding(
                WARNING,
                "`osler.dates` has a value that Osler does not know; the calendar was not looked at",
                file=where,
                count=1,
                example=example(file=where),
                remedy=f"allowed: {', '.join(DATES)}",
            )
        ]
    if dates in (SHIFTED, RELATIVE):
        return [Finding(OK, f"dates are {dates}: the calendar is not looked at", file=where)]
    time = pl.col("time")
    bounds = survey.subjects.select(
        "subject_id",
        early=pl.col("first") < EARLIEST,
        late=pl.max_horizontal("last", "birth") > latest,
    )
    n_dated = survey.subjects.select(pl.any_horizontal(pl.col("first", "birth").is_not_null()).sum()).item()
    n_late = bounds.filter("late").height
    if dates is None and 2 * n_late > n_dated:
        return [
            Finding(
                WARNING,
                f"{percent(n_late, n_dated)} of the subjects have events in the future: the dates are taken "
                "as shifted, and the calendar was not looked at",
                file=where,
                count=n_late,
                example=example(subject_id=bounds.filter("late")["subject_id"][0]),
                remedy="write `osler: {dates: shifted}` into metadata/dataset.json (`real` if they are not)",
            )
        ]
    findings = []
    for side, wrong, what, remedy in (
        (
            "late",
            time > latest,
            "events in the future",
            "correct or drop such times in the source; if dates were shifted, write `osler: {dates: "
            "shifted}` into metadata/dataset.json",
        ),
        (
            "early",
            (time < EARLIEST) & ~has_code(BIRTH),
            "events before 1900, or on its first day, which stands for unknown dates",
            "treat such times as missing in the source's spec, or correct them",
        ),
    ):
        concerned = bounds.filter(side).select("subject_id")
        if concerned.is_empty():
            continue
        events = _events(survey, concerned, wrong)
        findings.append(
            Finding(
                WARNING,
                f"{what}, of {concerned.height:,} subjects",
                file=str(survey.path),
                column="time",
                count=int(events["n"].sum()),
                example=example(subject_id=events["subject_id"][0], code=events["code"][0]),
                remedy=remedy,
            )
        )
    return findings


def _events(survey: Survey, subjects: pl.DataFrame, wrong: pl.Expr) -> pl.DataFrame:
    """`code, n, subject_id` of the events that are wrong, the most frequent code first."""
    return (
        survey.dataset.scan()
        .filter(wrong)
        .join(subjects.lazy(), on="subject_id", how="semi")
        .group_by("code")
        .agg(n=pl.len(), subject_id=pl.col("subject_id").min())
        .collect(engine="streaming")
        .sort("n", "code", descending=[True, False])
    )
