"""A source becomes a MEDS dataset: read once, given its meaning, sorted shard by shard."""

import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.base.hashing import hash_file, hash_json
from osler.base.output import Output
from osler.base.progress import note
from osler.record.dataset import Dataset
from osler.record.identifiers import keep_key
from osler.record.mapping.attrition import attrition_of
from osler.record.mapping.continued import (
    Continued,
    as_in_dataset,
    check_continuable,
    continue_dataset,
    ids_are_hashed,
    key_of,
)
from osler.record.mapping.database import database
from osler.record.mapping.files import SourceFiles, list_source
from osler.record.mapping.job import WORK, FirstPass, SecondPass, cores, first_pass, second_pass
from osler.record.mapping.options import IngestOptions, divide
from osler.record.mapping.plan import make_plan
from osler.record.mapping.shards import ORIGINAL, SITE
from osler.record.mapping.spec import MappingSpec
from osler.record.splits import default_splits
from osler.record.write import write_metadata

if TYPE_CHECKING:
    from osler.record.vocabulary.vocabulary import Vocabulary

SUMMARY = "metadata/ingest.json"
ATTRITION = "metadata/attrition.parquet"
_VERSION = 1


@dataclass(frozen=True)
class Source:
    """What is ingested.

    Attributes:
        format_name: as the user named it.
        name: what the dataset is called when the spec does not say.
        folder: where its tables are.
        spec: what they mean.
        where: what to call the spec in an error.
        options: memory, limit and others.
        vocabulary: files of the user that describe codes.
        before: rows of the attrition table for what never became a row of a table.
        facts: more for the summary.
    """

    format_name: str
    name: str
    folder: Path
    spec: MappingSpec
    where: str
    options: IngestOptions
    vocabulary: Sequence[Path] = ()
    before: Sequence[dict[str, Any]] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def ingest_source(source: Source, out: Path, *, existing: Dataset | None = None) -> dict[str, Any]:
    """Turn the tables of a source into a MEDS dataset.

    An interrupted ingest goes on after the last table, and the last shard, that was finished.

    Args:
        source: the tables, the spec and the options.
        out: folder of the dataset.
        existing: the dataset in `out`, which this source continues; None: a new one.

    Returns:
        The summary, also in `metadata/ingest.json`.

    Raises:
        InputError: the source does not fit the spec, or has values that cannot be read.
    """
    files = list_source(source.folder)
    source_hash = hash_json(_hashes(files))
    vocabulary = _open_vocabulary(source, files)
    if existing is not None:
        dates = _dates(source, files)
        spec = as_in_dataset(source.spec, existing, dates=dates)
        source = replace(source, spec=spec)
        check_continuable(
            existing, dates=spec.dates or dates, timezone=spec.timezone, source_hash=source_hash
        )
    key = hash_json(
        {
            "version": _VERSION,
            "source": source_hash,
            "spec": source.spec.plain(),
            "options": {name: value for name, value in source.options.plain().items() if name != "memory"},
            "vocabulary": vocabulary.hash if vocabulary else None,
            "continues": existing.hash if existing else None,
        }
    )
    job = Output(out, key=key, supersede=existing is not None, forget_refused=True)
    if not job.complete:
        with job as part:
            _ingest(part, source, files, source_hash, vocabulary, existing)
    summary: dict[str, Any] = read_json(out / SUMMARY)
    return summary


def _dates(source: Source, files: SourceFiles) -> str:
    """What the dates of a source are, before a row is read."""
    if source.spec.dates is not None:
        return source.spec.dates
    memory = divide(source.options.memory, cores=1).database
    with (
        tempfile.TemporaryDirectory() as scratch,
        database(Path(scratch), memory=memory, threads=1) as connection,
    ):
        return make_plan(source.spec, files, connection, where=source.where).dates


def _hashes(files: SourceFiles) -> dict[str, list[str]]:
    """SHA-256 of the files of each table."""
    with ThreadPoolExecutor(max_workers=cores()) as pool:  # hashing lets go of the interpreter
        return {name: list(pool.map(hash_file, paths)) for name, paths in files.tables.items()}


def _open_vocabulary(source: Source, files: SourceFiles) -> "Vocabulary | None":
    """The vocabulary files of the user, then those of the source itself."""
    from osler.record.vocabulary import open_vocabulary

    found = [files.find([name]) for name in source.spec.vocabulary]
    own = [path for one in found if one for path in one[1].paths]
    if len(own) < 2:  # the dictionary alone is looked up anyway
        own = []
    if not own and not source.vocabulary:
        return None
    try:
        opened = open_vocabulary(*source.vocabulary, *own)
    except InputError as error:
        if source.vocabulary:
            raise
        note(f"the vocabulary of the source gives no parents of codes: {error.what}")
        return None
    for unknown in opened.unknown:
        note(f"no vocabulary: {unknown.path.name}: {unknown.reason}")
    return opened


def _ingest(
    part: Path,
    source: Source,
    files: SourceFiles,
    source_hash: str,
    vocabulary: "Vocabulary | None",
    existing: Dataset | None,
) -> None:
    key = (key_of(existing) if existing else None) or hash_json({"key of": source_hash}).encode()
    keep_key(part, key)
    first = first_pass(
        part,
        files,
        source.spec,
        source.options,
        where=source.where,
        key=key,
        hashed=existing is not None and ids_are_hashed(existing),
        vocabulary=vocabulary,
        more_events=existing.rows if existing else 0,
    )
    continued = None
    if existing is not None:
        held = divide(source.options.memory, cores=cores()).held
        continued = continue_dataset(existing, part / WORK, buckets=first.buckets, bytes_held=held)
    second = second_pass(part, first, source.options, continued)
    if not second.shards:
        raise InputError(
            "no row of the source made an event",
            where=source.folder,
            count=sum(counts.read for counts in first.collected.counts.values()),
            remedy="look at what was left out: " + _reasons(first),
        )
    _write_metadata(part, source, first, second, source_hash, existing, continued)
    attrition = attrition_of(first, second, before=source.before)
    write_parquet(part / ATTRITION, attrition)
    write_json(part / SUMMARY, _summary(source, first, second, attrition, vocabulary, existing))
    shutil.rmtree(part / WORK)


