"""What a table means: which column is the subject, which are outcomes, what is missing."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from osler.base.errors import InputError
from osler.base.settings import Settings
from osler.base.yaml_file import read_yaml
from osler.record.mapping.spec import Leave
from osler.record.sources.table_settings import (
    AgeSettings,
    Cells,
    CheckboxSettings,
    DictionarySettings,
    GroupSettings,
    LookupSettings,
    Names,
    Numbers,
    Recoding,
    SexSettings,
    TimeSettings,
    Words,
)

Kind = Literal["numeric", "ordinal", "categorical", "flag"]
EVERY_COLUMN = "*"


def _by_column(value: Any) -> Any:
    """Values that hold for every column may stand without the column's name."""
    return value if value is None or isinstance(value, dict) else {EVERY_COLUMN: value}


def _named(value: Any) -> Any:
    """A column may stand where a block may say more of it."""
    return {"column": value} if isinstance(value, str) else value


class TableSpec(Settings):
    """What the columns of a table with a row per patient (or per visit) mean.

    Names of columns may be patterns (`admitabx_adm___*`) wherever several are allowed; a pattern that
    matches no column is an error, and of several entries that name a column the last one counts. A column
    that nothing is said about is known at baseline. `docs/table.md` has an example of every word.

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
        missing: values that become no event: they mean missing, or that there is nothing to tell. A list
            holds for every column; column -> values holds for that column, and `*` for every column. An
            empty cell never becomes an event.
        sentinels: column -> numbers that mean missing.
        derive: column -> SQL expression over the columns of the row, which are text; a new column, or one
            that takes the place of the column of that name.
        leave_out: rows that make no events, each with the SQL condition and the reason.
        recode: column -> value of the table -> word; other values keep their own.
        lookup: column -> a second table that says what its values mean.
        types: column -> numeric, ordinal, categorical or flag.
        levels: column -> its values (the words of `recode`, where it has any) in order; makes it ordinal.
        labels: column -> description.
        units: column -> unit.
        sections: column -> section.
        checkbox: how checkbox groups are stored; null: there are none.
        dictionary: the data dictionary.
        groups: patient groups, by name.
        key: file with the key that hashes ids which are no whole numbers; default: one derived from the
            content of the table. Name a key of your own where the table could be guessed, or to continue ids.
        shard_subjects: subjects per shard; default: those of some 5,000 rows, fewer with over 100 columns.
    """

    name: str | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    subject: str | None = None
    group: str | None = None
    visit: str | None = None
    time: Annotated[TimeSettings | None, BeforeValidator(_named)] = None
    site: str | None = None
    age: AgeSettings | None = None
    sex: Annotated[SexSettings | None, BeforeValidator(_named)] = None
    outcome: Names = ()
    after: Names = ()
    intervention: Names = ()
    baseline: Names = ()
    identifier: Names = ()
    drop: dict[str, str] = Field(default_factory=dict)
    missing: Annotated[dict[str, Cells], BeforeValidator(_by_column)] = Field(default={EVERY_COLUMN: ("NA",)})
    sentinels: dict[str, Numbers] = Field(default_factory=dict)
    derive: dict[str, str] = Field(default_factory=dict)
    leave_out: tuple[Leave, ...] = ()
    recode: dict[str, Recoding] = Field(default_factory=dict)
    lookup: dict[str, LookupSettings] = Field(default_factory=dict)
    types: dict[str, Kind] = Field(default_factory=dict)
    levels: dict[str, Words] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)
    units: dict[str, str] = Field(default_factory=dict)
    sections: dict[str, str] = Field(default_factory=dict)
    checkbox: CheckboxSettings | None = CheckboxSettings()
    dictionary: DictionarySettings | None = None
    groups: dict[str, GroupSettings] = Field(default_factory=dict)
    key: str | None = None
    shard_subjects: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _visits_have_subjects(self) -> "TableSpec":
        if self.subject is None and self.visit is not None:
            raise ValueError("`visit` needs `subject`: several rows are one subject only by its id")
        return self


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
