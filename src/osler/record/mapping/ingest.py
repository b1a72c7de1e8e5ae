"""A source becomes a MEDS dataset: read once, given its meaning, sorted shard by shard."""

import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.hashing import hash_file, hash_json
from osler.base.output import Output
from osler.base.parallel import cores
from osler.base.progress import note
from osler.record.dataset import Dataset
from osler.record.identifiers import keep_key
from osler.record.mapping.beside import SUMMARY, write_beside
from osler.record.mapping.continued import (
    as_in_dataset,
    check_continuable,
    continue_dataset,
    ids_are_hashed,
    key_of,
)
from osler.record.mapping.database import database
from osler.record.mapping.files import SourceFiles, list_source
from osler.record.mapping.job import WORK, FirstPass, first_pass, second_pass
from osler.record.mapping.options import divide
from osler.record.mapping.plan import make_plan
from osler.record.mapping.source import Source

if TYPE_CHECKING:
    from osler.record.vocabulary.vocabulary import Vocabulary

_VERSION = 1


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
    if job.complete:
        note("already done: the folder holds the result of this command")
    else:
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
        hashed=ids_are_hashed(existing) if existing else None,
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
    write_beside(part, source, first, second, source_hash, vocabulary, existing, continued)
    shutil.rmtree(part / WORK)


def _reasons(first: FirstPass) -> str:
    left = {
        f"{name}: {reason} {n:,}"
        for name, counts in first.collected.counts.items()
        for reason, n in counts.left.items()
    }
    return "; ".join(sorted(left)) or "the tables have no rows"
