"""Does the code book describe the codes of the data?"""

import polars as pl

from osler.checks.files import read_whole
from osler.checks.finding import BROKEN, OK, WARNING, Finding, example, listed
from osler.checks.place import Place
from osler.checks.survey import Survey
from osler.record.schema import KINDS, ROLES


def check(place: Place) -> list[Finding]:
    """Empty codes, codes without a row or a description, codes described twice, unknown kinds and roles."""
    survey = place.survey
    if survey is None:
        return []
    path = survey.path / "metadata" / "codes.parquet"
    named = survey.pairs.filter(pl.col("code").str.strip_chars() != "")
    present = named["code"].unique().sort()
    findings = _empty(survey)
    if not path.is_file():
        first = present[0] if present.len() else None
        return [
            *findings,
            Finding(
                WARNING,
                "no code book: texts will show the words of the codes",
                file=str(path),
                count=present.len(),
                example=example(code=first, file=path),
                remedy="write metadata/codes.parquet with a description for each code",
            ),
        ]
    stored = read_whole(path)

    def add(status: str, column: str, concerned: pl.Series, what: str, remedy: str) -> None:
        if concerned.len():
            findings.append(
                Finding(
                    status,
                    f"{what}: {listed(concerned)}",
                    file=str(path),
                    column=column,
                    count=concerned.len(),
                    example=example(code=concerned[0]),
                    remedy=remedy,
                )
            )

    twice = stored.filter(pl.col("code").is_duplicated())["code"].unique().sort()
    add(BROKEN, "code", twice, "codes are described more than once", "keep one row per code")
    bare = present.filter(~present.is_in(_described(stored).implode()))
    add(
        WARNING,
        "description",
        bare,
        f"codes of the data without a description ({bare.len():,} of {present.len():,})",
        "describe them in metadata/codes.parquet, or ingest the source again with --vocabulary; until then "
        "texts show the words of the codes",
    )
    for column, allowed in (("kind", KINDS), ("role", ROLES)):
        if column in stored.columns:
            strange = stored.filter(~pl.col(column).is_in(allowed))["code"]
            what = f"codes with a {column} that Osler does not know"
            add(BROKEN, column, strange, what, f"allowed: {', '.join(allowed)}, or null")
    return findings or [Finding(OK, f"{present.len():,} codes, all described", file=str(path))]


def _described(stored: pl.DataFrame) -> pl.Series:
    if "description" not in stored.columns:
        return stored["code"].head(0)
    said = pl.col("description").str.strip_chars()
    only_a_term = (said == pl.col("code")) & pl.col("code").str.contains(r"^\w+/[^/]")  # LOINC/8480-6
    return stored.filter((said != "") & ~only_a_term)["code"]


def _empty(survey: Survey) -> list[Finding]:
    empty = survey.pairs.filter(pl.col("code").str.strip_chars() == "")
    if empty.is_empty():
        return []
    return [
        Finding(
            BROKEN,
            "events whose code is an empty string: nothing says what happened",
            file=str(survey.path),
            column="code",
            count=int(empty["n"].sum()),
            example=example(subject_id=empty["subject_id"].min()),
            remedy="give every event its code in the source's spec, or leave the row out",
        )
    ]
