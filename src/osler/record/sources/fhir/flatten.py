"""A FHIR R4 export becomes flat tables, one Parquet file each, and what was read is counted."""

import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from osler.base.errors import InputError
from osler.base.progress import bar
from osler.record.sources.fhir.archive import source_files
from osler.record.sources.fhir.blocks import BLOCK_BYTES, Reading, blocks
from osler.record.sources.fhir.finish import Kept, finish
from osler.record.sources.fhir.json_values import Reasons
from osler.record.sources.fhir.parquet import ParquetRows, parquet_rows
from osler.record.sources.fhir.stage import Rows, all_rows
from osler.record.sources.fhir.staged import STAGED_ON_DISK, TEXTS
from osler.record.sources.fhir.tables import TABLE_OF, TABLES
from osler.record.sources.fhir.texts import TextWriter

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

DEFAULT_MEMORY = 1 << 30  # bytes
_OWN_MEMORY = 384 << 20  # bytes of the libraries and of the tables that are being written
_LEAST_MEMORY = 128 << 20  # bytes that the database needs


@dataclass(frozen=True)
class Resources:
    """How the resources of one type were read; `read = repeated + deleted + kept`.

    Attributes:
        read: resources in the export.
        repeated: of these, how many a later version replaced.
        deleted: of these, how many the export says are deleted.
        kept: of these, how many are in a table.
        reasons: what was noticed in those read -> how often.
    """

    read: int
    repeated: int
    deleted: int
    kept: int
    reasons: dict[str, int]


@dataclass(frozen=True)
class Flattened:
    """What a FHIR export became.

    Attributes:
        into: folder of the tables, `<table>.parquet`.
        files: files that hold resources; the table `file` names them by number.
        left: files that are not read, by the ending of their names.
        resources: type of resource -> how its resources were read, for the types that have a table.
        unread: type of resource -> resources, for the types that have none.
        rows: table -> its rows.
        problems: table -> column -> why something is missing -> rows.
        bundles: what was noticed in Bundles -> how often.
        merged: patients who were merged into another one (`replaced_by`): their resources are his.
    """

    into: Path
    files: int
    left: dict[str, int]
    resources: dict[str, Resources]
    unread: dict[str, int]
    rows: dict[str, int]
    problems: dict[str, dict[str, dict[str, int]]]
    bundles: dict[str, int]
    merged: int

    def attrition(self) -> "pl.DataFrame":
        """Resources read, left out and kept.

        Returns:
            Columns `table` (type of resource), `step` (read, left out, kept), `reason`, `n_rows` (resources).
        """
        import polars as pl

        lines: list[tuple[str, str, str | None, int]] = []
        for kind, found in self.resources.items():
            lines.append((kind, "read", None, found.read))
            lines.append(
                (kind, "left out", "repeated: a later version of the resource is there", found.repeated)
            )
            lines.append((kind, "left out", "deleted in the source", found.deleted))
            lines.append((kind, "kept", None, found.kept))
        for kind, count in self.unread.items():
            lines.append((kind, "read", None, count))
            lines.append((kind, "left out", "this type of resource is not read", count))
        schema = {"table": pl.String, "step": pl.String, "reason": pl.String, "n_rows": pl.Int64}
        return pl.DataFrame(
            [line for line in lines if line[3] or line[1] != "left out"], schema=schema, orient="row"
        )


