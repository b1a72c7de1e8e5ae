"""The two passes of an ingest, and what they need to know of each other."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json
from osler.base.parallel import cores
from osler.base.progress import bar
from osler.record.mapping.book import CodeBook, make_book
from osler.record.mapping.collect import Collected, Collector, refuse_bad
from osler.record.mapping.continued import Continued
from osler.record.mapping.database import count, database, reading
from osler.record.mapping.files import SourceFiles, table_files
from osler.record.mapping.options import Budget, IngestOptions, divide
from osler.record.mapping.plan import Plan, check_joins, make_plan
from osler.record.mapping.relation import open_relation
from osler.record.mapping.resolve import Meanings, find_meanings
from osler.record.mapping.shards import Resolver, Written, write_shard
from osler.record.mapping.spec import MappingSpec
from osler.record.mapping.spill import Spill
from osler.record.mapping.subjects import find_subjects

if TYPE_CHECKING:
    import duckdb

    from osler.record.vocabulary.vocabulary import Vocabulary

WORK = ".work"
NOT_OF_SPEC = "not a table of this spec"
EVENTS_PER_SHARD = 500_000
TEXT_PER_SHARD = 64_000_000
MOST_BUCKETS = 2048
_ROWS_PER_RUN = 2_000_000


@dataclass(frozen=True)
class FirstPass:
    """What the first pass found.

    Attributes:
        plan: how the source was read.
        collected: codes, units, counts and the events in runs.
        subjects: `source_id, subject_id, group_id, kept`.
        meanings: what the numbers of the events stand for.
        book: the code book and the units.
        not_read: tables that make no events -> reason and rows (None: not even countable).
        buckets: into how many the events are divided.
    """

    plan: Plan
    collected: Collected
    subjects: pl.DataFrame
    meanings: Meanings
    book: CodeBook
    not_read: dict[str, tuple[str, int | None]]
    buckets: int


@dataclass
class SecondPass:
    """What the second pass wrote.

    Attributes:
        shards: events by shard.
        subjects: ids of the subjects that have events.
        told_once: number of a code -> events left out because they are told once.
        keeps_original: whether events have columns with values and units as the source writes them.
    """

    keeps_original: bool
    shards: dict[str, int] = field(default_factory=dict)
    subjects: list[pl.Series] = field(default_factory=list)
    told_once: Counter[int] = field(default_factory=Counter)


def first_pass(
    part: Path,
    source: SourceFiles,
    spec: MappingSpec,
    options: IngestOptions,
    *,
    where: str,
    key: bytes,
    hashed: bool | None,
    vocabulary: "Vocabulary | None",
    more_events: int = 0,
) -> FirstPass:
    """Read every table once.

    Args:
        part: the dataset in the making.
        source: the source's tables.
        spec: what they mean.
        options: memory, limit and others.
        where: what to call the spec in an error.
        key: hashes ids that are no whole numbers.
        hashed: whether all ids are hashed (False: none may be), as in the dataset that is continued;
            None: all where one is no whole number.
        vocabulary: vocabulary files that describe codes, or None.
        more_events: events of the dataset that is continued.

    Raises:
        InputError: the source does not fit the spec, or has values that cannot be read.
    """
    budget = divide(options.memory, cores=cores())
    work = part / WORK
    work.mkdir(parents=True, exist_ok=True)
    work.chmod(0o700)
    with database(work / "database", memory=budget.database, threads=cores()) as connection:
        plan = make_plan(spec, source, connection, where=where)
        check_joins(plan, connection)
        subjects = find_subjects(plan, connection, key=key, limit=options.limit, hashed=hashed)
        buckets = buckets_for(plan, connection, more_events=more_events)
        collected = _collect(plan, work, connection, options, budget, key=key, buckets=buckets)
        meanings = find_meanings(plan, collected, connection)
        not_read = _not_read(plan, connection)
    book = make_book(meanings, collected.pairs, vocabulary=vocabulary, convert=options.convert_units)
    return FirstPass(
        plan=plan,
        collected=collected,
        subjects=subjects,
        meanings=meanings,
        book=book,
        not_read=not_read,
        buckets=buckets,
    )


def _collect(
    plan: Plan,
    work: Path,
    connection: "duckdb.DuckDBPyConnection",
    options: IngestOptions,
    budget: Budget,
    *,
    key: bytes,
    buckets: int,
) -> Collected:
    saved = work / "collected.json"
    collected = Collected.load(saved)
    collector = Collector(collected, key=key, batch_rows=budget.batch_rows)
    with bar("reading", total=len(plan.queries)) as step:
        for number, (name, query) in enumerate(plan.queries.items()):
            if name not in collected.counts:
                prefix = f"{number:03d}"
                for leftover in work.glob(f"{prefix}-*.arrow"):
                    leftover.unlink()
                spill = Spill(work, prefix, buckets=buckets, rows=_ROWS_PER_RUN, bytes_held=budget.held)
                collector.read(name, query, connection, spill)
                if options.bad_rows == "refuse":
                    refuse_bad(name, query, collected.counts[name], connection)
                collected.save(saved)
            step(1)
    return collected


def buckets_for(plan: Plan, connection: "duckdb.DuckDBPyConnection", *, more_events: int) -> int:
    """Into how many buckets events are divided: a power of two, by the size of the tables.

    A shard is made of whole buckets, so there are rather more of them than shards.
    """
    events, size = float(more_events), 0.0
    for name, query in plan.queries.items():
        relation = plan.bound[name].relation
        assert relation is not None, "tables with a query are there"
        packed = (
            1
            if relation.files.is_parquet
            else 8
            if relation.files.paths[0].suffix.lower() in (".gz", ".zst")
            else 1
        )
        text = relation.files.bytes * packed
        rows = text / 50
        if relation.files.is_parquet:
            rows = float(count_rows(relation.scan, connection, relation.files.paths))
        events += rows * max(1, min(4, len(query.rules)))
        size += text if query.has_notes else 0
    return _power_of_two(max(events / (EVENTS_PER_SHARD / 4), size / (TEXT_PER_SHARD / 4), 8), MOST_BUCKETS)


def _power_of_two(wanted: float, most: int) -> int:
    """The least power of two that is not less, up to a limit.

    Examples:
        >>> _power_of_two(5, 64), _power_of_two(100, 64), _power_of_two(0, 64)
        (8, 64, 1)
    """
    power = 1
    while power < wanted and power < most:
        power *= 2
    return power


def count_rows(scan: str, connection: "duckdb.DuckDBPyConnection", paths: tuple[Path, ...]) -> int:
    """Rows of a table's files.

    Raises:
        InputError: they cannot be read to their end.
    """
    with reading(*paths):
        return count(connection, f"SELECT count(*) FROM {scan}")


def _not_read(plan: Plan, connection: "duckdb.DuckDBPyConnection") -> dict[str, tuple[str, int | None]]:
    """Tables that make no events, with the reason and their rows."""
    reasons = dict(plan.ignored)
    for name in plan.spec.tables:
        if plan.bound[name].relation is not None and name not in plan.queries:
            reasons.setdefault(name, "only joined with other tables")
    relations = {name: plan.bound[name].relation for name in reasons}
    told = {relation.files for relation in relations.values() if relation is not None}
    for name, bound in plan.dictionaries.items():
        if bound.relation is not None and bound.relation.files not in told:
            reasons[name], relations[name] = "dictionary of codes", bound.relation
    found: dict[str, tuple[str, int | None]] = {}
    for name, relation in relations.items():
        assert relation is not None, "only tables that are there have a reason not to be read"
        found[name] = reasons[name], count_rows(relation.scan, connection, relation.files.paths)
    vocabulary = {table[0] for name in plan.spec.vocabulary if (table := plan.source.find([name]))}
    for name in plan.unread:
        reason = "vocabulary of the source" if name in vocabulary else NOT_OF_SPEC
        found[name] = reason, _count_unknown(name, plan, connection)
    return found | {name: (reason, None) for name, reason in plan.source.set_aside.items()}


def _count_unknown(name: str, plan: Plan, connection: "duckdb.DuckDBPyConnection") -> int | None:
    try:
        files = table_files(plan.source.tables[name])
        relation = open_relation(name, files, connection, derive={}, missing={}, recode={}, where=plan.where)
        return count_rows(relation.scan, connection, files.paths)
    except InputError:  # nobody asked for this file, whatever it is
        return None


def second_pass(
    part: Path, first: FirstPass, options: IngestOptions, continued: Continued | None
) -> SecondPass:
    """Write the shards.

    Args:
        part: the dataset in the making.
        first: what the first pass found.
        options: memory.
        continued: events of the dataset that is continued.
    """
    budget = divide(options.memory, cores=cores())
    events = sum(counts.events for counts in first.collected.counts.values())
    events += continued.events if continued else 0
    text = first.collected.text_bytes + (continued.text_bytes if continued else 0)
    shards = _power_of_two(max(events / EVENTS_PER_SHARD, text / TEXT_PER_SHARD), first.buckets)
    resolver = Resolver(
        meanings=first.meanings,
        book=first.book,
        has_sites=bool(first.collected.sites.texts),
        continued=continued,
    )
    width = max(4, len(str(shards - 1)))
    each = first.buckets // shards
    done = SecondPass(keeps_original=resolver.keeps_original)

    def work(number: int) -> tuple[str, Written]:
        name = f"{number:0{width}d}"
        marker = part / WORK / f"shard-{name}.json"
        if not marker.is_file():
            written = write_shard(
                part, name, first.collected.runs, number * each, (number + 1) * each, resolver
            )
            write_json(marker, written.plain(), private=True)
        return name, Written.of(read_json(marker))

    _in_parallel(work, range(shards), budget.workers, done)
    return done


def _in_parallel(
    work: Callable[[int], tuple[str, Written]], numbers: range, workers: int, done: SecondPass
) -> None:
    """Threads suffice: the time goes into polars and Arrow, which let go of the interpreter."""
    with bar("writing", total=len(numbers)) as step, ThreadPoolExecutor(max_workers=workers) as pool:
        running = [pool.submit(work, number) for number in numbers]
        try:
            for one in running:
                name, written = one.result()
                if written.events:
                    done.shards[name] = written.events
                    done.subjects.append(pl.Series(written.subjects, dtype=pl.Int64))
                    done.told_once.update(written.told_once)
                step(1)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
