"""From settings to a MEDS dataset, and the truth in a folder beside it.

Blocks of subjects are made independently, each from its own random streams, so that any number of workers
gives the same bytes, and a killed simulation goes on with the blocks that are missing.
"""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.base.hashing import hash_json
from osler.base.output import MANIFEST, Output
from osler.base.progress import bar
from osler.record.splits import default_splits
from osler.record.write import write_events, write_metadata
from osler.simulate.block import FIRST_SUBJECT, make_block
from osler.simulate.hospitals import Hospitals
from osler.simulate.mechanism import hospitals_of
from osler.simulate.settings import SimulateSettings
from osler.simulate.truth import bayes, join_files
from osler.simulate.vocabulary import groups, vocabulary

VERSION = 1
DEFAULT_SUBJECTS = 2000
TRUTH = "truth"
_PILOTS = 4  # blocks that tell how many events a subject has
_BLOCKS = "blocks"
_SUMMARY = "summary.json"
_TABLES = ("patients", "outcomes")


@dataclass(frozen=True)
class SimulateSummary:
    """What was simulated.

    Attributes:
        dataset, truth: the two folders.
        events, subjects, stays, hospitals: how many.
        mortality: share of stays that ended in death; `mortality_24h` of those that last longer than 24
            hours.
        readmission: share of survivors readmitted within 30 days.
        bayes_auroc_death, bayes_auroc_readmission: AUROC of the true probabilities, death at 24 hours and
            readmission on the day of discharge.
        causes: strength by cause.
    """

    dataset: str
    truth: str
    events: int
    subjects: int
    stays: int
    hospitals: int
    mortality: float
    mortality_24h: float | None
    readmission: float | None
    bayes_auroc_death: float | None
    bayes_auroc_readmission: float | None
    causes: dict[str, float]

    def plain(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def truth_folder(dataset: Path) -> Path:
    """The folder of the truth: `truth/<name of the dataset>` beside the dataset, never inside it.

    Raises:
        InputError: the dataset itself is to be called `truth`.
    """
    whole = Path(dataset).resolve()
    if whole.name == TRUTH:
        raise InputError(
            f"a dataset cannot be called '{TRUTH}'",
            where=dataset,
            remedy="name another folder; the truth goes there",
        )
    return whole.parent / TRUTH / whole.name


def simulate(
    out: str | Path, *, settings: SimulateSettings | None = None, workers: int | None = None
) -> SimulateSummary:
    """Simulate a multi-hospital record.

    Args:
        out: folder of the dataset; the truth goes to `truth/<name>` beside it.
        settings: what to simulate.
        workers: threads; None uses the processor's cores. The result does not depend on it.

    Returns:
        The summary, also when the work was done before.

    Raises:
        InputError: the folder holds something else.

    Examples:
        >>> summary = simulate("record", settings=SimulateSettings(subjects=500))  # doctest: +SKIP
        >>> summary.subjects  # doctest: +SKIP
        500
    """
    if workers is not None and workers < 1:
        raise InputError(
            f"workers is {workers}", allowed=["1 or more"], remedy="leave it out to use all cores"
        )
    settings = settings or SimulateSettings()
    folder, beside = Path(out), truth_folder(Path(out))
    key = hash_json({"simulate": VERSION, **settings.plain()})
    data = Output(folder, key=key)
    truth = Output(beside, key=key, replace=_is_truth(beside))
    if not (data.complete and truth.complete):
        hospitals = hospitals_of(settings)
        work = _Work(settings, hospitals, _subjects(settings, hospitals), workers or os.cpu_count() or 1)
        if data.complete:
            with truth as truth_part:
                work.do(folder, truth_part)
        else:
            with data as part:
                if truth.complete:
                    work.do(part, None)
                else:
                    with truth as truth_part:
                        work.do(part, truth_part)
                work.write_metadata(part)
    return _summary(folder, beside, settings)


@dataclass(frozen=True)
class _Work:
    settings: SimulateSettings
    hospitals: Hospitals
    subjects: int
    workers: int

    @property
    def _blocks(self) -> int:
        return -(-self.subjects // self.settings.block)

    def _name(self, block: int) -> str:
        return f"{block:0{len(str(self._blocks - 1))}d}"

    def do(self, part: Path, truth_part: Path | None) -> None:
        """Make the shards that are missing below `part`, and the truth below `truth_part`."""
        with bar("simulating", total=self._blocks) as step:
            self._in_parallel(lambda block: self._one(block, part, truth_part), step)
        if truth_part is None:
            return
        for table in _TABLES:
            files = [truth_part / _BLOCKS / f"{self._name(n)}-{table}.parquet" for n in range(self._blocks)]
            join_files(files, truth_part / f"{table}.parquet")
        report = bayes(pl.read_parquet(truth_part / "outcomes.parquet"))
        write_json(truth_part / "bayes.json", report)
        write_parquet(truth_part / "hospitals.parquet", self.hospitals.frame())
        write_json(truth_part / "settings.json", {"format_version": 1, **self.settings.plain()})
        counts = {"format_version": 1, "events": _rows(part), "subjects": self.subjects}
        write_json(truth_part / _SUMMARY, counts)
        shutil.rmtree(truth_part / _BLOCKS)

    def _in_parallel(self, make: Callable[[int], None], step: Callable[[int], None]) -> None:
        if self.workers == 1:
            for block in range(self._blocks):
                make(block)
                step(1)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            try:
                for _ in pool.map(make, range(self._blocks)):
                    step(1)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _one(self, block: int, part: Path, truth_part: Path | None) -> None:
        name = self._name(block)
        shard = part / "data" / f"{name}.parquet"
        tables = {} if truth_part is None else {
            table: truth_part / _BLOCKS / f"{name}-{table}.parquet" for table in _TABLES
        }  # fmt: skip
        if shard.is_file() and all(path.is_file() for path in tables.values()):
            return
        first = block * self.settings.block
        made = make_block(
            self.settings, self.hospitals, block, min(self.settings.block, self.subjects - first)
        )
        if not shard.is_file():
            write_events(part, name, made.events)
        for table, path in tables.items():
            write_parquet(path, getattr(made, table))

    def write_metadata(self, part: Path) -> None:
        """Code book of the codes in use, splits, and dataset.json."""
        shards = sorted((part / "data").glob("*.parquet"))
        used = pl.concat([pl.read_parquet(shard, columns=["code"])["code"].unique() for shard in shards])
        book = vocabulary().book
        subject_id = pl.int_range(FIRST_SUBJECT, FIRST_SUBJECT + self.subjects, dtype=pl.Int64, eager=True)
        write_metadata(
            part,
            name="simulated",
            codes=book.filter(pl.col("code").is_in(used.unique().implode())),
            used=used.unique(),
            splits=default_splits(pl.DataFrame({"subject_id": subject_id})),
            site_columns=("site",),
            extension_columns=("unit", "visit_id", "note_id"),
            settings={"groups": groups()},
            etl="osler simulate",
        )


def _subjects(settings: SimulateSettings, hospitals: Hospitals) -> int:
    if settings.subjects is not None:
        return settings.subjects
    if settings.events is None:
        return DEFAULT_SUBJECTS
    pilots = [make_block(settings, hospitals, block, settings.block) for block in range(_PILOTS)]
    per_subject = sum(pilot.events.height for pilot in pilots) / (_PILOTS * settings.block)
    return max(1, round(settings.events / per_subject))


def _rows(part: Path) -> int:
    import pyarrow.parquet as pq

    return sum(pq.read_metadata(shard).num_rows for shard in (part / "data").glob("*.parquet"))


def _is_truth(folder: Path) -> bool:
    """Whether a folder holds an earlier truth, whole or begun, which may be replaced; others are kept."""
    if (folder / MANIFEST).is_file() and (folder / "bayes.json").is_file():
        return True
    return folder.is_dir() and all(entry.name.startswith(".part-") for entry in folder.iterdir())


def _summary(folder: Path, beside: Path, settings: SimulateSettings) -> SimulateSummary:
    counts, report = read_json(beside / _SUMMARY), read_json(beside / "bayes.json")
    death, readmission = report["death"]["overall"], report["readmission"]["overall"]
    return SimulateSummary(
        dataset=str(folder),
        truth=str(beside),
        events=counts["events"],
        subjects=counts["subjects"],
        stays=report["stays"],
        hospitals=settings.hospitals,
        mortality=report["hospital_mortality"],
        mortality_24h=death["rate"],
        readmission=readmission["rate"],
        bayes_auroc_death=death["auroc"],
        bayes_auroc_readmission=readmission["auroc"],
        causes=dict(settings.causes),
    )
