"""What a table means: which column is the subject, which are outcomes, what is missing."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from osler.base.errors import InputError
from osler.base.settings import Settings, one_or_more
from osler.base.yaml_file import read_yaml

Kind = Literal["numeric", "ordinal", "categorical", "flag"]
Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
Numbers = Annotated[tuple[float, ...], BeforeValidator(one_or_more)]


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
    """

    path: str
    variable: str
    label: str
    group: str | FromColumn | None = None
    type: str | FromColumn | None = None
    levels: str | None = None
    timing: str | None = None
    remove: Names = ()


class AgeSettings(Settings):
    """The column that holds the age at t0; it gives `MEDS_BIRTH`.

    Attributes:
        column: a numeric column.
        unit: years of 365.25 days, months of a twelfth of that, or days.
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
    values: dict[str, str] = Field(default_factory=dict)


class TimeSettings(Settings):
    """The column that dates a row.

    Attributes:
        column: a column of dates (which count as 23:59 of that day) or of dates with a time of day.
        format: strftime format; default ISO 8601.
    """

    column: str
    format: str | None = None


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


class TableSpec(Settings):
    """What the columns of a table with a row per patient (or per visit) mean.

    Names of columns may be patterns (`admitabx_adm___*`) wherever several are allowed; a pattern that
    matches no column is an error. A column that nothing is said about is known at baseline.

    Attributes:
        name: name of the dataset; default: the name of the file.
        separator: of a CSV file; default: a tab for .tsv and .tab, else a comma.
        subject: column with the id of the subject; without it each row is a subject, numbered from 1.
        group: column with the id of the person, where one person can be several subjects.
        visit: column with the id of the visit, where a subject has several rows.
        time: column that dates the row; without it the dataset is undated.
        site: column that names the hospital; it is written beside every event instead of being an event.
        age: column with the age.
        sex: column with the sex.
        outcome: columns that are outcomes: twelve hours after t0.
        after: other columns that were not yet known at t0: twelve hours after t0.
        intervention: columns that say what was done (role only; name them in `after`, too, if they are
            later).
        baseline: columns that were checked and are known at t0 although their name suggests an outcome.
        identifier: columns that identify a person; they are left out.
        drop: column -> reason why it is left out.
        missing: values that mean missing, in every column. An empty cell always does.
        sentinels: column -> numbers that mean missing.
        types: column -> numeric, ordinal, categorical or flag.
        levels: column -> its values in order; makes it ordinal.
        labels: column -> description.
        units: column -> unit.
        sections: column -> section.
        checkbox: how checkbox groups are stored; null: there are none.
        dictionary: the data dictionary.
        groups: patient groups, by name.
        key: file with the key that hashes ids which are no whole numbers; default: one derived from the
            content of the table. Name a key of your own where the table could be guessed, or to continue ids.
        shard_subjects: subjects per shard.
    """

    name: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    subject: str | None = None
    group: str | None = None
    visit: str | None = None
    time: str | TimeSettings | None = None
    site: str | None = None
    age: AgeSettings | None = None
    sex: str | SexSettings | None = None
    outcome: Names = ()
    after: Names = ()
    intervention: Names = ()
    baseline: Names = ()
    identifier: Names = ()
    drop: dict[str, str] = Field(default_factory=dict)
    missing: Names = ("NA",)
    sentinels: dict[str, Numbers] = Field(default_factory=dict)
    types: dict[str, Kind] = Field(default_factory=dict)
    levels: dict[str, Names] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    sections: dict[str, str] = Field(default_factory=dict)
    checkbox: CheckboxSettings | None = CheckboxSettings()
    dictionary: DictionarySettings | None = None
    groups: dict[str, GroupSettings] = Field(default_factory=dict)
    key: str | None = None
    shard_subjects: int = Field(default=5000, ge=1)

    @model_validator(mode="after")
    def _visits_have_subjects(self) -> "TableSpec":
        if self.subject is None and self.visit is not None:
            raise ValueError("`visit` needs `subject`: several rows are one subject only by its id")
        return self

    @property
    def time_settings(self) -> TimeSettings | None:
        """`time` in its long form."""
        return TimeSettings(column=self.time) if isinstance(self.time, str) else self.time

    @property
    def sex_settings(self) -> SexSettings | None:
        """`sex` in its long form."""
        return SexSettings(column=self.sex) if isinstance(self.sex, str) else self.sex


def read_table_spec(path: Path) -> TableSpec:
    """Read the spec of a table from YAML.

    Raises:
        InputError: no such file, not YAML, or settings that are not understood (with their key paths).
    """
    return TableSpec.parse(read_yaml(path), where=str(path))


def find_beside(name: str, folders: list[Path], *, what: str) -> Path:
    """The file of that name in the first folder that has it (an absolute name is taken as it is).

    Raises:
        InputError: none of the folders has it.
    """
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"{what} '{name}' is not there",
        allowed=folders,
        remedy="name a file relative to one of these folders",
    )
