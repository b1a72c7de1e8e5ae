"""What a text style is: a small frozen description, no code of its own."""

from dataclasses import dataclass, field
from typing import Literal

AGE = "age"
SEX = "sex"


@dataclass(frozen=True)
class Glue:
    """The fixed text between statements. White space at its ends keeps token counts additive.

    Attributes:
        open: before everything.
        close: after everything.
        section_open: before the first statement of a section; `{heading}` is its heading.
        section_close: after the last statement of a section.
        section_join: between the close of a section and the next one's opening.
        between: between two statements of one section.
        empty: the text of a record without statements.
    """

    open: str = ""
    close: str = ""
    section_open: str = ""
    section_close: str = ""
    section_join: str = ""
    between: str = "\n"
    empty: str = ""


@dataclass(frozen=True)
class Style:
    """One text style.

    Attributes:
        name: as users write it.
        summary: one sentence for help and documentation.
        events: whether coded events are shown.
        pick: which event of a code is shown: its latest or its first visible one.
        values: how many of its last values a measured quantity shows, newest first.
        values_not_in: sections whose numbers are no measurements and stand alone.
        slope: whether the change per day through these values is stated (needs dates).
        ranges: whether values are marked low, normal or high.
        dates: whether each statement begins with the date of its event (needs dates).
        days_before_in: sections whose events are told by how many days before the prediction they were.
        notes: how notes are shown when the settings do not say.
        sections: whether statements stand under section headings.
        order: order inside a section or list: newest first, or as in the code book.
        language: how a statement is spelled.
        glue: the text between statements.
        keep: sections that the budget never drops; they come first.
    """

    name: str
    summary: str
    events: bool = True
    pick: Literal["latest", "first"] = "latest"
    values: int = 1
    values_not_in: tuple[str, ...] = ()
    slope: bool = False
    ranges: bool = False
    dates: bool = False
    days_before_in: tuple[str, ...] = ()
    notes: Literal["sentences", "whole"] | None = None
    sections: bool = False
    order: Literal["time", "code"] = "time"
    language: Literal["plain", "json"] = "plain"
    glue: Glue = field(default_factory=Glue)
    keep: tuple[str, ...] = (AGE, SEX)
