"""Do events lie between birth and death? Counted by family of codes: what stands before the first slash."""

from datetime import timedelta

import polars as pl

from osler.checks.finding import WARNING, Finding, example, listed
from osler.checks.place import Place
from osler.checks.survey import Survey
from osler.record.schema import BIRTH, CONDITIONS, DEATH, NOTES, PROCEDURES
from osler.task.events import has_code

A_DAY = timedelta(days=1)  # births and deaths are often known by date alone
OLDEST = timedelta(days=round(123 * 365.25))  # nobody is known to have lived longer
CODED_LATER = (CONDITIONS, PROCEDURES, NOTES)  # discharge diagnoses, bills, reports of an autopsy
CODED_WITHIN = timedelta(days=30)


def check(place: Place) -> list[Finding]:
    """Events before birth, after death or in a very old age; births and deaths that contradict each other."""
    survey = place.survey
    if survey is None or survey.dataset.undated:
        return []
    return [*_ends(survey), *_before_birth(survey), *_after_death(survey)]


def _ends(survey: Survey) -> list[Finding]:
    subjects = survey.subjects
    problems = (
        (pl.col("births") > 1, BIRTH, "subjects with several times of birth", "keep one birth per subject"),
        (pl.col("deaths") > 1, DEATH, "subjects with several times of death", "keep one death per subject"),
        (
            pl.col("death") < pl.col("birth") - A_DAY,
            DEATH,
            "subjects who died before they were born",
            "correct birth or death in the source",
        ),
        (
            pl.col("last") - pl.col("birth") > OLDEST,
            BIRTH,
            f"subjects with events at an age above {round(OLDEST.days / 365.25)} years",
            'correct the birth in the source, or treat it as missing where it stands for "very old" or '
            '"unknown"',
        ),
    )
    findings = []
    for wrong, code, what, remedy in problems:
        concerned = subjects.filter(wrong)["subject_id"]
        if concerned.len():
            findings.append(
                Finding(
                    WARNING,
                    what,
                    file=str(survey.path),
                    column="time",
                    count=concerned.len(),
                    example=example(subject_id=concerned[0], code=code),
                    remedy=remedy,
                )
            )
    return findings


def _before_birth(survey: Survey) -> list[Finding]:
    limit = survey.subjects.filter(pl.col("first") < pl.col("birth") - A_DAY)
    limit = limit.select("subject_id", limit=pl.col("birth") - A_DAY)
    if limit.is_empty():
        return []
    return _finding(
        survey,
        _events(survey, limit, pl.col("time") < pl.col("limit")),
        "events more than a day before birth",
        "correct the time of birth or of the events; facts fixed at birth have no time (null)",
    )


def _after_death(survey: Survey) -> list[Finding]:
    # Those who died before they were born have been told of; everything of them is after their death.
    born = (pl.col("birth") - A_DAY <= pl.col("death")).fill_null(value=True)
    limit = survey.subjects.filter(born & (pl.col("last") > pl.col("death") + A_DAY))
    limit = limit.select("subject_id", limit="death")
    if limit.is_empty():
        return []
    slow = survey.dataset.codes.filter(pl.col("section").is_in(CODED_LATER))["code"]
    allowed = pl.when(pl.col("code").is_in(slow.implode())).then(CODED_WITHIN).otherwise(A_DAY)
    return _finding(
        survey,
        _events(survey, limit, pl.col("time") > pl.col("limit") + allowed),
        f"events more than a day after death ({CODED_WITHIN.days} days for conditions, procedures and notes)",
        "correct the time of death or of the events; what was booked later is no sign of life",
    )


def _events(survey: Survey, limit: pl.DataFrame, wrong: pl.Expr) -> pl.DataFrame:
    """`code, n, subject_id` of the wrong events of some subjects, other than births and deaths."""
    return (
        survey.dataset.scan()
        .filter(~has_code(BIRTH) & ~has_code(DEATH))
        .join(limit.lazy(), on="subject_id", how="inner")
        .filter(wrong)
        .group_by("code")
        .agg(n=pl.len(), subject_id=pl.col("subject_id").min())
        .collect(engine="streaming")
        .sort("n", "code", descending=[True, False])
    )


def _finding(survey: Survey, events: pl.DataFrame, what: str, remedy: str) -> list[Finding]:
    if events.is_empty():
        return []
    family = pl.coalesce(pl.col("code").str.extract("^([^/]+)/"), "code").alias("family")
    families = events.group_by(family).agg(pl.col("n").sum()).sort("n", "family", descending=[True, False])
    named = listed(f"{name} {n:,}" for name, n in families.iter_rows())
    return [
        Finding(
            WARNING,
            f"{what}: {named}",
            file=str(survey.path),
            column="time",
            count=int(events["n"].sum()),
            example=example(subject_id=events["subject_id"][0], code=events["code"][0]),
            remedy=remedy,
        )
    ]