def _reasons(first: FirstPass) -> str:
    left = {
        f"{name}: {reason} {n:,}"
        for name, counts in first.collected.counts.items()
        for reason, n in counts.left.items()
    }
    return "; ".join(sorted(left)) or "the tables have no rows"


def _write_metadata(
    part: Path,
    source: Source,
    first: FirstPass,
    second: SecondPass,
    source_hash: str,
    existing: Dataset | None,
    continued: Continued | None,
) -> None:
    present = pl.concat(second.subjects).unique()
    subjects = first.subjects.filter(pl.col("subject_id").is_in(present.implode()))
    subjects = _merged_subjects(subjects.drop("kept"), existing)
    codes, used = first.book.codes, first.meanings.codes["code"].unique()
    splits = default_splits(subjects)
    before: dict[str, Any] = {}
    if existing is not None:
        codes = pl.concat(
            [existing.codes, codes.filter(~pl.col("code").is_in(existing.codes["code"].implode()))],
            how="diagonal",
        )
        used = existing.codes["code"]
        before = existing.settings
        if existing.splits is not None:
            new = splits.filter(~pl.col("subject_id").is_in(existing.splits["subject_id"].implode()))
            splits = pl.concat([existing.splits.select("subject_id", "split"), new])
    site = (continued.site if continued else None) or (SITE if first.collected.sites.texts else None)
    beside = ["unit", "visit_id", "note_id", *(ORIGINAL if second.keeps_original else ())]
    ingested = {"format": source.format_name, "source": source.name, "sha256": source_hash}
    write_metadata(
        part,
        name=existing.name if existing else source.spec.name or source.name,
        codes=codes,
        used=used,
        splits=splits,
        subjects=subjects,
        site_columns=(site,) if site else (),
        extension_columns=tuple(dict.fromkeys([*beside, *(continued.columns if continued else ())])),
        settings={
            **before,
            "undated": False,
            "dates": first.plan.dates,
            "timezone": source.spec.timezone,
            "groups": {
                **{name: group.plain() for name, group in source.spec.groups.items()},
                **before.get("groups", {}),
            },
            "ingested": [*before.get("ingested", ()), ingested],
        },
        etl=f"osler ingest {source.format_name}",
    )


def _merged_subjects(subjects: pl.DataFrame, existing: Dataset | None) -> pl.DataFrame:
    """The subjects of the source and of the dataset that it continues."""
    if existing is None or existing.subjects is None:
        return subjects
    known = existing.subjects
    both = (
        subjects.join(known.select("subject_id", _group="group_id"), on="subject_id")
        if "group_id" in known.columns
        else subjects.clear()
    )
    torn = both.filter(pl.col("group_id") != pl.col("_group")).height if both.height else 0
    if torn:
        raise InputError(
            "subjects belong to another person than in the dataset",
            where=existing.path,
            count=torn,
            remedy="check `subjects.group` of the spec",
        )
    new = subjects.filter(~pl.col("subject_id").is_in(known["subject_id"].implode()))
    return pl.concat(
        [
            known.with_columns(pl.col("source_id").cast(pl.String))
            if "source_id" in known.columns
            else known,
            new,
        ],
        how="diagonal",
    )


def _summary(
    source: Source,
    first: FirstPass,
    second: SecondPass,
    attrition: pl.DataFrame,
    vocabulary: "Vocabulary | None",
    existing: Dataset | None,
) -> dict[str, Any]:
    counts = first.collected.counts
    units = first.book.units
    return {
        "format_version": 1,
        "format": source.format_name,
        "source": source.name,
        "n_rows": sum(one.read for one in counts.values()),
        "n_subjects": int(pl.concat(second.subjects).n_unique()),
        "n_events": sum(second.shards.values()),
        "n_codes": first.meanings.codes["code"].n_unique(),
        "n_shards": len(second.shards),
        "continued": existing is not None,
        "dates": first.plan.dates,
        "timezone": source.spec.timezone,
        "tables": {
            name: {"rows": one.read, "kept": one.kept, "events": one.events} for name, one in counts.items()
        },
        "not_found": first.plan.absent,
        "not_read": {name: reason for name, (reason, _) in first.not_read.items()},
        "conversions": _conversions(first),
        "n_units_respelled": int((units["unit"].ne_missing(units["original"])).sum()),
        "vocabulary": vocabulary.sources if vocabulary else [],
        "attrition": attrition.filter(pl.col("n_rows").is_not_null()).to_dicts(),
        **source.facts,
        "spec": source.spec.plain(),
    }


def _conversions(first: FirstPass) -> list[dict[str, Any]]:
    """Which codes had values converted: code, units, factor."""
    numbers = first.meanings.codes.select("code", code_number="number")
    changed = first.book.units.filter((pl.col("factor") != 1) | (pl.col("offset") != 0))
    return (
        changed.join(numbers, on="code_number")
        .select("code", "original", "unit", "factor", "offset")
        .unique()
        .sort("code", "original")
        .to_dicts()
    )
