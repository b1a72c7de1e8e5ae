"""First pass: resources become rows of staged tables, in the order in which they stand in the export.

`rows_of` is a pure function of a block, so that cores can share the blocks; one process writes.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osler.base.errors import InputError
from osler.record.sources.fhir.blocks import Block, Piece
from osler.record.sources.fhir.deletions import deletion_of, version_number
from osler.record.sources.fhir.json_values import Node, Reasons, child, children, text
from osler.record.sources.fhir.references import address_keys, identifier_keys, parse_reference, server_of
from osler.record.sources.fhir.resources import Entry, entries, place_in
from osler.record.sources.fhir.rows import ROWS
from osler.record.sources.fhir.rows.common import Row
from osler.record.sources.fhir.tables import INTEGER, KEY, NUMBER, TABLES, TARGETS, TEXT

if TYPE_CHECKING:
    import pyarrow as pa

# A resource is known by one number: that of its file, then its place in it.
PLACE_BITS = 40
NO_ID = "no id"
MODIFIED = "an extension changes its meaning (modifierExtension)"
REPLACED_CHARACTERS = "characters that no text can hold"
# Kept until everything was read: addresses and identifiers of resources, and resources that were deleted.
KEYS, DELETED, FILES = "keys", "deleted", "file"
_WANTED = frozenset(ROWS)
_STAGED_ONLY = {"version": INTEGER, "place": INTEGER, "part": INTEGER, "bundle": INTEGER}


@dataclass
class Rows:
    """What a block holds, or an export up to a place.

    Attributes:
        tables: table -> its rows, with the columns of `staged_columns`.
        read: type of resource -> resources.
        reasons: type of resource -> what was noticed in them -> how often.
        resources: number of file -> resources in it.
    """

    tables: "dict[str, pa.RecordBatch]" = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Reasons] = field(default_factory=lambda: defaultdict(Counter))
    resources: Counter[int] = field(default_factory=Counter)


def staged_columns() -> dict[str, dict[str, str]]:
    """Each staged table with its columns and what they hold.

    Where a row came from is one number there, the place; `part` tells rows of one resource apart.
    """
    staged: dict[str, dict[str, str]] = {
        KEYS: {"key": TEXT, "kind": TEXT, "id": TEXT, "place": INTEGER, "bundle": INTEGER},
        DELETED: {"kind": TEXT, "id": TEXT, "version": INTEGER, "updated": TEXT},
        FILES: dict(TABLES[FILES].columns),
    }
    for name, table in TABLES.items():
        if "row" in table.columns:
            kept = {column: kind for column, kind in table.columns.items() if column not in ("file", "row")}
            staged[name] = kept | {column + KEY: TEXT for column in table.references} | _STAGED_ONLY
    staged["patient"]["server"] = TEXT
    return staged


def rows_of(block: Block) -> Rows:
    """The rows of a block, in order.

    Raises:
        InputError: something in it cannot be read; file, line and entry are named.
    """
    made = Rows()
    lists: dict[str, list[Row]] = {}
    for piece in block.pieces:
        before = made.resources[piece.file]
        for entry in entries(piece, _WANTED):
            if not entry.kind:
                deleted = deletion_of(entry.around, made.reasons["Bundle"])
                if deleted is not None:
                    lists.setdefault(DELETED, []).append(deleted)
                continue
            made.read[entry.kind] += 1
            made.resources[piece.file] += 1
            if entry.resource is not None:
                _add_rows(entry, entry.resource, piece, lists, made.reasons[entry.kind])
        found = made.resources[piece.file] - before
        lists.setdefault(FILES, []).append({"file": piece.file, "name": piece.name, "resources": found})
    columns = staged_columns()
    for name, rows in lists.items():
        owner = TABLES[name].owner if name in TABLES else None
        made.tables[name] = _batch(rows, columns[name], made.reasons[owner or name])
    return made


def _add_rows(
    entry: Entry, resource: Node, piece: Piece, lists: dict[str, list[Row]], reasons: Reasons
) -> None:
    kind, first_place = entry.kind, piece.file << PLACE_BITS
    address = text(entry.around, "fullUrl", reasons)
    meta = child(resource, "meta", reasons)
    identity = resource["id"] = text(resource, "id", reasons) or _id_of_address(address, kind)
    if identity is None:
        if kind == "Patient":
            raise InputError(
                "a Patient without an id",
                where=place_in(piece.name, entry.line, entry.number),
                remedy="export patients with their ids, or in Bundles with `fullUrl`",
            )
        reasons[NO_ID] += 1
    if "modifierExtension" in resource:
        reasons[MODIFIED] += 1
    same: Row = {
        "id": identity,
        "place": first_place + entry.place,
        "bundle": None if entry.bundle is None else first_place + entry.bundle,
        "version": version_number(meta.get("versionId")),
        "updated": text(meta, "lastUpdated", reasons) if meta else None,
    }
    for part, (table, row) in enumerate(ROWS[kind](resource, reasons)):
        row.update(same)
        row["part"] = part
        lists.setdefault(table, []).append(row)
    if kind not in TARGETS or identity is None:
        return
    if kind == "Patient":
        lists["patient"][-1]["server"] = server_of(address, kind)
    # An identifier means the same everywhere, an address first of all the entry of its own Bundle.
    keys: dict[str, int | None] = dict.fromkeys(
        identifier_keys(children(resource, "identifier", reasons), kind, reasons)
    )
    if address is not None:
        keys |= dict.fromkeys(address_keys(address, kind, identity), same["bundle"])
    if keys:
        found = [{"key": key, "kind": kind, **same, "bundle": bundle} for key, bundle in keys.items()]
        lists.setdefault(KEYS, []).extend(found)


def _id_of_address(address: str | None, kind: str) -> str | None:
    """A resource that is yet to get its id is known by its address in the Bundle."""
    return None if address is None else parse_reference(address, kind).id


def _batch(rows: list[Row], columns: dict[str, str], reasons: Reasons) -> "pa.RecordBatch":
    """Rows as columns; half a character, which JSON can write and UTF-8 cannot, becomes a question mark."""
    import pyarrow as pa

    kinds = {TEXT: pa.string(), NUMBER: pa.float64(), INTEGER: pa.int64()}
    arrays = []
    for column, kind in columns.items():
        values = [row.get(column) for row in rows]
        try:
            arrays.append(pa.array(values, kinds[kind]))
        except UnicodeEncodeError:
            mended = [value and value.encode("utf-8", "replace").decode() for value in values]
            changed = sum(old != new for old, new in zip(values, mended, strict=True))
            reasons[REPLACED_CHARACTERS] += changed
            arrays.append(pa.array(mended, kinds[kind]))
    return pa.record_batch(arrays, names=list(columns))


def all_rows(blocks: Iterable[Block], *, workers: int) -> Iterator[tuple[Block, Rows]]:
    """The rows of blocks, in the order of the blocks, made by one or more processes.

    Args:
        blocks: the blocks; no more of them are asked for than there is work.
        workers: number of processes; 1 works in this one.

    Raises:
        InputError: as `rows_of`.
    """
    if workers == 1:
        for block in blocks:
            yield block, rows_of(block)
        return
    from concurrent.futures import Future, ProcessPoolExecutor
    from multiprocessing import get_context

    waiting: deque[tuple[Block, Future[Rows | dict[str, Any]]]] = deque()

    def next_rows() -> tuple[Block, Rows]:
        block, future = waiting.popleft()
        found = future.result()
        if isinstance(found, dict):
            raise InputError(**found)
        return block, found

    # Each worker is a fresh interpreter: libraries with threads of their own do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for block in blocks:
            waiting.append((block, pool.submit(_rows_or_error, block)))
            if len(waiting) > 2 * workers:
                yield next_rows()
        while waiting:
            yield next_rows()


def _rows_or_error(block: Block) -> Rows | dict[str, Any]:
    """An error of another process comes back as its parts, from which it is made again."""
    try:
        found = rows_of(block)
    except InputError as error:
        return dict(vars(error))
    found.reasons = dict(found.reasons)
    return found
