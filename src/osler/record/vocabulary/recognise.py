"""What a file of a user's vocabulary is, known by its content, never by its name."""

from dataclasses import dataclass
from pathlib import Path

from osler.record.vocabulary import athena
from osler.record.vocabulary.cms import recognise_cms
from osler.record.vocabulary.source_file import TitleFile, head_lines, read_head
from osler.record.vocabulary.table import recognise_table
from osler.record.vocabulary.tabular import Tabular, parquet_table, text_table


@dataclass(frozen=True)
class ConceptTable:
    """A table of an Athena export.

    Attributes:
        file: the table.
        name: CONCEPT, CONCEPT_ANCESTOR or CONCEPT_RELATIONSHIP.
    """

    file: Tabular
    name: str


@dataclass(frozen=True)
class Unknown:
    """A file that is of no use here.

    Attributes:
        path: the file.
        reason: why, in one sentence.
    """

    path: Path
    reason: str


def recognise(path: Path) -> TitleFile | ConceptTable | Unknown:
    """Recognise a file.

    Args:
        path: a file; text also packed as .gz, tables of an Athena export also as Parquet.

    Returns:
        A file of titles, a table of an Athena export, or `Unknown` with the reason.

    Raises:
        InputError: a .gz file that is broken.
    """
    head = read_head(path)
    if head.startswith(b"PAR1"):
        stored = parquet_table(path)
        return (stored and _concept_table(stored)) or Unknown(path, "Parquet, but no OMOP vocabulary table")
    if head.startswith(b"PK\x03\x04"):
        return Unknown(path, "a zip archive or a workbook: unpack it, or save it as CSV")
    if b"\0" in head:
        return Unknown(path, "not a text file")
    lines = head_lines(head)
    if not lines:
        return Unknown(path, "the file is empty")
    official = recognise_cms(path, head)
    if official is not None:
        return official
    table = text_table(path, lines[0])
    if table is None:
        return Unknown(path, "neither a list of codes with titles nor a table")
    concepts = _concept_table(table)
    if concepts is not None:
        return concepts
    if athena.is_other(table):
        return Unknown(path, "a table of the OMOP vocabularies that says nothing about titles or parents")
    titles = recognise_table(table, lines)
    return titles or Unknown(path, "a table without a column of known codes and one of titles")


def _concept_table(file: Tabular) -> ConceptTable | None:
    for name, columns in (
        ("CONCEPT", athena.CONCEPT),
        ("CONCEPT_ANCESTOR", athena.ANCESTOR),
        ("CONCEPT_RELATIONSHIP", athena.RELATIONSHIP),
    ):
        if athena.is_table(file, columns):
            return ConceptTable(file, name)
    return None
