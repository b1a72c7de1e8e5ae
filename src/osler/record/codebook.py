"""The code book: what each code means, in which section it belongs, its unit and its parents.

A code that nobody described is described by its own cleaned words, so that no event is without a text.
"""

import polars as pl

from osler.record import schema

# Beginnings of codes, upper case, and the section they belong to; the longest match wins.
_SECTION_BY_PREFIX = {
    "MEDS_BIRTH": schema.DEMOGRAPHICS,
    "MEDS_DEATH": schema.VISITS,
    "GENDER": schema.DEMOGRAPHICS,
    "SEX": schema.DEMOGRAPHICS,
    "RACE": schema.DEMOGRAPHICS,
    "ETHNICITY": schema.DEMOGRAPHICS,
    "INSURANCE": schema.DEMOGRAPHICS,
    "LANGUAGE": schema.DEMOGRAPHICS,
    "MARITAL": schema.DEMOGRAPHICS,
    "BODY": schema.BODY,
    "VITAL": schema.VITALS,
    "LAB": schema.LABS,
    "LOINC": schema.LABS,
    "HOSPITAL_": schema.VISITS,
    "ICU_": schema.VISITS,
    "ED_": schema.VISITS,
    "VISIT": schema.VISITS,
    "ADMISSION": schema.VISITS,
    "DISCHARGE": schema.VISITS,
    "TRANSFER": schema.VISITS,
    "DIAGNOSIS": schema.CONDITIONS,
    "CONDITION": schema.CONDITIONS,
    "ICD9CM": schema.CONDITIONS,
    "ICD10CM": schema.CONDITIONS,
    "MEDICATION": schema.MEDICATIONS,
    "DRUG": schema.MEDICATIONS,
    "RXNORM": schema.MEDICATIONS,
    "INFUSION": schema.MEDICATIONS,
    "PROCEDURE": schema.PROCEDURES,
    "ICD9PROC": schema.PROCEDURES,
    "ICD10PCS": schema.PROCEDURES,
    "NOTE": schema.NOTES,
}


# What the codes that datasets share are called, by their first part.
_WORDS = {
    "MEDS_BIRTH": "Birth",
    "MEDS_DEATH": "Death",
    "GENDER": "Sex",
    "RACE": "Race",
    "ETHNICITY": "Ethnicity",
    "HOSPITAL_ADMISSION": "Admitted to hospital",
    "HOSPITAL_DISCHARGE": "Discharged from hospital",
    "ICU_ADMISSION": "Admitted to intensive care",
    "ICU_DISCHARGE": "Discharged from intensive care",
    "ED_ADMISSION": "Arrived in the emergency department",
    "ED_DISCHARGE": "Left the emergency department",
}


def complete_codes(stored: pl.DataFrame, used: pl.Series) -> pl.DataFrame:
    """A code book with a row for every code, all columns, and no empty description or section.

    Args:
        stored: what the dataset says of its codes; needs `code`, may have any column of `CODE_TYPES`.
            Of several rows of one code the first counts.
        used: the distinct codes of the data.

    Returns:
        Columns of `CODE_TYPES`, then the others of `stored`; stored codes in their order, then the rest A-Z.
    """
    extra = [name for name in stored.columns if name not in schema.CODE_TYPES]
    book = (
        stored.drop_nulls("code")
        .unique("code", keep="first", maintain_order=True)
        .with_columns(
            pl.col(name).cast(kind) if name in stored.columns else pl.lit(None, dtype=kind).alias(name)
            for name, kind in schema.CODE_TYPES.items()
        )
    )
    book = book.select(*schema.CODE_TYPES, *extra)
    missing = used.filter(~used.is_in(book["code"].implode())).sort()
    book = pl.concat([book, pl.DataFrame({"code": missing}, schema={"code": pl.String})], how="diagonal")
    return book.with_columns(
        pl.when(pl.col("description").str.strip_chars().str.len_chars() > 0)
        .then(pl.col("description"))
        .otherwise(words_of_code()),
        pl.coalesce("section", section_of_code()),
    )


def words_of_code() -> pl.Expr:
    """A description made of the code itself: parts joined by spaces, separators and underscores removed.

    The codes that datasets share say what they mean: `MEDS_DEATH` is "Death", `GENDER//F` is "Sex: F".
    """
    first = pl.col("code").str.split("//").list.first().str.to_uppercase()
    known = first.replace_strict(_WORDS, default=None, return_dtype=pl.String)
    rest = _spaced(pl.col("code").str.replace("^.*?(//|$)", ""))
    said = pl.when(rest.str.len_chars() > 0).then(known + pl.lit(": ") + rest).otherwise(known)
    words = _spaced(pl.col("code"))
    return pl.coalesce(said, pl.when(words.str.len_chars() > 0).then(words).otherwise(pl.col("code")))


def _spaced(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(r"//|_|\s", " ").str.replace_all(r"\s+", " ").str.strip_chars()


def section_of_code() -> pl.Expr:
    """The section that the beginning of a code suggests; `other` when none does."""
    code = pl.col("code").str.to_uppercase()
    section = pl.lit(schema.OTHER)
    for prefix in sorted(_SECTION_BY_PREFIX, key=len):
        section = (
            pl.when(code.str.starts_with(prefix)).then(pl.lit(_SECTION_BY_PREFIX[prefix])).otherwise(section)
        )
    return section
