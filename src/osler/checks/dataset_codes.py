"""Does the code book describe the codes of the data?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, WARNING, Finding
from osler.checks.place import Place
from osler.record.schema import KINDS, ROLES


def check(place: Place) -> list[Finding]:
    """Codes without a row or a description, codes described twice, unknown kinds and roles."""
    dataset = place.dataset
    if dataset is None:
        return []
    path = place.path / "metadata" / "codes.parquet"
    used = dataset.codes["code"].len()
    if not path.is_file():
        return [
            Finding(
                WARNING,
                "no code book: texts will show the words of the codes",
                file=str(path),
                count=used,
                remedy="write metadata/codes.parquet with a description for each code",
            )
        ]
    stored = pl.read_parquet(path)
    findings = []
    twice = stored.filter(pl.col("code").is_duplicated())["code"].n_unique()
    if twice:
        findings.append(
            Finding(
                BROKEN,
                "codes are described more than once",
                file=str(path),
                column="code",
                count=twice,
                remedy="keep one row per code",
            )
        )
    present = dataset.scan().select(pl.col("code").unique()).collect(engine="streaming")["code"].drop_nulls()
    described = (
        stored.filter(pl.col("description").str.strip_chars() != "")["code"]
        if ("description" in stored.columns)
        else stored["code"].head(0)
    )
    bare = present.filter(~present.is_in(described.implode())).len()
    if bare:
        findings.append(
            Finding(
                WARNING,
                f"codes of the data without a description (of {present.len():,})",
                file=str(path),
                column="description",
                count=bare,
                remedy="describe them; until then texts show the words of the codes",
            )
        )
    for column, allowed in (("kind", KINDS), ("role", ROLES)):
        if column in stored.columns:
            strange = stored[column].drop_nulls().filter(~stored[column].drop_nulls().is_in(allowed)).len()
            if strange:
                findings.append(
                    Finding(
                        BROKEN,
                        f"values of '{column}' that Osler does not know",
                        file=str(path),
                        column=column,
                        count=strange,
                        remedy=f"allowed: {', '.join(allowed)}, or null",
                    )
                )
    return findings or [Finding(OK, f"{present.len():,} codes, all described", file=str(path))]