def flatten(
    source: Path,
    into: Path,
    *,
    workers: int = 1,
    memory: int = DEFAULT_MEMORY,
    block_bytes: int = BLOCK_BYTES,
) -> Flattened:
    """Turn a FHIR R4 export into flat tables.

    Every table of `TABLES` is written, also one without rows. The same export gives the same bytes, on any
    number of workers. Nothing is fetched, and nothing is unpacked to disk.

    Args:
        source: bulk-export NDJSON or Bundles as JSON, also packed (.gz, .bz2, .xz): a file, a folder, a tar
            or zip archive, or a folder of these.
        into: folder of the tables; tables that are there are replaced. They are patient data: readable by
            their owner only.
        workers: processes that read; 1 reads in this one. More start Python afresh, so a script that asks for
            them has to guard its main part with `if __name__ == "__main__"`.
        memory: bytes that this process may take, about, at least 512 MiB. Workers come on top of that, each
            with some 200 MB, and a Bundle of more than some megabytes with ten times its size.
        block_bytes: bytes of the export that are worked on at a time.

    Returns:
        What was read, left out and written.

    Raises:
        InputError: nothing to read, a broken file, JSON that is no FHIR R4, a Patient without an id, or
            patients of two servers that share an id. File, line and entry are named.

    Examples:
        >>> patient = '{"resourceType": "Patient", "id": "1", "birthDate": "1950"}'
        >>> done = Path("export.ndjson").write_text(patient)
        >>> found = flatten(Path("export.ndjson"), Path("tables"))
        >>> found.resources["Patient"].kept, found.rows["patient"], found.rows["observation"]
        (1, 1, 0)
    """
    if workers < 1:
        raise InputError(f"{workers} workers", where="workers", remedy="give at least 1")
    into.mkdir(parents=True, exist_ok=True)
    for name in TABLES:
        (into / f"{name}.parquet").unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix=".staged-", dir=into) as folder:
        staged = Path(folder)
        reading, found, staged_rows = _stage(source, staged, workers=workers, block_bytes=block_bytes)
        left_over = max(memory - _OWN_MEMORY, _LEAST_MEMORY)
        kept, merged = finish(staged, into, staged_rows=staged_rows, memory=left_over)
    return _account(into, reading, found, kept, merged)


def _stage(
    source: Path, staged: Path, *, workers: int, block_bytes: int
) -> tuple[Reading, Rows, dict[str, int]]:
    """Write the staged tables of an export; say what was met, and how many rows each table has."""
    reading, found = Reading(), Rows()
    begun: dict[int, int] = {}  # the last file -> resources in it so far
    size = sum(path.stat().st_size for path in source_files(source) if path.exists())
    with ExitStack() as stack:
        writers: dict[str, ParquetRows] = {
            name: stack.enter_context(parquet_rows(staged / f"{name}.parquet", columns))
            for name, columns in STAGED_ON_DISK.items()
        }
        texts = stack.enter_context(TextWriter(staged / TEXTS))
        step = stack.enter_context(bar("reading FHIR", total=size))
        for block, rows in all_rows(blocks(source, reading, size=block_bytes), workers=workers):
            # The places in a block count from its beginning; its first file may have begun in an earlier one.
            before = begun.get(block.pieces[0].file, 0)
            for name, batch in rows.tables.items():
                writers[name].add(_moved(texts.put(batch), before))
            found.read.update(rows.read)
            last = block.pieces[-1].file
            begun = {last: begun.get(last, 0) + rows.resources[last]}
            for kind, reasons in rows.reasons.items():
                found.reasons[kind].update(reasons)
            step(block.done)
    if not found.read:
        raise InputError("no resource in any file", where=source, remedy="name a FHIR R4 export")
    return reading, found, {name: rows.rows for name, rows in writers.items()}


def _moved(batch: "pa.RecordBatch", before: int) -> "pa.RecordBatch":
    """The batch with its places counted from the beginning of the file."""
    if not before:
        return batch
    import pyarrow.compute as pc

    for name in ("place", "bundle"):
        if name in batch.schema.names:
            index = batch.schema.get_field_index(name)
            batch = batch.set_column(index, batch.schema.field(index), pc.add(batch.column(index), before))
    return batch


def _account(into: Path, reading: Reading, found: Rows, kept: dict[str, Kept], merged: int) -> Flattened:
    reasons: dict[str, Reasons] = defaultdict(Counter, found.reasons)
    resources = {}
    for kind, name in TABLE_OF.items():
        one = kept[name]
        resources[kind] = Resources(
            read=found.read[kind],
            repeated=one.repeated,
            deleted=one.deleted,
            kept=one.resources,
            reasons=dict(sorted(reasons[kind].items())),
        )
    return Flattened(
        into=into,
        files=reading.files,
        left=dict(sorted(reading.left.items())),
        resources=resources,
        unread={kind: count for kind, count in sorted(found.read.items()) if kind not in TABLE_OF},
        rows={name: one.rows for name, one in kept.items()},
        problems={
            name: {column: dict(sorted(counts.items())) for column, counts in one.problems.items()}
            for name, one in kept.items()
            if one.problems
        },
        bundles=dict(sorted(reasons["Bundle"].items())),
        merged=merged,
    )
