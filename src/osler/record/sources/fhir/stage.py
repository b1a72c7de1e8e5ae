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
from osler.record.sources.fhir.staged import DELETED, FILES, KEYS, PLACE_BITS, StagedRows
from osler.record.sources.fhir.tables import TARGETS

if TYPE_CHECKING:
    import pyarrow as pa

NO_ID = "no id"
MODIFIED = "an extension changes its meaning (modifierExtension)"
_WANTED = frozenset(ROWS)


@dataclass
class Rows:
    """What a block holds, or an export up to a place.

    Attributes:
        tables: staged table -> its rows.
        read: type of resource -> resources.
        reasons: type of resource -> what was noticed in them -> how often.
        resources: number of file -> resources in it.
    """

    tables: "dict[str, pa.RecordBatch]" = field(default_factory=dict)
    read: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Reasons] = field(default_factory=lambda: defaultdict(Counter))
    resources: Counter[int] = field(default_factory=Counter)


def rows_of(block: Block) -> Rows:
    """The rows of a block, in order.

    Raises:
        InputError: something in it cannot be read; file, line and entry are named.
    """
    made = Rows()
    rows = StagedRows()
    for piece in block.pieces:
        for entry in entries(piece, _WANTED):
            if entry.kind:
                made.read[entry.kind] += 1
                made.resources[piece.file] += 1
                if entry.resource is not None:
                    _add_resource(entry, entry.resource, piece, rows, made.reasons[entry.kind])
            else:
                deleted = deletion_of(entry.around, made.reasons["Bundle"])
                if deleted is not None:
                    rows.add(DELETED, deleted)
        # A block holds a file once.
        found = made.resources[piece.file]
        rows.add(FILES, {"file": piece.file, "name": piece.name, "resources": found})
    made.tables = dict(rows.batches(made.reasons))
    return made


def _add_resource(entry: Entry, resource: Node, piece: Piece, rows: StagedRows, reasons: Reasons) -> None:
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
    bundle = None if entry.bundle is None else first_place + entry.bundle
    same: Row = {
        "id": identity,
        "place": first_place + entry.place,
        "bundle": bundle,
        "version": version_number(meta.get("versionId")),
        "updated": text(meta, "lastUpdated", reasons),
        "server": server_of(address, kind),
    }
    for part, (table, row) in enumerate(ROWS[kind](resource, reasons)):
        row.update(same)
        row["part"] = part
        rows.add(table, row)
    if kind not in TARGETS or identity is None:
        return
    # An identifier means the same everywhere, an address first of all the entry of its own Bundle.
    for key in identifier_keys(children(resource, "identifier", reasons), kind, reasons):
        rows.add(KEYS, {"key": key, "kind": kind, "id": identity})
    if address is not None:
        for key in address_keys(address, kind, identity):
            rows.add(KEYS, {"key": key, "kind": kind, "id": identity, "bundle": bundle})


def _id_of_address(address: str | None, kind: str) -> str | None:
    """A resource that is yet to get its id is known by its address in the Bundle."""
    return None if address is None else parse_reference(address, kind).id


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
