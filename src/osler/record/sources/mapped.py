"""Sources that a mapping describes: staged as tables where they are none, then ingested by their spec."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.hashing import hash_file
from osler.base.output import finish_move
from osler.base.progress import note
from osler.record.dataset import open_dataset
from osler.record.mapping.beside import SUMMARY
from osler.record.mapping.collect import UnreadableError
from osler.record.mapping.ingest import ingest_source
from osler.record.mapping.job import NOT_OF_SPEC
from osler.record.mapping.options import IngestOptions
from osler.record.mapping.source import Source
from osler.record.mapping.spec import MappingSpec
from osler.record.sources.postgres import address, is_database_url, stage_database
from osler.record.sources.specs import read_spec


def ingest_mapped(
    format_name: str,
    source: str | Path,
    spec: Path | None,
    out: Path,
    *,
    options: IngestOptions | None = None,
    timezone: str | None = None,
    vocabulary: tuple[Path, ...] = (),
    append: bool = False,
) -> dict[str, Any]:
    """Turn a source into a MEDS dataset; arguments and errors as in `osler.record.sources.ingest`."""
    if append and finish_move(out):
        finished: dict[str, Any] = read_json(out / SUMMARY)
        return finished
    options = options or IngestOptions()
    parsed, where = read_spec(format_name, spec, timezone=timezone)
    existing = open_dataset(out) if append else None
    with staged(format_name, source, parsed, beside=out, options=options) as tables:
        summary = ingest_source(
            Source(
                format_name=format_name,
                name=tables.name,
                folder=tables.folder,
                spec=parsed,
                where=where,
                options=options,
                vocabulary=vocabulary,
                before=tables.attrition,
                facts=tables.facts,
            ),
            out,
            existing=existing,
        )
    if summary["not_found"]:
        note(f"tables that the source lacks, skipped: {', '.join(summary['not_found'])}")
    strange = [name for name, reason in summary["not_read"].items() if reason == NOT_OF_SPEC]
    if strange:
        note(f"tables of the source that the spec does not know, not read: {', '.join(strange)}")
    aside = {name: summary["not_read"][name] for name in summary["set_aside"]}
    if aside:
        note(f"not read: {', '.join(f'{name} ({reason})' for name, reason in aside.items())}")
    return summary


def depends_on(
    format_name: str,
    source: str | Path,
    spec: Path | None,
    *,
    timezone: str | None,
    vocabulary: tuple[Path, ...] = (),
) -> dict[str, Any]:
    """What the dataset of a source depends on, JSON-ready: its files, the spec and the vocabulary files.

    A database is known by its address only: what changes in it is not noticed.
    """
    parsed, _ = read_spec(format_name, spec, timezone=timezone)
    return {
        "format": format_name,
        "spec": parsed.plain(),
        "source": address(str(source)) if is_database_url(str(source)) else _hashes(Path(source)),
        "vocabulary": [_hashes(path) for path in vocabulary],
    }


def _hashes(place: Path) -> dict[str, str]:
    """SHA-256 of a file, or of every file in a folder."""
    if not place.exists():
        raise InputError("no such file or folder", where=place, remedy="name the source")
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as pool:  # hashing lets go of the interpreter
        hashes = list(pool.map(hash_file, files))
    names = [file.name if place.is_file() else file.relative_to(place).as_posix() for file in files]
    return dict(zip(names, hashes, strict=True))


class Tables:
    """The tables of a source.

    Attributes:
        folder: where they are.
        name: what the source is called.
        attrition: rows of the attrition table for what never became a row of a table.
        facts: more for the summary.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        attrition: tuple[dict[str, Any], ...] = (),
        facts: dict[str, Any] | None = None,
    ) -> None:
        self.folder = folder
        self.name = name
        self.attrition = attrition
        self.facts = facts or {}


@contextmanager
def staged(
    format_name: str, source: str | Path, spec: MappingSpec, *, beside: Path, options: IngestOptions
) -> Iterator[Tables]:
    """The tables of a source: its own files, or those made of a database or of FHIR resources.

    Tables that are made lie in a hidden folder beside the output, for their owner only, and are removed at
    the end; what a killed job left is removed by the next one.

    Args:
        format_name: one of `osler.record.sources.FORMATS`.
        source: file or folder, or the URL of a database.
        spec: which tables are asked for.
        beside: the output.
        options: memory.
    """
    if not is_database_url(str(source)) and format_name != "fhir":
        path = Path(source)
        yield Tables(path, path.resolve().name.split(".")[0])
        return
    folder = beside.resolve().parent / f".{beside.resolve().name}.source"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        if is_database_url(str(source)):
            yield Tables(folder, stage_database(str(source), spec, folder))
        else:
            yield from _of_export(Path(source), folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _of_export(source: Path, folder: Path, options: IngestOptions) -> Iterator[Tables]:
    """The tables made of an export; what is wrong with a row of them is told of its resource."""
    tables = _flattened(source, folder, options)
    try:
        yield tables
    except UnreadableError as error:
        raise InputError(
            error.what.partition(" (data row")[0],
            where=", ".join(_resources(error.path, error.rows)),
            count=error.count,
            remedy=error.remedy,
        ) from error


def _resources(table: Path, rows: Sequence[int]) -> list[str]:
    """Resources that rows of a flat table, counted from 1, were made of: file and id."""
    frame = pl.read_parquet(table)[[row - 1 for row in rows]]
    names = dict(pl.read_parquet(table.parent / "file.parquet").select("file", "name").iter_rows())
    ids = frame["id"] if "id" in frame.columns else frame["encounter"]
    return [f"{names[file]} ({table.stem} of id {one})" for file, one in zip(frame["file"], ids, strict=True)]


def _flattened(source: Path, folder: Path, options: IngestOptions) -> Tables:
    from osler.record.sources.fhir.flatten import flatten

    if not source.exists():
        raise InputError("no such file or folder", where=source, remedy="name the export")
    found = flatten(source, folder, memory=options.memory)
    rows = [{**row, "table": f"FHIR {row['table']}"} for row in found.attrition().to_dicts()]
    return Tables(folder, source.resolve().name.split(".")[0], tuple(rows))
