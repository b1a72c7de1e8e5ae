"""A table with a row per patient (or per visit), and perhaps a data dictionary, as a MEDS dataset.

Each cell with a value becomes an event `COL//<column>` at t0 of its row, or twelve hours later when the
column was not yet known at t0. The table is staged once as Parquet of strings; events are made shard by
shard.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import TEMPORARY_SUFFIX, read_json, write_json
from osler.base.hashing import hash_file, hash_json
from osler.base.output import Output
from osler.base.progress import note, track
from osler.record import schema
from osler.record.identifiers import dataset_key, keep_key
from osler.record.sources.dictionary import read_dictionary
from osler.record.sources.table_columns import Column, Patterns, code_book, plan_columns
from osler.record.sources.table_events import AFTER_HOURS, events_of
from osler.record.sources.table_read import ROW, stage
from osler.record.sources.table_report import other_findings, suspected_outcomes
from osler.record.sources.table_rows import Rows, place_rows
from osler.record.sources.table_spec import TableSpec, find_beside, read_table_spec
from osler.record.sources.table_special import births, sexes, special_codes
from osler.record.sources.table_values import profile
from osler.record.splits import default_splits
from osler.record.write import write_events, write_metadata

SUMMARY = "metadata/ingest.json"
_VERSION = 1
_TAKEN = {*schema.EVENT_TYPES, ROW}


@dataclass(frozen=True)
class TableInputs:
    """The files that a table is ingested from.

    Attributes:
        source: the table.
        spec: what its columns mean.
        where: what to call the spec in an error.
        dictionary: the data dictionary, or None.
        key_file: the key that hashes ids, or None for a new one.
    """

    source: Path
    spec: TableSpec
    where: str
    dictionary: Path | None
    key_file: Path | None

    def depends_on(self) -> dict[str, Any]:
        """What the dataset depends on, JSON-ready: the content of the files and the spec."""
        files = (self.source, self.dictionary, self.key_file)
        hashes = [hash_file(path) if path else None for path in files]
        return {"inputs": hashes, "spec": self.spec.plain(), "version": _VERSION}


def find_inputs(source: Path, spec: Path | TableSpec | None) -> TableInputs:
    """Find the files of a table and read its spec; arguments and errors as in `ingest_table`."""
    if spec is None:
        raise InputError(
            "a table needs a spec that says what its columns mean",
            where=source,
            remedy="name a YAML file with --spec that says which column is what (`subject`, `outcome`)",
        )
    folders = [Path(source).resolve().parent]
    where = "spec"
    if not isinstance(spec, TableSpec):
        folders.insert(0, spec.resolve().parent)
        where, spec = str(spec), read_table_spec(spec)
    if not source.is_file():
        raise InputError("no such file", where=source, remedy="name a CSV, TSV or Parquet file")
    return TableInputs(
        source=source,
        spec=spec,
        where=where,
        dictionary=find_beside(spec.dictionary.path, folders, what="the dictionary")
        if spec.dictionary
        else None,
        key_file=find_beside(spec.key, folders, what="the key") if spec.key else None,
    )


def ingest_table(source: Path, spec: Path | TableSpec | None, out: Path) -> dict[str, Any]:
    """Turn a table into a MEDS dataset.

    Args:
        source: CSV, TSV (also .gz) or Parquet with a row per patient or per visit.
        spec: what its columns mean, or the YAML file that says so. Files that a spec names are looked for
            beside the spec, then beside the source.
        out: folder of the dataset.

    Returns:
        The summary, also stored in `metadata/ingest.json`: rows, subjects, events, codes by kind, `attrition`
        (step, reason, n_rows, n_subjects) and `findings` (what a person should look at, with a remedy).

    Raises:
        InputError: the table, its dictionary or the spec is wrong; names file, column, count and remedy.
    """
    inputs = find_inputs(source, spec)
    job = Output(out, key=hash_json(inputs.depends_on()))
    if not job.complete:
        with job as part:
            _ingest(part, inputs)
    summary: dict[str, Any] = read_json(out / SUMMARY)
    for finding in summary["findings"]:
        shown = ", ".join(finding["columns"][:8]) + (" ..." if finding["count"] > 8 else "")
        note(f"{finding['what']}: {finding['count']} ({shown})\n  remedy: {finding['remedy']}")
    return summary


def _ingest(part: Path, inputs: TableInputs) -> None:
    source, spec, where = inputs.source, inputs.spec, inputs.where
    dictionary, key_file = inputs.dictionary, inputs.key_file
    staged = part / f".table.parquet{TEMPORARY_SUFFIX}"
    staged.parent.mkdir(parents=True, exist_ok=True)
    if key_file is not None:
        keep_key(part, key_file.read_bytes())
    stage(source, staged, separator=spec.separator, missing=spec.missing)
    names = [name for name in pl.read_parquet_schema(staged) if name != ROW]
    patterns = Patterns(names, where=where)
    facts = read_dictionary(dictionary, spec.dictionary) if dictionary and spec.dictionary else {}
    used, extensions = _choose_columns(spec, patterns)
    table, sentinels = _clean(pl.scan_parquet(staged), spec, patterns)
    profiles = profile(table, used)
    columns = plan_columns(
        table, used, spec=spec, patterns=patterns, facts=facts, profiles=profiles, source=source
    )
    rows = place_rows(
        table,
        spec=spec,
        valued=[*used, *(name for name in names if name in _told_otherwise(spec) and name not in used)],
        key=lambda: dataset_key(part, source=source),
        source=source,
    )
    special = pl.concat([births(table, rows, spec, source=source), sexes(table, rows, spec, source=source)])
    table = _in_order(table, rows, staged)
    counts = _write_shards(part, table, rows, columns, extensions, special)
    staged.unlink()
    codes = code_book(columns, special_codes(special, spec))
    site = [spec.site] if spec.site else []
    write_metadata(
        part,
        name=spec.name or source.name.split(".")[0],
        codes=codes,
        used=codes["code"],
        splits=default_splits(rows.subjects),
        subjects=rows.subjects,
        site_columns=tuple(site),
        extension_columns=("unit", "visit_id", *(name for name in extensions if name not in site)),
        settings={
            "undated": spec.time is None,
            "after_hours": AFTER_HOURS,
            "groups": {name: group.model_dump(exclude_none=True) for name, group in spec.groups.items()},
        },
        etl="osler ingest table",
    )
    findings = [
        *suspected_outcomes(columns, facts, checked=patterns.all(spec.baseline, "baseline")),
        *other_findings(columns, profiles, facts, table_columns=names, has_dictionary=dictionary is not None),
    ]
    write_json(
        part / SUMMARY,
        {
            "format_version": 1,
            "format": "table",
            "source": source.name,
            "n_rows": rows.frame.height,
            "n_subjects": rows.subjects.height,
            "n_events": sum(counts.values()),
            "n_codes": codes.height,
            "undated": spec.time is None,
            "columns": _by_kind(columns, names, extensions),
            "outcomes": [
                column.name for column in columns if column.name in patterns.all(spec.outcome, "outcome")
            ],
            "sentinels": sentinels,
            "attrition": rows.attrition,
            "findings": [finding.plain() for finding in findings],
            "spec": spec.plain(),
        },
    )


def _choose_columns(spec: TableSpec, patterns: Patterns) -> tuple[list[str], list[str]]:
    """Columns that become events, and columns that are written beside every event."""
    dropped = set(patterns.all(spec.drop, "drop"))
    hidden = set(patterns.all(spec.identifier, "identifier"))
    if spec.subject is not None:
        hidden.add(patterns.one(spec.subject, "subject"))
    single = {"group": spec.group, "visit": spec.visit, "site": spec.site}
    keys = {name: patterns.one(name, key) for key, name in single.items() if name is not None}
    if spec.time_settings is not None:
        keys[spec.time_settings.column] = patterns.one(spec.time_settings.column, "time")
    wanted = {
        **dict.fromkeys(patterns.all(spec.outcome, "outcome"), "outcome"),
        **dict.fromkeys(patterns.all(spec.after, "after"), "after"),
        **dict.fromkeys(patterns.all(spec.intervention, "intervention"), "intervention"),
        **dict.fromkeys(patterns.all(spec.baseline, "baseline"), "baseline"),
    }
    for name, declared in wanted.items():
        other = "drop" if name in dropped else "identifier" if name in hidden else None
        if other or name in keys:
            raise InputError(
                f"column '{name}' is declared both `{declared}` and `{other or 'a key of the row'}`",
                where=patterns.where,
                remedy="keep one of the two in the spec",
            )
    extensions = [spec.site] if spec.site else []
    for key, group in spec.groups.items():
        if group.column is not None and group.column not in extensions:
            extensions.append(patterns.one(group.column, f"groups.{key}.column"))
    taken = sorted(_TAKEN & set(extensions))
    if taken:
        raise InputError(
            f"the site or group column '{taken[0]}' has the name of a MEDS column",
            where=patterns.where,
            count=len(taken),
            remedy="rename it in the table",
        )
    told = _told_otherwise(spec)
    left_out = dropped | hidden | set(keys) | (told - set(wanted))
    used = [name for name in patterns.columns if name not in left_out]
    if not used and not told:
        raise InputError("no column is left to become events", where=patterns.where, remedy="see `drop`")
    return used, extensions


def _told_otherwise(spec: TableSpec) -> set[str]:
    """Columns that `MEDS_BIRTH` and `GENDER//` say in full; as events of their own they would be told twice.

    With several visits the age stays: `MEDS_BIRTH` comes from the first of them.
    """
    age = {spec.age.column} if spec.age and spec.visit is None else set()
    return age | ({spec.sex_settings.column} if spec.sex_settings else set())


def _clean(table: pl.LazyFrame, spec: TableSpec, patterns: Patterns) -> tuple[pl.LazyFrame, dict[str, int]]:
    """The table with sentinels made null, and how many there were by column."""
    marks = {name: list(v) for key, v in spec.sentinels.items() for name in patterns.all([key], "sentinels")}
    hit = {name: pl.col(name).cast(pl.Float64, strict=False).is_in(values) for name, values in marks.items()}
    if not hit:
        return table, {}
    counts = table.select(flag.sum().alias(name) for name, flag in hit.items()).collect().row(0, named=True)
    cleaned = table.with_columns(
        pl.when(~flag.fill_null(value=False)).then(pl.col(name)).alias(name) for name, flag in hit.items()
    )
    return cleaned, {name: int(count or 0) for name, count in counts.items()}


def _in_order(table: pl.LazyFrame, rows: Rows, staged: Path) -> pl.LazyFrame:
    """The table's kept rows in the order of the shards; as it is when it has that order already.

    The rows of a subject are usually together. Where they are not, or rows were left out, the table is
    ordered in memory and staged again.
    """
    order = rows.frame[ROW]
    total = int(table.select(pl.len()).collect().item())
    if order.len() == total and order.is_sorted():
        return table
    ordered = table.collect()[order.to_list()]
    ordered.write_parquet(staged, compression="lz4", row_group_size=20_000)
    return pl.scan_parquet(staged)


def _write_shards(
    part: Path,
    table: pl.LazyFrame,
    rows: Rows,
    columns: list[Column],
    extensions: list[str],
    special: pl.DataFrame,
) -> dict[str, int]:
    """Write `data/<shard>.parquet`; returns the number of events by shard."""
    sizes = rows.frame.group_by("shard", maintain_order=True).len()
    width = max(4, len(str(sizes.height - 1)))
    counts: dict[str, int] = {}
    start = 0
    for shard, size in track(list(sizes.iter_rows()), "events"):
        keys = rows.frame.slice(start, size)
        block = table.slice(start, size).collect()
        start += size
        subjects = keys["subject_id"].unique()
        events = pl.concat(
            [
                special.filter(pl.col("subject_id").is_in(subjects.implode())),
                events_of(block, keys, columns, extensions=extensions),
            ],
            how="diagonal",
        )
        name = f"{shard:0{width}d}"
        write_events(part, name, events)
        counts[name] = events.height
    return counts


def _by_kind(columns: list[Column], names: list[str], extensions: list[str]) -> dict[str, int]:
    kinds = {kind: sum(column.kind == kind for column in columns) for kind in schema.KINDS[:4]}
    return {"table": len(names), "events": len(columns), **kinds, "beside": len(extensions)}
