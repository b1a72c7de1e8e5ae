"""A table with a row per patient (or per visit), and perhaps a data dictionary, as a MEDS dataset.

Each cell with a value becomes an event `COL//<column>` at t0 of its row, or twelve hours later when the
column was not yet known at t0. The table is staged once as Parquet of strings; events are made shard by
shard.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import TEMPORARY_SUFFIX, read_json, write_json, write_parquet
from osler.base.hashing import hash_file, hash_json
from osler.base.output import Output
from osler.base.progress import note, track
from osler.record import schema
from osler.record.identifiers import dataset_key, keep_key
from osler.record.mapping.attrition import KEPT, attrition_frame
from osler.record.sources.dictionary import read_dictionary
from osler.record.sources.table_choose import choose_columns, clean, told_otherwise
from osler.record.sources.table_columns import Column, code_book, plan_columns
from osler.record.sources.table_events import AFTER_HOURS, events_of
from osler.record.sources.table_expressions import derived_columns, evaluate
from osler.record.sources.table_patterns import Patterns
from osler.record.sources.table_read import ROW, ROW_GROUP, stage
from osler.record.sources.table_report import other_findings, suspected_outcomes
from osler.record.sources.table_rows import Rows, place_rows
from osler.record.sources.table_spec import EVERY_COLUMN, TableSpec, find_beside, read_table_spec
from osler.record.sources.table_special import births, sexes, special_codes
from osler.record.sources.table_sql import in_order
from osler.record.sources.table_values import profile
from osler.record.sources.table_words import lookup_file, recodings
from osler.record.splits import default_splits
from osler.record.write import write_events, write_metadata

SUMMARY = "metadata/ingest.json"
ATTRITION = "metadata/attrition.parquet"
_VERSION = 2


@dataclass(frozen=True)
class TableInputs:
    """The files that a table is ingested from.

    Attributes:
        source: the table.
        spec: what its columns mean.
        where: what to call the spec in an error.
        dictionary: the data dictionary, or None.
        key_file: the key that hashes ids, or None for a new one.
        folders: where the files that the spec names may lie.
        lookups: the second tables that are there.
    """

    source: Path
    spec: TableSpec
    where: str
    dictionary: Path | None
    key_file: Path | None
    folders: list[Path]
    lookups: tuple[Path, ...]

    def depends_on(self) -> dict[str, Any]:
        """What the dataset depends on, JSON-ready: the content of the files and the spec."""
        files = (self.source, self.dictionary, self.key_file, *self.lookups)
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
    second = [lookup_file(one, folders) for one in spec.lookup.values()]
    return TableInputs(
        source=source,
        spec=spec,
        where=where,
        dictionary=find_beside(spec.dictionary.path, folders, what="the dictionary")
        if spec.dictionary
        else None,
        key_file=find_beside(spec.key, folders, what="the key") if spec.key else None,
        folders=folders,
        lookups=tuple(dict.fromkeys(path for path in second if path is not None)),
    )


def ingest_table(source: Path, spec: Path | TableSpec | None, out: Path) -> dict[str, Any]:
    """Turn a table into a MEDS dataset.

    Args:
        source: CSV, TSV (also .gz) or Parquet with a row per patient or per visit.
        spec: what its columns mean, or the YAML file that says so. Files that a spec names are looked for
            beside the spec, then beside the source.
        out: folder of the dataset.

    Returns:
        The summary, also stored in `metadata/ingest.json`: rows read and kept, subjects, events, codes by
        kind, `attrition` (what became of every row read, also in `metadata/attrition.parquet`) and `findings`
        (what a person should look at, with a remedy).

    Raises:
        InputError: the table, its dictionary or the spec is wrong; names file, column, count and remedy.
    """
    inputs = find_inputs(source, spec)
    job = Output(out, key=hash_json(inputs.depends_on()), forget_refused=True)
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
    folder = part / f".stage{TEMPORARY_SUFFIX}"
    folder.mkdir(parents=True, exist_ok=True)
    if key_file is not None:
        keep_key(part, key_file.read_bytes())
    staged = folder / "table.parquet"
    n_read = stage(source, staged, separator=spec.separator, missing=spec.missing.get(EVERY_COLUMN, ()))
    names = [name for name in pl.read_parquet_schema(staged) if name != ROW]
    table, missing, sentinels = clean(pl.scan_parquet(staged), spec, Patterns(names, where=where))
    patterns = Patterns(derived_columns(names, spec), where=where)
    used, extensions = choose_columns(spec, patterns)
    facts = read_dictionary(dictionary, spec.dictionary) if dictionary and spec.dictionary else {}
    if spec.derive or spec.leave_out:
        cells = staged
        if missing or sentinels:
            cells = folder / "cells.parquet"
            table.sink_parquet(cells, compression="lz4", row_group_size=ROW_GROUP)
        table = evaluate(cells, spec, folder, where=where, source=source)
    told = [name for name in patterns.columns if name in told_otherwise(spec) and name not in used]
    rows = place_rows(
        table, spec=spec, valued=[*used, *told], key=lambda: dataset_key(part, source=source), source=source
    )
    table = in_order(table, rows.frame[ROW], folder)
    kept = table if rows.complete else table.join(rows.frame.lazy().select(ROW), on=ROW, how="semi")
    profiles = profile(kept, used)
    words = recodings(kept, used, spec, patterns, folders=inputs.folders, folder=folder)
    columns = plan_columns(
        kept,
        used,
        spec=spec,
        patterns=patterns,
        facts=facts,
        recodings=words,
        profiles=profiles,
        source=source,
    )
    special = pl.concat([births(table, rows, spec, source=source), sexes(table, rows, spec, source=source)])
    counts = _write_shards(part, table, rows, columns, extensions, special)
    shutil.rmtree(folder)
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
            "numbered_by_row": spec.subject is None,
            "after_hours": AFTER_HOURS,
            "groups": {name: group.model_dump(exclude_none=True) for name, group in spec.groups.items()},
        },
        etl="osler ingest table",
    )
    findings = [
        *suspected_outcomes(columns, facts, checked=patterns.all(spec.baseline, "baseline")),
        *other_findings(
            columns,
            profiles,
            facts,
            words,
            table_columns=patterns.columns,
            described=spec.labels,
            has_dictionary=dictionary is not None,
        ),
    ]
    n_events = sum(counts.values())
    attrition = attrition_frame(
        {**step, "table": source.name, "n_events": n_events if step["step"] == KEPT else None}
        for step in rows.attrition
    )
    write_parquet(part / ATTRITION, attrition)
    write_json(
        part / SUMMARY,
        {
            "format_version": 1,
            "format": "table",
            "source": source.name,
            "n_read": n_read,
            "n_rows": rows.frame.height,
            "n_subjects": rows.subjects.height,
            "n_events": n_events,
            "n_codes": codes.height,
            "undated": spec.time is None,
            "columns": _by_kind(columns, patterns.columns, extensions),
            "outcomes": [
                column.name for column in columns if column.name in patterns.all(spec.outcome, "outcome")
            ],
            "missing": missing,
            "sentinels": sentinels,
            "attrition": attrition.to_dicts(),
            "findings": [finding.plain() for finding in findings],
            "spec": spec.plain(),
        },
    )


def _write_shards(
    part: Path,
    table: pl.LazyFrame,
    rows: Rows,
    columns: list[Column],
    extensions: list[str],
    special: pl.DataFrame,
) -> dict[str, int]:
    """Write `data/<shard>.parquet`; returns the number of events by shard."""
    # Where rows were left out but the order is that of the table, they still lie between the others.
    sparse = not rows.complete and rows.frame[ROW].is_sorted()
    sizes = rows.frame.group_by("shard", maintain_order=True).len()
    width = max(4, len(str(sizes.height - 1)))
    counts: dict[str, int] = {}
    start = 0
    for shard, size in track(list(sizes.iter_rows()), "events"):
        keys = rows.frame.slice(start, size)
        if sparse:
            first = int(keys[ROW][0])
            block = table.slice(first, int(keys[ROW][-1]) - first + 1).collect()[keys[ROW] - first]
        else:
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
