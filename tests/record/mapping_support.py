"""Small sources for the mapping engine, in every kind of file, and datasets read back as plain rows."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from osler.record.dataset import open_dataset
from osler.record.mapping.ingest import ingest_source
from osler.record.mapping.options import IngestOptions
from osler.record.mapping.source import Source
from osler.record.mapping.spec import MappingSpec

Rows = Sequence[Mapping[str, Any]]


def write_table(
    folder: Path, name: str, rows: Rows, *, columns: Sequence[str] = (), form: str = "csv"
) -> Path:
    """A table as `csv`, `csv.gz`, `tsv` or `parquet` (all columns text; None is an empty cell)."""
    path = folder / f"{name}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    header = list(columns) or list(rows[0])
    if form == "parquet":
        frame = {
            column: [None if row.get(column) is None else str(row[column]) for row in rows]
            for column in header
        }
        pl.DataFrame(frame, schema=dict.fromkeys(header, pl.String)).write_parquet(path)
        return path
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t" if form.startswith("tsv") else ",", lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if row.get(c) is None else row[c] for c in header] for row in rows)
    body = text.getvalue().encode()
    path.write_bytes(gzip.compress(body) if form.endswith("gz") else body)
    return path


def spec_of(text: str) -> MappingSpec:
    """A spec out of YAML."""
    return MappingSpec.parse(yaml.safe_load(text), where="spec")


def ingest(folder: Path, spec: MappingSpec, out: Path, **options: Any) -> dict[str, Any]:
    """Ingest the tables of a folder."""
    settings = IngestOptions.parse(options, where="options")
    source = Source(
        format_name="tables", name="test", folder=folder, spec=spec, where="spec", options=settings
    )
    return ingest_source(source, out)


def events_of(out: Path) -> list[dict[str, Any]]:
    """All events of a dataset, shard by shard, as plain rows."""
    dataset = open_dataset(out)
    return [row for shard in dataset.shards for row in pl.read_parquet(shard.path).iter_rows(named=True)]


def attrition_of(out: Path) -> list[dict[str, Any]]:
    """The attrition table as plain rows."""
    return pl.read_parquet(out / "metadata" / "attrition.parquet").to_dicts()


def check_conservation(out: Path) -> None:
    """Every row read is kept or left out; every event made is in the dataset or told once."""
    rows = attrition_of(out)
    tables = {row["table"] for row in rows if row["step"] == "read"}
    for table in tables:
        by_step = {
            step: sum(row["n_rows"] or 0 for row in rows if row["table"] == table and row["step"] == step)
            for step in ("read", "kept", "left out")
        }
        assert by_step["read"] == by_step["kept"] + by_step["left out"], table
    made = sum(row["n_events"] or 0 for row in rows if row["step"] == "kept")
    again = sum(row["n_events"] or 0 for row in rows if row["step"] == "told once")
    assert made - again == len(events_of(out))


def summary_of(out: Path) -> dict[str, Any]:
    """What `metadata/ingest.json` says."""
    read: dict[str, Any] = json.loads((out / "metadata" / "ingest.json").read_text())
    return read


def left_out(out: Path) -> dict[tuple[str, str], int]:
    """Rows of each table that made no event, by reason."""
    return {
        (row["table"], row["reason"]): row["n_rows"] for row in attrition_of(out) if row["step"] == "left out"
    }


def cells(text: str) -> list[list[str]]:
    """The cells of the lines of a text."""
    return [[cell.strip() for cell in line.split(" |")] for line in text.strip().splitlines()]


def told_cells(out: Path) -> list[list[str]]:
    """Events as the dataset has them: subject, time, code, number, unit, words (/ for a new line), visit."""
    return [
        [
            str(row["subject_id"]),
            "" if row["time"] is None else row["time"].strftime("%Y-%m-%d %H:%M"),
            row["code"],
            "" if row["numeric_value"] is None else f"{row['numeric_value']:.6g}",
            row["unit"] or "",
            (row["text_value"] or "").replace("\n", "/").strip(),
            str(row["visit_id"] or ""),
        ]
        for row in events_of(out)
    ]


def codes_of(out: Path) -> dict[str, dict[str, Any]]:
    """The code book, by code."""
    return {row["code"]: row for row in open_dataset(out).codes.iter_rows(named=True)}
