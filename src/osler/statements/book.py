"""The code book as arrays: what each code is called, where it stands and how it is shown."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from osler.record import schema
from osler.record.codebook import words_of_code
from osler.record.units import readable
from osler.statements.spec import AGE, SEX

SEX_PREFIX = "GENDER//"
NOTE_PREFIX = "NOTE//"
HEADINGS = {
    schema.DEMOGRAPHICS: "Demographics",
    schema.BODY: "Body metrics",
    schema.VITALS: "Vital signs",
    schema.LABS: "Laboratory results",
    schema.VISITS: "Visits",
    schema.CONDITIONS: "Conditions",
    schema.MEDICATIONS: "Medications",
    schema.PROCEDURES: "Procedures",
    schema.NOTES: "Notes",
    schema.OTHER: "Other",
}
_LAST = (schema.NOTES, schema.OTHER)
_TEXT_FIRST = ("ordinal", "categorical", "flag", "note")


@dataclass(frozen=True)
class Book:
    """A code book in its own order; all arrays are [n_codes] unless said otherwise.

    Attributes:
        codes: the codes.
        description: one line of text each, white space runs made one space.
        unit: unit as it reads, or null.
        section: index into `sections`.
        text_first: whether a text value stands before a numeric one (ordinal, categorical, flag).
        is_birth, is_sex, is_note, is_identifier: what the code is.
        group: index into `group_names` of the checkbox question that it is an option of, else -1.
        low, high: limits of normal, NaN where there are none.
        sections: names of sections; `age` and `sex` come first.
        block: [n_sections] place of the section's heading; `age` and `sex` stand under demographics.
        headings: [n_blocks] headings in the order of display.
        group_names: the checkbox questions.
        sex: word for the sex that the code states; empty for other codes.
    """

    codes: pl.Series
    description: pl.Series
    unit: pl.Series
    section: np.ndarray
    text_first: np.ndarray
    is_birth: np.ndarray
    is_sex: np.ndarray
    is_note: np.ndarray
    is_identifier: np.ndarray
    group: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sections: tuple[str, ...]
    block: np.ndarray
    headings: tuple[str, ...]
    group_names: pl.Series
    sex: pl.Series

    def is_any(self, mask: np.ndarray, code: np.ndarray) -> np.ndarray:
        """Whether each event's code is one of some codes.

        Args:
            mask: bool [n_codes].
            code: positions in the code book [n].

        Returns:
            bool [n].
        """
        return np.asarray(mask[code]) if mask.any() else np.zeros(len(code), dtype=bool)

    @cached_property
    def code_type(self) -> pl.Enum:
        """Type whose physical values are positions in the code book."""
        return pl.Enum(self.codes)


def open_book(codes: pl.DataFrame) -> Book:
    """Arrays of a complete code book.

    Args:
        codes: as `osler.record.dataset.Dataset.codes`: the columns of `CODE_TYPES`, each code once, every
            code of the events present, descriptions and sections filled.
    """
    code = codes["code"]
    sections, place = _sections(codes["section"])
    kind = codes["kind"]
    has_parent = codes["parent_codes"].list.len().fill_null(0) > 0
    option = ((kind == "flag").fill_null(value=False) & has_parent).to_numpy()
    parent = codes["parent_codes"].list.get(0, null_on_oob=True).to_frame("code")
    questions = parent.filter(option)["code"].unique(maintain_order=True)
    group = np.full(len(code), -1, dtype=np.int32)
    group[option] = (
        parent.filter(option)["code"].cast(pl.Enum(questions)).to_physical().cast(pl.Int32).to_numpy()
    )
    named = questions.to_frame("code").join(codes.select("code", "description"), on="code", how="left")
    return Book(
        codes=code,
        description=one_line(codes["description"]),
        unit=readable(one_line(codes["unit"])),
        section=codes["section"].replace_strict(place, return_dtype=pl.Int32).to_numpy(),
        text_first=kind.is_in(_TEXT_FIRST).fill_null(value=False).to_numpy(),
        is_birth=((code == schema.BIRTH) | code.str.starts_with(f"{schema.BIRTH}//")).to_numpy(),
        is_sex=code.str.starts_with(SEX_PREFIX).to_numpy(),
        is_note=(code.str.starts_with(NOTE_PREFIX) | (kind == "note").fill_null(value=False)).to_numpy(),
        is_identifier=(codes["role"] == "identifier").fill_null(value=False).to_numpy(),
        group=group,
        low=codes["low"].fill_null(np.nan).to_numpy(),
        high=codes["high"].fill_null(np.nan).to_numpy(),
        sections=tuple(sections),
        block=_blocks(sections),
        headings=tuple(HEADINGS.get(name, name) for name in sections[2:]),
        group_names=one_line(named.select(pl.coalesce("description", words_of_code()))["description"]),
        sex=_sex_words(code),
    )


def one_line(text: pl.Series) -> pl.Series:
    """Strings on one line: each run of white space becomes one space, the ends are trimmed; empty is null."""
    clean = text.str.replace_all(r"\s+", " ").str.strip_chars()
    return (
        clean.to_frame("t").select(pl.when(pl.col("t").str.len_bytes() > 0).then("t"))["t"].alias(text.name)
    )


def _sections(used: pl.Series) -> tuple[list[str], dict[str, int]]:
    own = [name for name in used.unique(maintain_order=True) if name not in schema.SECTIONS]
    ordered = [name for name in schema.SECTIONS if name not in _LAST]
    sections = [AGE, SEX, *ordered, *(name for name in own if name not in (AGE, SEX)), *_LAST]
    return sections, {name: i for i, name in enumerate(sections)}


def _blocks(sections: list[str]) -> np.ndarray:
    demographics = sections.index(schema.DEMOGRAPHICS) - 2
    return np.array([demographics, demographics, *range(len(sections) - 2)], dtype=np.int32)


def _sex_words(code: pl.Series) -> pl.Series:
    known = {"f": "female", "m": "male", "u": "unknown", "": "unknown"}
    word = pl.col("code").str.strip_prefix(SEX_PREFIX).str.to_lowercase().str.replace_all(r"[_\s/]+", " ")
    is_sex = pl.col("code").str.starts_with(SEX_PREFIX)
    shown = pl.when(is_sex).then(word.str.strip_chars().replace(known)).otherwise(pl.lit(""))
    return code.to_frame("code").select(shown.alias("sex"))["sex"]
