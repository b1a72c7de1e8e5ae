"""Staged tables: the rows of the first pass, before versions are chosen and references are looked up."""

from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from osler.record.sources.fhir.json_values import Reasons
from osler.record.sources.fhir.parquet import arrow_schema
from osler.record.sources.fhir.rows.common import Row
from osler.record.sources.fhir.tables import INTEGER, KEY, TABLES, TEXT
from osler.record.sources.fhir.texts import AT, CONTENT, LENGTH

if TYPE_CHECKING:
    import pyarrow as pa

# A resource is known by one number, its place: the number of its file, then its own number in the file.
PLACE_BITS = 40
# Addresses and identifiers of resources, resources that were deleted, and the files.
KEYS, DELETED, FILES = "keys", "deleted", "file"
TEXTS = "texts"  # the file with the texts of documents
REPLACED_CHARACTERS = "characters that no text can hold"


def _staged_columns() -> dict[str, dict[str, str]]:
    """Where a row came from is one number, the place; `part` tells rows of one resource apart."""
    staged: dict[str, dict[str, str]] = {
        KEYS: {"key": TEXT, "kind": TEXT, "id": TEXT, "bundle": INTEGER},
        DELETED: {"kind": TEXT, "id": TEXT, "version": INTEGER, "updated": TEXT},
        FILES: dict(TABLES[FILES].columns),
    }
    origin = {"version": INTEGER, "place": INTEGER, "part": INTEGER, "bundle": INTEGER}
    for name, table in TABLES.items():
        if table.owner is not None:
            kept = {column: kind for column, kind in table.columns.items() if column not in ("file", "row")}
            staged[name] = kept | {column + KEY: TEXT for column in table.references} | origin
    staged["patient"]["server"] = TEXT
    return staged


# Staged table -> its columns and what they hold, as rows are made.
STAGED = _staged_columns()
# The same as they lie on disk, where texts of documents are on the side.
STAGED_ON_DISK = {
    name: columns
    if CONTENT not in columns
    else {column: kind for column, kind in columns.items() if column != CONTENT}
    | {AT: INTEGER, LENGTH: INTEGER}
    for name, columns in STAGED.items()
}


class StagedRows:
    """Rows of staged tables.

    Examples:
        >>> rows = StagedRows()
        >>> rows.add("keys", {"key": "urn:uuid:1", "kind": "Patient", "id": "a"})
        >>> [(name, batch.num_rows) for name, batch in rows.batches({})]
        [('keys', 1)]
    """

    def __init__(self) -> None:
        self._names = {name: tuple(columns) for name, columns in STAGED.items()}
        self._rows: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)

    def add(self, name: str, row: Row) -> None:
        """Add a row to a table; a column that it lacks is null."""
        # A tuple is smaller than the row, and it is made while the row is at hand in the processor's cache.
        self._rows[name].append(tuple(map(row.get, self._names[name])))

    def batches(self, reasons: dict[str, Reasons]) -> "Iterator[tuple[str, pa.RecordBatch]]":
        """Each table that has rows, as columns.

        Half a character, which JSON can write and UTF-8 cannot, becomes a question mark.

        Args:
            reasons: type of resource -> counts of what was noticed.
        """
        import pyarrow as pa

        for name, rows in self._rows.items():
            schema = arrow_schema(STAGED[name])
            arrays = []
            for column, values in zip(schema, zip(*rows, strict=True), strict=True):
                try:
                    arrays.append(pa.array(values, column.type))
                except UnicodeEncodeError:
                    mended = [value and str(value).encode("utf-8", "replace").decode() for value in values]
                    changed = sum(old != new for old, new in zip(values, mended, strict=True))
                    owner = TABLES[name].owner if name in TABLES else None
                    if owner is not None:
                        reasons[owner][REPLACED_CHARACTERS] += changed
                    arrays.append(pa.array(mended, column.type))
            yield name, pa.record_batch(arrays, schema=schema)
