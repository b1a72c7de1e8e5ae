"""The events of a dataset that is continued: they take the same way into the new shards."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from osler.base.errors import InputError
from osler.record import schema
from osler.record.dataset import Dataset, Shard
from osler.record.identifiers import KEY_FILE
from osler.record.mapping.spec import MappingSpec
from osler.record.mapping.spill import Run, Spill

REAL, SHIFTED = "real", "shifted"
_BATCH_ROWS = 500_000


@dataclass(frozen=True)
class Continued:
    """Events of a dataset by bucket.

    Attributes:
        runs: files of events, with the columns of the dataset.
        events: how many.
        text_bytes: bytes of their text.
        codes: their codes, each once.
        columns: their columns beyond those of `EVENT_TYPES`, with their types.
        site: the column that names the site, or None.
    """

    runs: tuple[Run, ...]
    events: int
    text_bytes: int
    codes: tuple[str, ...]
    columns: dict[str, pl.DataType]
    site: str | None


def as_in_dataset(spec: MappingSpec, dataset: Dataset, *, dates: str) -> MappingSpec:
    """The spec of a source that continues a dataset: what it does not say of its times is as it is there.

    Args:
        spec: as written.
        dataset: what is there.
        dates: what the dates of the source are taken for: real, shifted or relative.
    """
    taken = {}
    if spec.dates is None and dates == REAL and dataset.settings.get("dates") == SHIFTED:
        taken["dates"] = SHIFTED
    if "timezone" not in spec.model_fields_set and "timezone" in dataset.settings:
        taken["timezone"] = dataset.settings["timezone"]
    return spec.model_copy(update=taken)


def check_continuable(dataset: Dataset, *, dates: str, timezone: str, source_hash: str) -> None:
    """Refuse a dataset that this source cannot continue.

    Args:
        dataset: what is there.
        dates: what the dates of the source are: real, shifted or relative.
        timezone: zone in which its times with a zone are told.
        source_hash: hash of the source's files.

    Raises:
        InputError: dates or zones of the two do not go together, or the source is in the dataset already.
    """
    if dataset.settings.get("numbered_by_row"):
        raise InputError(
            "the subjects of this dataset are rows of a table, numbered from 1: nobody knows who they are",
            where=dataset.path,
            remedy="name the column with their ids (`subject`) in the table's spec and ingest it again",
        )
    if dataset.undated:
        raise InputError(
            "the times of this dataset only order its events: dated events have no place among them",
            where=dataset.path,
            remedy="ingest the source into a dataset of its own",
        )
    own = dataset.settings.get("dates", dates)
    if own != dates:
        raise InputError(
            f"the dates of the dataset are {own}, those of the source {dates}",
            where=dataset.path,
            remedy="ingest the source into a dataset of its own",
        )
    zone = dataset.settings.get("timezone", timezone)
    if zone != timezone:
        raise InputError(
            f"the times of the dataset are told in the zone {zone}, those of the source in {timezone}",
            where=dataset.path,
            remedy=f"give --timezone {zone}",
        )
    before = [one for one in dataset.settings.get("ingested", ()) if one.get("sha256") == source_hash]
    if before:
        limit = before[-1].get("limit")
        of_it = "" if limit is None else f", the first {limit:,} subjects of it"
        raise InputError(
            f"this source is in the dataset already{of_it}",
            where=dataset.path,
            remedy="nothing is to be done; rows of another source can be appended"
            if limit is None
            else "ingest all of it into a new folder, without --limit",
        )


def key_of(dataset: Dataset) -> bytes | None:
    """The key that hashes the ids of a dataset, or None where it has none."""
    path = dataset.path / KEY_FILE
    return path.read_bytes() if path.is_file() else None


def ids_are_hashed(dataset: Dataset) -> bool:
    """Whether the subject ids of a dataset are hashes of the ids of its source."""
    subjects = dataset.subjects
    if subjects is None or "source_id" not in subjects.columns:
        return False
    numbers = subjects["source_id"].cast(pl.String).cast(pl.Int64, strict=False)
    return bool(numbers.ne_missing(subjects["subject_id"]).any())


def continue_dataset(dataset: Dataset, work: Path, *, buckets: int, bytes_held: int) -> Continued:
    """Divide the events of a dataset into buckets.

    Args:
        dataset: what is continued.
        work: folder for the runs.
        buckets: number of buckets.
        bytes_held: bytes that are held before they are written.
    """
    for leftover in work.glob("continued-*.arrow"):
        leftover.unlink()
    spill = Spill(work, "continued", buckets=buckets, rows=2_000_000, bytes_held=bytes_held)
    codes: set[str] = set()
    text_bytes = 0
    site = dataset.site_columns[0] if dataset.site_columns else None
    columns: dict[str, pl.DataType] = {}
    for shard in dataset.shards:
        for events in _batches(shard, site):
            columns |= {n: kind for n, kind in events.schema.items() if n not in schema.EVENT_TYPES}
            codes.update(events["code"].unique().to_list())
            text_bytes += int(events["text_value"].str.len_bytes().sum())
            spill.add(events)
    spill.flush()
    return Continued(
        runs=tuple(spill.runs),
        events=dataset.rows,
        text_bytes=text_bytes,
        codes=tuple(sorted(codes)),
        columns=columns,
        site=site,
    )


def _batches(shard: Shard, site: str | None) -> Iterator[pl.DataFrame]:
    import pyarrow.parquet as pq

    kinds = {**schema.EVENT_TYPES, **({site: pl.String()} if site else {})}
    with pq.ParquetFile(shard.path) as file:
        for batch in file.iter_batches(_BATCH_ROWS):
            frame = pl.DataFrame(pl.from_arrow(batch))
            yield frame.with_columns(
                pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, dtype=kind).alias(name)
                for name, kind in kinds.items()
            )
