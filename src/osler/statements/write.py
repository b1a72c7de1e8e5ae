"""A `texts` folder from a dataset and samples: in parallel by shard, resumable, always the same bytes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import atomic_path, write_json
from osler.base.hashing import hash_bytes, hash_json
from osler.base.output import Output
from osler.base.parallel import cores
from osler.base.progress import bar
from osler.record.dataset import Dataset, Shard
from osler.record.schema import SAMPLE_KEY
from osler.statements.assemble import ShardTexts
from osler.statements.book import open_book
from osler.statements.counting import Counter
from osler.statements.read import PARTS, TEXTS_JSON, open_texts
from osler.statements.render import check_settings, render
from osler.statements.settings import TextSettings

_VERSION = 1
_WORKERS = 4
_ROWS_AT_A_TIME = 2_500_000  # events in memory, over all workers
_COLUMNS = ("numeric_value", "text_value", "unit")
_REPEATING = ("subject_id", "prediction_time", "section")  # and `statement_id` in lines
_INCOMPRESSIBLE = ("statement_id", "char_start", "char_end")


@dataclass(frozen=True)
class TextsSummary:
    """What was made.

    Attributes:
        path: the folder.
        samples: how the samples came about: `labels` or `record_end`.
        n_samples: samples, each with one text.
        n_empty: texts without a statement.
        n_statements: distinct statements.
        n_lines: statements as shown, over all texts.
        n_tokens: tokens of all texts.
        n_dropped: statements that the budget left out.
        n_cut: texts that the budget made shorter.
    """

    path: str
    samples: str
    n_samples: int
    n_empty: int
    n_statements: int
    n_lines: int
    n_tokens: int
    n_dropped: int
    n_cut: int


def make_texts(
    dataset: Dataset,
    samples: pl.DataFrame,
    out: Path,
    *,
    settings: TextSettings,
    origin: str = "labels",
    workers: int | None = None,
) -> TextsSummary:
    """Write texts of samples: `texts/`, `statements/`, `lines/` with one file per shard, and `texts.json`.

    Args:
        dataset: where the events are.
        samples: `subject_id, prediction_time`, unique; other columns are not looked at.
        out: the folder; it may exist when it is empty or holds the same work.
        settings: style, tokenizer, budget, look-back, sections, notes.
        origin: how the samples came about: `labels` or `record_end`.
        workers: shards worked on at a time; None: one more than cores, at most four, fewer for large shards.

    Returns:
        Counts, read back from what is on disk.

    Raises:
        InputError: samples without subject, repeated or of unknown subjects; a subject in two shards;
            settings that the dataset cannot serve.
    """
    from osler.models.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(settings.tokenizer)
    samples = samples.select(
        pl.col("subject_id").cast(pl.Int64), pl.col("prediction_time").cast(pl.Datetime("us"))
    ).sort(SAMPLE_KEY)
    key = hash_json(
        {
            "version": _VERSION,
            "settings": settings.plain(),
            "tokenizer": tokenizer.hash,
            "dataset": dataset.hash,
            "samples": hash_bytes(samples.select(pl.all().to_physical()).to_numpy().tobytes(order="C")),
            "origin": origin,
        }
    )
    job = Output(out, key=key)
    if not job.complete:
        with ThreadPoolExecutor() as pool:  # two passes over all shards at a time
            codes = pool.submit(lambda: dataset.codes)
            tasks = _by_shard(dataset, samples)
            book = open_book(codes.result())
        check_settings(settings, book, undated=dataset.undated)
        counter = Counter(tokenizer)
        with job as part:

            def work(name: str, shard: Shard, own: pl.DataFrame) -> None:
                def made() -> ShardTexts:  # so that the events are gone before files are written
                    events = dataset.read(shard, columns=_COLUMNS)
                    return render(events, book, own, settings, counter, undated=dataset.undated)

                _write_shard(part, name, made())

            todo = [task for task in tasks if not all(_file(part, kind, task[0]).exists() for kind in PARTS)]
            _in_parallel(work, todo, workers or _default_workers(dataset))
            names = [name for name, _, _ in tasks]
            info = {
                "format_version": 1,
                "style": settings.style,
                "budget": settings.budget,
                "tokenizer": settings.tokenizer,
                "tokenizer_hash": tokenizer.hash,
                "dataset": dataset.name,
                "dataset_hash": dataset.hash,
                "samples": origin,
                "settings": settings.plain(),
                "shards": names,
                "counts": _counts(part, names),
            }
            write_json(part / TEXTS_JSON, info)
    texts = open_texts(out)
    return TextsSummary(path=str(out), samples=texts.info["samples"], **texts.info["counts"])


def _by_shard(dataset: Dataset, samples: pl.DataFrame) -> list[tuple[str, Shard, pl.DataFrame]]:
    """Name of the files, shard and samples of each shard that has any."""
    if samples.is_empty():
        raise InputError(
            "there are no samples", where=dataset.path, remedy="label a cohort that is not empty"
        )
    tasks, found = [], []
    wanted = samples["subject_id"].unique()
    for number, shard in enumerate(dataset.shards):
        here = pl.read_parquet(shard.path, columns=["subject_id"])["subject_id"].cast(pl.Int64).unique()
        own = samples.join(here.to_frame("subject_id"), on="subject_id", how="semi", maintain_order="left")
        if own.height:
            tasks.append((f"{number:05d}-{shard.name.replace('/', '-')}", shard, own))
            found.append(own["subject_id"].unique())
    everyone = pl.concat(found) if found else pl.Series([], dtype=pl.Int64)
    missing = len(wanted) - everyone.n_unique()
    if missing:
        raise InputError(
            "samples name subjects that the dataset lacks",
            where=dataset.path,
            count=missing,
            remedy="pass the dataset that the labels were made from",
        )
    repeated = len(everyone) - everyone.n_unique()
    if repeated:
        raise InputError(
            "subjects have events in several shards",
            where=dataset.path,
            count=repeated,
            remedy="write the dataset again with each subject in one shard",
        )
    return tasks


def _default_workers(dataset: Dataset) -> int:
    """One more than cores, since each waits for the interpreter now and then; memory sets the limit."""
    largest = max(shard.rows for shard in dataset.shards)
    return max(1, min(cores() + 1, _WORKERS, _ROWS_AT_A_TIME // max(largest, 1)))


def _in_parallel(
    work: Callable[[str, Shard, pl.DataFrame], None],
    tasks: list[tuple[str, Shard, pl.DataFrame]],
    workers: int,
) -> None:
    """Threads suffice: the time goes into numpy, polars and Arrow, which let go of the interpreter."""
    with bar("texts", total=len(tasks)) as step, ThreadPoolExecutor(max_workers=workers) as pool:
        running = [pool.submit(work, *task) for task in tasks]
        try:
            for one in running:
                one.result()
                step(1)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _file(part: Path, kind: str, name: str) -> Path:
    return part / kind / f"{name}.parquet"


def _write_shard(part: Path, name: str, made: ShardTexts) -> None:
    """Write the three files of a shard; the text of records is for its owner's eyes only.

    Writing is a quarter of all work. Snappy takes a third of the time of zstd, and columns that hardly
    shrink are left as they are.
    """
    import pyarrow.parquet as pq

    for kind, table in (("statements", made.statements), ("lines", made.lines), ("texts", made.texts)):
        repeating = [*_REPEATING, *(["statement_id"] if kind == "lines" else [])]
        with atomic_path(_file(part, kind, name), private=True) as temporary:
            pq.write_table(
                table,
                temporary,
                compression={
                    "rows.list.element" if column == "rows" else column: "NONE"
                    if column in _INCOMPRESSIBLE
                    else "SNAPPY"
                    for column in table.column_names
                },
                use_dictionary=[column for column in repeating if column in table.column_names],
                write_statistics=False,
                store_schema=False,  # plain strings for every reader, whatever they were in memory
            )


def _counts(part: Path, names: list[str]) -> dict[str, Any]:
    texts = pl.scan_parquet([_file(part, "texts", name) for name in names])
    ids = pl.scan_parquet([_file(part, "statements", name) for name in names])
    sums = texts.select(
        n_samples=pl.len(),
        n_empty=(pl.col("n_statements") == 0).sum(),
        n_lines=pl.col("n_statements").cast(pl.Int64).sum(),
        n_tokens=pl.col("n_tokens").cast(pl.Int64).sum(),
        n_dropped=pl.col("n_dropped").cast(pl.Int64).sum(),
        n_cut=(pl.col("n_dropped") > 0).sum(),
    ).collect()
    n_statements = ids.select(pl.col("statement_id").n_unique()).collect().item()
    return {**sums.row(0, named=True), "n_statements": n_statements}
