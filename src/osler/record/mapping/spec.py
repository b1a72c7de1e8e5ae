"""The words of a mapping: how the tables of a source become events.

A spec names tables, and says of each whose its rows are, when they happened, when they were known, and which
events they make. Three kinds of text stand in a spec:

- a *column*: `hadm_id`, or `stay.outtime` of a joined table. Where several are listed, the first that has a
  value counts.
- a *template*: text with columns in braces, `LAB//{itemid}`, or of a dictionary that was looked up,
  `{item.label}`. A template with a column that has no value gives nothing, and the next one listed is taken.
- an *expression*: SQL over the columns of the row, in `derive`, `where` and `leave_out`.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from osler.base.settings import Settings
from osler.record.mapping.spec_event import AT_ONCE, STATIC, Event, Names, Times

ALL_COLUMNS = "*"


class Leave(Settings):
    """Rows that make no event, with the reason that stands in the attrition table.

    Attributes:
        where: expression that holds for these rows.
        reason: in words, for instance `entered in error`.
    """

    where: str
    reason: str


class LeaveToOther(Leave):
    """As `Leave`, for rows that another table may tell too.

    Attributes:
        told_by: the table that tells the same; where the source lacks it, such rows make events.
    """

    told_by: str | None = None


def _pairs(value: Any) -> Any:
    """Names that are the same on both sides may be listed."""
    if isinstance(value, str):
        return {value: value}
    return {name: name for name in value} if isinstance(value, list | tuple) else value


class Join(Settings):
    """A table joined row by row; each of its keys may occur once.

    Attributes:
        table: another table of the spec, with its derived columns.
        by: columns of both tables; or column of this table -> column of the joined one. A column of a
            join that is named before may be a key too: `stay.patient_id`.
    """

    table: str
    by: Annotated[dict[str, str], BeforeValidator(_pairs)]


class Lookup(Settings):
    """A dictionary that says what the values of a column mean; looked up once per distinct value.

    Attributes:
        dictionary: one of `dictionaries`.
        by: columns of this table with its key, in the order of the dictionary's key.
    """

    dictionary: str
    by: Names


class Dictionary(Settings):
    """A table that describes codes.

    Attributes:
        file: as in a table.
        key: its columns that identify an entry.
        optional: as in a table.
        derive: as in a table.
        quote: whether text may stand in quotation marks; some tab-separated exports hold them as data.
    """

    file: Names
    key: Names
    optional: Names = ()
    derive: dict[str, str] = Field(default_factory=dict)
    quote: bool = True


class Subjects(Settings):
    """The table that lists the subjects; rows of any other subject are left out, and counted.

    Attributes:
        table: one of `tables`.
        id: column with the id of the subject.
        group: column with the id of the person, where one person can be several subjects.
    """

    table: str
    id: str
    group: str | None = None


class Sites(Settings):
    """The table that names the sites; without it the column of the site is its name.

    Attributes:
        table: one of `tables`.
        id: its column that other tables refer to.
        name: its column with the name; where two sites share a name, the id is added to it.
    """

    table: str
    id: str
    name: str


class Table(Settings):
    """A table of the source.

    Attributes:
        file: path below the source without its ending (`hosp/labevents`), or several names for it; `*`
            stands for any part of a file name. Case does not matter. The file may be CSV, TSV or Parquet,
            compressed or not, or a folder of such files. Default: the name of the table.
        required: whether the source is refused without it.
        ignore: reason why its rows make no events; they are counted.
        subject: column with the id of the subject.
        visit: column with the id of the visit.
        site: column with the site.
        note_id: column with the id of the note.
        join: joined tables, by the name that stands before their columns.
        lookup: dictionaries, by the name that stands before their columns.
        optional: columns that some sources lack, or patterns of them; they are without a value there.
        derive: new columns, by expressions over columns of the row (which are text in a CSV file).
        missing: column -> values that mean missing; names may be patterns, `*` is every column.
        recode: column -> value -> value; others keep their own; names may be patterns.
        midnight: `date` when a time of 00:00 means a date without time of day.
        time: when the rows happened.
        availability: when they were known, where that is later: columns or offsets, or `at once`.
        leave_out: rows that make no events, with reasons.
        events: what a row becomes.
    """

    file: Names = ()
    required: bool = False
    ignore: str | None = None
    subject: Names = ()
    visit: Names = ()
    site: Names = ()
    note_id: str | None = None
    join: dict[str, Join] = Field(default_factory=dict)
    lookup: dict[str, Lookup] = Field(default_factory=dict)
    optional: Names = ()
    derive: dict[str, str] = Field(default_factory=dict)
    missing: dict[str, Names] = Field(default_factory=dict)
    recode: dict[str, dict[str, str]] = Field(default_factory=dict)
    midnight: Literal["date", "time"] | None = None
    time: Times = ()
    availability: Times | None = None
    leave_out: tuple[LeaveToOther, ...] = ()
    events: tuple[Event, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> "Table":
        for number, event in enumerate(self.events):
            if not (event.time or self.time):
                raise ValueError(f"events.{number}: give `time`, here or for the table")
            known = self.availability if event.availability is None else event.availability
            if known is None and (event.time or self.time) != (STATIC,):
                raise ValueError(
                    f"events.{number}: give `availability`, here or for the table: the column that says when "
                    f"the row was known, or `{AT_ONCE}`"
                )
        later = list(self.join)
        for alias, join in self.join.items():
            for name in join.by:
                if name.partition(".")[0] in later and "." in name:
                    raise ValueError(f"join.{alias}.by: '{name}' is no column of a table joined before")
            later.remove(alias)
        if self.events and not self.subject:
            raise ValueError("give `subject`, the column with the id of the subject")
        if self.ignore is not None and self.events:
            raise ValueError("a table that is ignored makes no events")
        return self


class Group(Settings):
    """A patient group for audits, by the beginning of its codes.

    Attributes:
        prefix: beginning of the codes; the rest of the code is the value.
        values: value -> name of the group.
    """

    prefix: str
    values: dict[str, str] = Field(default_factory=dict)


class MappingSpec(Settings):
    """How a source becomes a MEDS dataset.

    Attributes:
        extends: a built-in spec that this one changes: its keys are taken over, tables one by one.
        name: name of the dataset; default: the source's.
        about: what the source is, in one sentence.
        dates: real; shifted (each subject's by its own amount); relative (counted from an arbitrary day).
            Default: relative where every time of the source is counted from a day of the spec, else real.
        timezone: zone in which times with a zone are told, for instance `Europe/Paris`.
        time_formats: strftime formats of times that are not ISO 8601; one without an hour is a date.
        midnight: as in a table, for all tables.
        decimal: the decimal mark of numbers in text files.
        missing: values that mean missing, in every column. An empty cell always does.
        subjects: who is in the dataset; default: everyone that any table names.
        sites: what the sites are called.
        dictionaries: tables that describe codes.
        vocabulary: tables of the source with the vocabulary of OMOP, which says what stands above a code.
        groups: patient groups.
        tables: the tables.
    """

    extends: str | None = None
    name: str | None = None
    about: str = ""
    dates: Literal["real", "shifted", "relative"] | None = None
    timezone: str = "UTC"
    time_formats: Names = ()
    midnight: Literal["date", "time"] = "time"
    decimal: Literal[".", ","] = "."
    missing: Names = ()
    subjects: Subjects | None = None
    sites: Sites | None = None
    dictionaries: dict[str, Dictionary] = Field(default_factory=dict)
    vocabulary: Names = ()
    groups: dict[str, Group] = Field(default_factory=dict)
    tables: dict[str, Table] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist(self) -> "MappingSpec":
        for name, table in self.tables.items():
            for alias, join in table.join.items():
                _require(f"tables.{name}.join.{alias}.table", join.table, self.tables)
            for alias, lookup in table.lookup.items():
                key = f"tables.{name}.lookup.{alias}"
                _require(f"{key}.dictionary", lookup.dictionary, self.dictionaries)
                if len(lookup.by) != len(self.dictionaries[lookup.dictionary].key):
                    raise ValueError(f"{key}.by: name a column for each of the dictionary's key")
            for place, leave in enumerate(table.leave_out):
                if leave.told_by is not None:
                    _require(f"tables.{name}.leave_out.{place}.told_by", leave.told_by, self.tables)
            twice = sorted(table.join.keys() & table.lookup.keys())
            if twice:
                raise ValueError(f"tables.{name}: '{twice[0]}' is both a join and a lookup")
        if self.subjects is not None:
            _require("subjects.table", self.subjects.table, self.tables)
        if self.sites is not None:
            _require("sites.table", self.sites.table, self.tables)
        return self


def _require(key: str, name: str, allowed: dict[str, Any]) -> None:
    if name not in allowed:
        raise ValueError(f"{key}: there is no '{name}' (allowed: {', '.join(allowed) or 'none'})")
