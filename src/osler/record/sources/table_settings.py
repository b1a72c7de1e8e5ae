"""The blocks of a table's spec, and how they read what YAML makes of a bare yes or no."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from osler.base.settings import Settings, one_or_more

# YAML takes a bare yes or no for true or false; in a table it is one of these words.
_YES = ("yes", "Yes", "YES", "true", "True", "TRUE")
_NO = ("no", "No", "NO", "false", "False", "FALSE")
_MONTH_MARKS = ("%b", "%B", "%h")


def _cells(value: Any) -> Any:
    """One or several values of a table; true and false stand for every spelling of yes and no."""
    values = one_or_more(value)
    if not isinstance(values, tuple):
        return values
    spelled = [(_YES if one else _NO) if isinstance(one, bool) else (one,) for one in values]
    return tuple(word for words in spelled for word in words)


def _words(value: Any) -> Any:
    """One or several words of the spec; true and false are the words yes and no."""
    values = one_or_more(value)
    return tuple(map(_word, values)) if isinstance(values, tuple) else values


def _word(value: Any) -> Any:
    return ("yes" if value else "no") if isinstance(value, bool) else value


def _recoding(value: Any) -> Any:
    """Value of the table -> word, with every spelling of a key that YAML took for true or false."""
    if not isinstance(value, dict):
        return value
    spelled = {
        cell: _word(word)
        for key, word in value.items()
        for cell in {"true": _YES, "false": _NO}.get(key, (key,))
    }
    return {**spelled, **{key: _word(word) for key, word in value.items()}}


Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
Cells = Annotated[tuple[str, ...], BeforeValidator(_cells)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(one_or_more)]
Recoding = Annotated[dict[str, str], BeforeValidator(_recoding)]


class FromColumn(Settings):
    """A fact that is a part of a dictionary column.

    Attributes:
        column: column of the dictionary.
        pattern: regular expression whose first group is the fact, for instance `\\((.*)\\)`.
    """

    column: str
    pattern: str | None = None


class DictionarySettings(Settings):
    """Where the data dictionary is and which of its columns say what.

    Attributes:
        path: CSV, TSV or Parquet; a relative path starts at the spec's folder, else at the source's.
        variable: column with the names of the table's columns.
        label: column with their descriptions. `question [option]` describes one option of a checkbox group,
            and a unit in brackets such as `(in kg)` or `(mmol/L)` is taken out of the label.
        group: column with the section.
        type: column with the type (continuous, integer, categorical, ordinal, checkbox ...).
        levels: column with the allowed values, separated by `|`; `code, label` pairs recode the values.
        timing: column that says when a value is collected; used only to report columns that are not declared.
        remove: regular expressions that are removed from labels.
        order: whose order codes are listed in, and lines of a text: the dictionary's or the table's.
    """

    path: str
    variable: str
    label: str
    group: str | FromColumn | None = None
    type: str | FromColumn | None = None
    levels: str | None = None
    timing: str | None = None
    remove: Names = ()
    order: Literal["dictionary", "table"] = "dictionary"


class AgeSettings(Settings):
    """The column that holds the age at t0; it gives `MEDS_BIRTH`.

    Attributes:
        column: a numeric column.
        unit: years, months or days; whole years and months are counted by the calendar.
    """

    column: str
    unit: Literal["years", "months", "days"]


class SexSettings(Settings):
    """The column that holds the sex; it gives `GENDER//<value>`.

    Attributes:
        column: the column.
        values: value of the table -> value of the code (`{Male: M, Female: F}`); empty keeps the table's
            values.
    """

    column: str
    values: Recoding = Field(default_factory=dict)


class TimeSettings(Settings):
    """The column that dates a row.

    A date is when all of it is over: a day counts as 23:59, a month as its last day, a year as its last day.

    Attributes:
        column: a column of dates or of dates with a time of day.
        format: strftime format; default ISO 8601.
        months: names of the twelve months, for dates in another language; a month may have several. They
            stand where `format` has `%b`.
    """

    column: str
    format: str | None = None
    months: Annotated[tuple[Names, ...], BeforeValidator(one_or_more)] = ()

    @model_validator(mode="after")
    def _months_fit(self) -> "TimeSettings":
        if self.months and len(self.months) != 12:
            raise ValueError(f"months: {len(self.months)} are named, and a year has 12")
        if self.months and not any(mark in (self.format or "") for mark in _MONTH_MARKS):
            raise ValueError("months: `format` has no %b that says where the name of the month stands")
        names = [name.lower() for month in self.months for name in month]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"months: '{twice[0]}' is named twice")
        return self


class CheckboxSettings(Settings):
    """How the options of a checkbox group are stored: one column `<question><separator><option>` each.

    Attributes:
        separator: what stands between question and option in the name.
        checked: values that mean checked.
        unchecked: values that mean unchecked.
    """

    separator: str = "___"
    checked: Names = ("Checked", "1")
    unchecked: Names = ("Unchecked", "0")


class GroupSettings(Settings):
    """A patient group for audits: by the beginning of a code, or by a column of the table.

    Attributes:
        prefix: beginning of the codes, for instance `GENDER//`; the rest of the code is the value.
        column: a column of the table, written beside every event of its rows.
        values: value -> name of the group.
    """

    prefix: str | None = None
    column: str | None = None
    values: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> "GroupSettings":
        if (self.prefix is None) == (self.column is None):
            raise ValueError("give either `prefix` or `column`")
        return self


class LookupSettings(Settings):
    """A second table that says what the values of a column mean.

    Attributes:
        path: CSV, TSV or Parquet; a relative path starts at the spec's folder, else at the source's.
        key: SQL expression over its columns that gives the value (`code`, `left(code, 3)`), or several. A
            value that rows of different labels share has no label.
        label: its column with the words.
        optional: whether the values stay as they are where the file is absent; otherwise that is an error.
    """

    path: str
    key: Names
    label: str
    optional: bool = False
