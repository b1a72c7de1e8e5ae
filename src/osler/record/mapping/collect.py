"""First pass: every table is read once, its rows become events by bucket, every row is accounted for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json
from osler.record.identifiers import hashed_id
from osler.record.mapping.database import batches, reading
from osler.record.mapping.numbering import Numbering
from osler.record.mapping.query import KEPT, Query
from osler.record.mapping.rule import CODE, FIRST_BAD, LABEL, MADE, REASONS, UNIT, Rule
from osler.record.mapping.spill import COLUMNS, Run, Spill

if TYPE_CHECKING:
    import duckdb

_PRIORITY = sorted(REASONS, reverse=True)  # of several reasons why a row makes no event, the one to tell


class UnreadableError(InputError):
    """Values of a table that cannot be read.

    Attributes:
        path: the first file of the table.
        rows: the first rows of the table with such values, counted from 1.
    """

    def __init__(self, what: str, *, path: Path, rows: Sequence[int], **said: Any) -> None:
        super().__init__(what, **said)
        self.path = path
        self.rows = tuple(rows)


@dataclass
class Counts:
    """What became of the rows of a table.

    Attributes:
        read: rows.
        kept: rows that made events.
        left: reason -> rows.
        bad: rows with something that cannot be read: reason -> rows.
        partly: those of them that were kept, without what cannot be read.
        events: events made.
    """

    read: int = 0
    kept: int = 0
    left: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    partly: Counter[str] = field(default_factory=Counter)
    events: int = 0


@dataclass
class Collected:
    """What the first pass gathers over all tables.

    Attributes:
        codes, units, labels, sites: texts that events carry numbers of.
        pairs: number of code and of unit -> events with a number, events with words only, events.
        counts: by table.
        runs: files of events.
        text_bytes: bytes of text that events carry.
    """

    codes: Numbering = field(default_factory=lambda: Numbering(what="codes"))
    units: Numbering = field(default_factory=lambda: Numbering(what="units"))
    labels: Numbering = field(default_factory=lambda: Numbering(what="looked-up words"))
    sites: Numbering = field(default_factory=lambda: Numbering(what="sites"))
    pairs: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    text_bytes: int = 0

    def save(self, path: Path) -> None:
        """Write everything, so that an interrupted job can go on after the last table that was read."""
        write_json(
            path,
            {
                "codes": self.codes.texts,
                "units": self.units.texts,
                "labels": self.labels.texts,
                "sites": self.sites.texts,
                "pairs": [[*pair, *counts] for pair, counts in self.pairs.items()],
                "counts": {name: vars(counts) for name, counts in self.counts.items()},
                "runs": [[run.path.name, list(run.batches)] for run in self.runs],
                "text_bytes": self.text_bytes,
            },
            private=True,
        )

    @classmethod
    def load(cls, path: Path) -> "Collected":
        """Read what `save` wrote; nothing was read yet where there is no such file."""
        if not path.is_file():
            return cls()
        saved: dict[str, Any] = read_json(path)
        names = ("codes", "units", "labels", "sites")
        numberings = {name: Numbering(saved[name], what=name) for name in names}
        counts = {
            name: Counts(
                read=one["read"],
                kept=one["kept"],
                left=Counter(one["left"]),
                bad=Counter(one["bad"]),
                partly=Counter(one["partly"]),
                events=one["events"],
            )
            for name, one in saved["counts"].items()
        }
        return cls(
            **numberings,
            pairs={(code, unit): counts for code, unit, *counts in saved["pairs"]},
            counts=counts,
            runs=[Run(path.parent / name, tuple(batches)) for name, batches in saved["runs"]],
            text_bytes=saved["text_bytes"],
        )


class Collector:
    """Reads tables into a spill.

    Args:
        collected: what was gathered so far; it is added to.
        key: hashes ids of visits and notes that are no whole numbers.
        batch_rows: rows that are worked on at a time; fewer for tables with notes.
    """

    def __init__(self, collected: Collected, *, key: bytes, batch_rows: int) -> None:
        self.collected = collected
        self.key = key
        self.batch_rows = batch_rows

    def read(self, name: str, query: Query, connection: "duckdb.DuckDBPyConnection", spill: Spill) -> None:
        """Read a table.

        Args:
            name: of the table.
            query: how it is read.
            connection: a database with the table of subjects.
            spill: takes the events.

        Raises:
            InputError: the file cannot be read to its end.
        """
        counts = self.collected.counts.setdefault(name, Counts())
        rows = self.batch_rows // 16 if query.has_notes else self.batch_rows
        states = ["row_state", *dict.fromkeys(query.output(rule, "state") for rule in query.rules)]
        for frame in batches(connection, query.sql, rows=rows, paths=query.scope.relation.files.paths):
            account(frame.group_by(states).len().iter_rows(), states, query, counts)
            for events in self._events(frame, query):
                counts.events += events.height
                if "text" in events.columns:
                    self.collected.text_bytes += int(events["text"].str.len_bytes().sum())
                spill.add(events)
        spill.flush()
        self.collected.runs += spill.runs

    def _events(self, frame: pl.DataFrame, query: Query) -> list[pl.DataFrame]:
        kept = frame.filter(pl.col("row_state") == KEPT)
        if kept.is_empty():
            return []
        shared: dict[str, Any] = {"subject_id": kept["subject_id"]}
        if query.has_visit:
            shared["visit_id"] = self._whole(kept["visit_number"], kept["visit_text"])
        if query.has_site:
            shared["site"] = pl.Series(self.collected.sites.of(kept["site"]))
        base = pl.DataFrame(shared)
        return [
            events for rule in query.rules if (events := self._of_rule(kept, base, query, rule)) is not None
        ]

    def _of_rule(
        self, kept: pl.DataFrame, base: pl.DataFrame, query: Query, rule: Rule
    ) -> pl.DataFrame | None:
        made = (kept[str(query.output(rule, "state"))] == MADE).arg_true()
        if made.len() == 0:
            return None
        everything = made.len() == kept.height

        def column(part: str) -> pl.Series | None:
            name = query.output(rule, part)
            if name is None:
                return None
            return kept[name] if everything else kept[name].gather(made)

        events = base if everything else base[made]
        code = column(CODE)
        assert code is not None, "every rule has a code"
        numbers = {CODE: self.collected.codes.of(code)}
        for part, numbering in ((UNIT, self.collected.units), (LABEL, self.collected.labels)):
            texts = column(part)
            if texts is not None:
                numbers[part] = numbering.of(texts)
        parts: dict[str, pl.Series] = {part: pl.Series(values) for part, values in numbers.items()}
        parts |= {part: found for part in ("time", "number", "text") if (found := column(part)) is not None}
        note = column("note")
        if note is not None:
            whole = note.cast(pl.Int64, strict=False)
            exact = whole.cast(pl.String) == note
            parts["note_id"] = self._whole(
                whole.zip_with(exact.fill_null(value=False), whole.clear(n=whole.len())),
                note.zip_with(~exact.fill_null(value=False), note.clear(n=note.len())),
            )
        events = events.with_columns(found.alias(name) for name, found in parts.items())
        self._count(events)
        return events.select(
            pl.col(name).cast(kind) for name, kind in COLUMNS.items() if name in events.columns
        )

    def _whole(self, numbers: pl.Series, texts: pl.Series) -> pl.Series:
        """Ids as whole numbers; those that are none as a hash."""
        if texts.null_count() == texts.len():
            return numbers
        distinct = texts.drop_nulls().unique()
        hashes = [hashed_id(text, key=self.key) for text in distinct]
        return numbers.fill_null(texts.replace_strict(distinct, hashes, default=None, return_dtype=pl.Int64))

    def _count(self, events: pl.DataFrame) -> None:
        """Count events by code and unit: with a number, with words only, all."""
        number = pl.col("number").is_not_null() if "number" in events.columns else pl.lit(value=False)
        word = pl.lit(value=False)
        if "text" in events.columns:
            word |= pl.col("text").is_not_null()
        if LABEL in events.columns:
            word |= pl.col(LABEL) != 0
        by = [CODE, UNIT] if UNIT in events.columns else [CODE, pl.lit(0, dtype=pl.UInt32).alias(UNIT)]
        tallies = events.group_by(by).agg(
            number.sum().alias("n"), (word & ~number).sum().alias("w"), pl.len()
        )
        for code, unit, *found in tallies.iter_rows():
            counts = self.collected.pairs.setdefault((code, unit), [0, 0, 0])
            for place, tally in enumerate(found):
                counts[place] += tally


def account(
    combinations: Iterable[tuple[Any, ...]], states: Sequence[str | None], query: Query, counts: Counts
) -> None:
    """Say of rows what became of them.

    Args:
        combinations: values of `states`, and how many rows have them.
        states: columns of the query with the states of the row and of each rule.
        query: how the table is read.
        counts: is added to.
    """
    for *combination, n in combinations:
        row_state, *of_rules = combination
        counts.read += n
        if row_state != KEPT:
            counts.left[query.reasons[row_state]] += n
            continue
        unreadable = {REASONS[state] for state in of_rules if state >= FIRST_BAD}
        for reason in unreadable:
            counts.bad[reason] += n
        if MADE in of_rules:
            counts.kept += n
            for reason in unreadable:
                counts.partly[reason] += n
        else:
            counts.left[REASONS[next(state for state in _PRIORITY if state in of_rules)]] += n


def refuse_bad(name: str, query: Query, counts: Counts, connection: "duckdb.DuckDBPyConnection") -> None:
    """Refuse a table with values that cannot be read, naming the first rows and how many there are.

    Raises:
        InputError: names file, column, data rows (counted from 1 below the header) and count.
    """
    if not counts.bad:
        return
    reason, count = counts.bad.most_common(1)[0]
    conditions = {
        condition: columns
        for rule in query.rules
        for state, condition, columns in rule.bad
        if REASONS[state] == reason
    }
    relation = query.scope.relation
    connection.execute("SET preserve_insertion_order = true")
    try:
        for condition, columns in conditions.items():
            sql = query.sql.replace(
                "SELECT ", f"SELECT row_number() OVER () AS place, ({condition}) AS bad, ", 1
            )
            with reading(*relation.files.paths):
                rows = connection.sql(
                    f"SELECT place FROM ({sql}) WHERE bad AND row_state = 0 LIMIT 5"
                ).fetchall()
            if rows:
                listed = ", ".join(f"{row[0]:,}" for row in sorted(rows))
                raise UnreadableError(
                    f"{reason} in column {columns} (data row {listed})",
                    where=f"{relation.files.paths[0]} (table '{name}')",
                    count=count,
                    remedy="mend the values; name what means missing in `missing`, other formats of times in "
                    "`time_formats`; or leave such rows out with --bad-rows drop, which counts them",
                    path=relation.files.paths[0],
                    rows=sorted(row[0] for row in rows),
                )
    finally:
        connection.execute("SET preserve_insertion_order = false")
