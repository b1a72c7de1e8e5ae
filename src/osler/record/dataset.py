"""Opening a MEDS dataset: shards in path order, read one at a time, each row with its position.

Reads MEDS 0.4 and 0.3.3 (no `text_value`), and a dataset without `metadata/`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.hashing import hash_file, hash_json
from osler.base.output import PART_PREFIX, half_moved, sealed_hashes
from osler.record.codebook import complete_codes
from osler.record.metadata import read_subjects, read_table
from osler.record.schema import CANONICAL_ORDER, CODE_TYPES, EVENT_TYPES, REQUIRED

ROW = "row"
MEDS_COLUMNS = ("subject_id", "time", "code", "numeric_value", "text_value")


@dataclass(frozen=True)
class Shard:
    """One Parquet file of events.

    Attributes:
        name: path below `data/` without its ending, for instance `train/0`.
        path: the file.
        rows: number of events.
        offset: position of its first row in the dataset (shards in path order).
        columns: names of its columns.
    """

    name: str
    path: Path
    rows: int
    offset: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Dataset:
    """A MEDS dataset on disk.

    Attributes:
        path: its folder.
        shards: its shards in path order.
        metadata: content of `metadata/dataset.json`; empty when there is none.

    Examples:
        >>> dataset = open_dataset("demo/dataset")                                # doctest: +SKIP
        >>> dataset.read(dataset.shards[0]).select("subject_id", "code").head(1)  # doctest: +SKIP
    """

    path: Path
    shards: tuple[Shard, ...]
    metadata: dict[str, Any]

    @property
    def name(self) -> str:
        """Name of the dataset, else of its folder."""
        return str(self.metadata.get("dataset_name") or self.path.resolve().name)

    @property
    def rows(self) -> int:
        """Number of events."""
        return sum(shard.rows for shard in self.shards)

    @property
    def undated(self) -> bool:
        """Whether times only order the events and say nothing about the calendar or about days."""
        return bool(self.settings.get("undated", False))

    @property
    def settings(self) -> dict[str, Any]:
        """Osler's own block of `dataset.json`."""
        return dict(self.metadata.get("osler") or {})

    @property
    def site_columns(self) -> tuple[str, ...]:
        """Columns that name the hospital (`site_id_columns`)."""
        names = self.metadata.get("site_id_columns") or ()
        return (names,) if isinstance(names, str) else tuple(names)

    @cached_property
    def hash(self) -> str:
        """Hash of shards, code book, splits and metadata, the time of making left out.

        A sealed shard is hashed as its manifest says; tables of metadata, which people edit, are read.
        """
        tables = ("codes.parquet", "subject_splits.parquet", "subjects.parquet")
        sealed = sealed_hashes(self.path)
        hashes = {}
        for shard in self.shards:
            name = shard.path.relative_to(self.path).as_posix()
            hashes[name] = sealed.get(name) or hash_file(shard.path)
        for table in tables:
            path = self.path / "metadata" / table
            if path.is_file():
                hashes[f"metadata/{table}"] = hash_file(path)
        metadata = {name: value for name, value in self.metadata.items() if name != "created_at"}
        return hash_json({"files": hashes, "metadata": metadata})

    @cached_property
    def codes(self) -> pl.DataFrame:
        """The code book in its own order, every code of the data present, all columns of `CODE_TYPES`.

        Codes that the dataset does not describe follow in alphabetical order, described by their own words.
        """
        table = read_table(self.path / "metadata" / "codes.parquet", CODE_TYPES, required=("code",))
        stored = pl.DataFrame(schema={"code": pl.String}) if table is None else table
        used = (
            pl.concat(
                [pl.scan_parquet(shard.path).select(pl.col("code").cast(pl.String)) for shard in self.shards]
            )
            .unique()
            .collect(engine="streaming")
        )
        return complete_codes(stored, used["code"])

    @cached_property
    def splits(self) -> pl.DataFrame | None:
        """`subject_id, split` of `subject_splits.parquet`, or None."""
        types = {"subject_id": pl.Int64(), "split": pl.String()}
        path = self.path / "metadata" / "subject_splits.parquet"
        return read_subjects(path, types, required=("subject_id", "split"))

    @cached_property
    def subjects(self) -> pl.DataFrame | None:
        """`subject_id` with `group_id` and the source's id where the dataset has them, or None."""
        types = {"subject_id": pl.Int64(), "group_id": pl.Int64()}
        path = self.path / "metadata" / "subjects.parquet"
        return read_subjects(path, types, required=("subject_id",))

    def read(self, shard: Shard, *, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Events of one shard in canonical order, with `row`, their position in the dataset.

        Args:
            shard: one of `shards`.
            columns: columns to read besides `subject_id`, `time` and `code`; None reads all.

        Returns:
            A frame with `row` (UInt64), the columns of `EVENT_TYPES` that were asked for (null where the
            shard lacks them) and the other columns of the shard that were asked for.
        """
        wanted = (
            list(EVENT_TYPES) if columns is None else [*REQUIRED, *(c for c in columns if c not in REQUIRED)]
        )
        if columns is None:
            wanted += [name for name in shard.columns if name not in EVENT_TYPES and name != ROW]
        present = [name for name in shard.columns if name in {*wanted, *CANONICAL_ORDER}]
        frame = pl.read_parquet(shard.path, columns=present, use_pyarrow=False)
        frame = frame.with_columns(
            pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, dtype=kind).alias(name)
            for name, kind in EVENT_TYPES.items()
            if name in {*wanted, *CANONICAL_ORDER}
        )
        positions = pl.int_range(shard.offset, shard.offset + shard.rows, dtype=pl.UInt64).alias(ROW)
        frame = frame.with_columns(positions)
        return in_canonical_order(frame).select(ROW, *wanted)

    def scan(self) -> pl.LazyFrame:
        """All events lazily, in file order, the columns of `EVENT_TYPES` with their types."""
        frames = []
        for shard in self.shards:
            frame = pl.scan_parquet(shard.path)
            frames.append(
                frame.select(
                    pl.col(name).cast(kind) if name in shard.columns else pl.lit(None, dtype=kind).alias(name)
                    for name, kind in EVENT_TYPES.items()
                )
            )
        return pl.concat(frames)

    def subject(self, subject_id: int) -> pl.DataFrame:
        """All events of one subject in canonical order, as `read` gives them.

        Raises:
            InputError: there is no such subject.
        """
        for shard in self.shards:
            here = pl.scan_parquet(shard.path).filter(pl.col("subject_id") == subject_id).limit(1).collect()
            if here.height:
                return self.read(shard).filter(pl.col("subject_id") == subject_id)
        raise InputError(
            f"no subject {subject_id}", where=self.path, remedy="name a subject_id of this dataset"
        )


def in_canonical_order(events: pl.DataFrame) -> pl.DataFrame:
    """Sort events into the canonical order; what is sorted already is returned as it is."""
    keys = [name for name in CANONICAL_ORDER if name in events.columns]
    tie = [ROW] if ROW in events.columns else []
    if _is_sorted(events, [*keys, *tie]):
        return events
    return events.sort([*keys, *tie], nulls_last=False, maintain_order=not tie)


def _is_sorted(events: pl.DataFrame, keys: list[str]) -> bool:
    """Whether each row is at or after the row before it, by the keys in turn, nulls first.

    A key is compared only where all keys before it are equal, which leaves few rows for the text columns.
    """
    if events.height < 2:
        return True
    rows = events.height - 1
    tied = np.ones(rows, dtype=bool)  # whether a row equals the row before it in all keys so far
    places: np.ndarray | None = None  # where `tied` is true, once that is rare enough to pick rows out
    for name in keys:
        column = events[name]
        if column.null_count() == column.len():
            continue
        before, here = column.slice(0, rows), column.slice(1)
        if places is not None:
            before, here = before.gather(places), here.gather(places)
        wrong, same = _compared(before, here)
        if (wrong & (tied if places is None else True)).any():
            return False
        if places is not None:
            places = places[same]
        else:
            tied &= same
            few = np.count_nonzero(tied) < rows // 4
            places = np.flatnonzero(tied) if few else None
        if places is not None and len(places) == 0:
            return True
    return True


def _compared(before: pl.Series, here: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Whether each value is after, and whether it equals, the one it is compared with; nulls first."""
    if before.dtype.is_integer() or before.dtype.is_temporal():
        lowest = np.iinfo(np.int64).min  # what null becomes
        first, second = (one.to_physical().fill_null(lowest).to_numpy() for one in (before, here))
        return first > second, first == second
    if before.null_count() + here.null_count() == 0:
        return (before > here).to_numpy(), (before == here).to_numpy()
    wrong = (before > here).fill_null(value=False) | (here.is_null() & before.is_not_null())
    return wrong.to_numpy(), before.eq_missing(here).to_numpy()


def open_dataset(path: str | Path) -> Dataset:
    """Open a MEDS dataset.

    Args:
        path: its folder, which holds `data/` (or, as some exports do, the shards themselves).

    Raises:
        InputError: there is no such folder, it holds no Parquet files, or a shard lacks a column or has
            one of a wrong type.
    """
    import pyarrow.parquet as pq

    folder = Path(path)
    if not folder.is_dir():
        what = "a file, where a folder is needed" if folder.exists() else "no such folder"
        raise InputError(what, where=folder, remedy="name the folder of a MEDS dataset")
    if half_moved(folder):
        raise InputError(
            "a finished dataset was not yet moved into its place",
            where=folder,
            remedy="run the command that made it again: it ends what was broken off",
        )
    root = folder / "data" if (folder / "data").is_dir() else folder
    files = sorted(file for file in root.rglob("*.parquet") if _is_shard(file.relative_to(root)))
    if not files and any(folder.glob(f"{PART_PREFIX}*")):
        raise InputError(
            "the dataset is not finished",
            where=folder,
            remedy="run the command that made it again: it goes on where it was broken off",
        )
    if not files:
        raise InputError(
            "no Parquet files", where=root, remedy="a MEDS dataset has its events in data/**/*.parquet"
        )
    shards: list[Shard] = []
    offset = 0
    for file in files:
        try:
            footer = pq.ParquetFile(file)
        except Exception as error:  # pyarrow has several, all of which mean the same to the reader
            raise InputError(
                f"not readable as Parquet: {error}", where=file, remedy="write it again"
            ) from error
        schema = footer.schema_arrow
        _check_columns(file, {field.name: str(field.type) for field in schema})
        rows = footer.metadata.num_rows
        name = file.relative_to(root).with_suffix("").as_posix()
        shards.append(Shard(name=name, path=file, rows=rows, offset=offset, columns=tuple(schema.names)))
        offset += rows
    dataset_json = folder / "metadata" / "dataset.json"
    metadata = read_json(dataset_json) if dataset_json.is_file() else {}
    if not isinstance(metadata, dict):
        raise InputError("not a JSON object", where=dataset_json, remedy="write dataset.json as MEDS has it")
    return Dataset(path=folder, shards=tuple(shards), metadata=metadata)


def _is_shard(path: Path) -> bool:
    """Whether a file holds events: neither metadata nor part of unfinished work."""
    return "metadata" not in path.parts and not any(part.startswith(".") for part in path.parts)


def _check_columns(file: Path, types: dict[str, str]) -> None:
    for name in REQUIRED:
        if name not in types:
            raise InputError(
                f"column '{name}' is missing",
                where=file,
                remedy=f"MEDS events need {', '.join(REQUIRED)}; found {', '.join(types)}",
            )
    allowed = {
        "subject_id": ("int",),
        "time": ("timestamp",),
        "code": ("string", "large_string", "string_view", "dictionary"),
        "numeric_value": ("float", "double", "halffloat", "int", "null"),
        "text_value": ("string", "large_string", "string_view", "dictionary", "null"),
        # Extensions of MEDS that Osler knows by these names; sources also use them for other things.
        "unit": ("string", "large_string", "string_view", "dictionary", "null"),
        "visit_id": ("int", "uint", "float", "double", "null"),
        "note_id": ("int", "uint", "float", "double", "null"),
    }
    for name, starts in allowed.items():
        if name in types and not types[name].startswith(starts):
            raise InputError(
                f"column '{name}' has type {types[name]}",
                where=file,
                allowed=starts,
                remedy="write the column with one of these types (MEDS 0.4)"
                + ("" if name in MEDS_COLUMNS else ", or give it another name"),
            )
