"""Which codes of a dataset may become which variables, by what the code book says of them.

A slot is what may become one variable: a code, or a family of codes that state one thing (`GENDER//F`,
`GENDER//M`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import polars as pl

from osler.record.codebook import words_of_code
from osler.record.schema import BIRTH, DEATH
from osler.represent.settings import TypedSettings
from osler.represent.typed import KINDS
from osler.represent.typed_report import EXCLUDED, IDENTIFIER, INTERVENTION, NOTE, OUTCOME

COLUMN = "COL//"
NO_SLOT = -1
# First parts of codes whose other parts are the levels of one variable.
FAMILIES = ("GENDER", "SEX", "RACE", "ETHNICITY", "INSURANCE", "LANGUAGE", "MARITAL", "MARITAL_STATUS")


@dataclass(frozen=True)
class Slot:
    """One possible variable, as the code book has it.

    Attributes:
        name: the code, or the name of a family of codes.
        label: what a reader calls it; of a checkbox, the question and the option.
        kind: numeric, ordinal, categorical or flag; None: the values decide.
        levels: its levels in order, where the code book has them.
        section, unit, role: as in the code book; the role `baseline` where it has none.
        column: whether it is a column of a table.
        left_out: why it is no variable, whatever its values are; None: it may be one.
    """

    name: str
    label: str
    kind: str | None = None
    levels: tuple[str, ...] = ()
    section: str | None = None
    unit: str | None = None
    role: str = "baseline"
    column: bool = False
    left_out: str | None = None


@dataclass(frozen=True)
class Slots:
    """The slots of a code book.

    Attributes:
        slots: in the order of the code book.
        code_type: type whose physical values are positions in the code book.
        of_code: int64 [n_codes] the slot of each code; `NO_SLOT`: births.
        said: [n_codes] the level that the code itself states; null where values do.
    """

    slots: tuple[Slot, ...]
    code_type: pl.Enum
    of_code: np.ndarray
    said: pl.Series

    def __len__(self) -> int:
        return len(self.slots)


def open_slots(book: pl.DataFrame, settings: TypedSettings) -> Slots:
    """Slots of a complete code book (`Dataset.codes`).

    Args:
        book: columns of `CODE_TYPES`, each code once.
        settings: which codes take no part.
    """
    described = dict(zip(book["code"], book["description"], strict=True))
    slots: list[Slot] = []
    of_code = np.full(book.height, NO_SLOT, dtype=np.int64)
    said: list[str | None] = [None] * book.height
    families: dict[str, int] = {}
    for place, row in enumerate(book.iter_rows(named=True)):
        code = row["code"]
        if code == BIRTH or code.startswith(f"{BIRTH}//"):
            continue
        first, _, rest = code.partition("//")
        family = first.upper() if first.upper() in FAMILIES else None
        slot = replace(_slot(row, described), left_out=_left_out(row, family, settings))
        if family is None or slot.left_out is not None:
            of_code[place] = len(slots)
            slots.append(slot)
            continue
        said[place] = rest or None
        if family not in families:
            families[family] = len(slots)
            slots.append(
                replace(slot, name=family, label=_words(family), kind="categorical", levels=(), unit=None)
            )
        of_code[place] = families[family]
    return Slots(
        slots=tuple(slots),
        code_type=pl.Enum(book["code"]),
        of_code=of_code,
        said=pl.Series("said", said, dtype=pl.String),
    )


def matches(pattern: str, code: str) -> bool:
    """Whether a pattern of `exclude` means a code.

    Examples:
        >>> matches("sqi*", "COL//sqi1_perc_oxi_adm"), matches("LAB//*", "LAB//Na"), matches("Na", "LAB//Na")
        (True, True, False)
    """
    return fnmatchcase(code, pattern) or fnmatchcase(code.removeprefix(COLUMN), pattern)


def unmatched(patterns: Iterable[str], codes: Iterable[str]) -> tuple[str, ...]:
    """The patterns that match none of the codes."""
    codes = list(codes)
    return tuple(p for p in patterns if not any(matches(p, code) for code in codes))


def _slot(row: dict[str, Any], described: dict[str, str]) -> Slot:
    kind = row["kind"] if row["kind"] in KINDS else None
    question = next((described[p] for p in row["parent_codes"] or () if p in described), None)
    option = kind == "flag" and question is not None
    return Slot(
        name=row["code"],
        label=f"{question}: {row['description']}" if option else row["description"],
        kind=kind,
        levels=tuple(dict.fromkeys(level.strip() for level in row["levels"] or () if level is not None)),
        section=row["section"],
        unit=row["unit"],
        role=row["role"] or "baseline",
        column=row["code"].startswith(COLUMN),
    )


def _left_out(row: dict[str, Any], family: str | None, settings: TypedSettings) -> str | None:
    code, role = row["code"], row["role"]
    if role in (OUTCOME, IDENTIFIER):
        return str(role)
    if code == DEATH or code.startswith(f"{DEATH}//"):
        return OUTCOME
    if role == INTERVENTION and not settings.interventions:
        return INTERVENTION
    names = [code] if family is None else [code, family]
    if any(matches(pattern, name) for pattern in settings.exclude for name in names):
        return EXCLUDED
    return NOTE if row["kind"] == "note" or code.startswith("NOTE//") else None


def _words(family: str) -> str:
    words: str = pl.DataFrame({"code": [family]}).select(words_of_code())["code"][0]
    return words.capitalize()
