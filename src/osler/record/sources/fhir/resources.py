"""The resources in a piece of an export: one on each line, or the entries of a Bundle."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from osler.base.errors import InputError
from osler.record.sources.fhir.blocks import Piece
from osler.record.sources.fhir.json_values import NOTHING, Node
from osler.record.sources.fhir.release import FOREIGN_TYPES, other_release

R4_IS_READ = "export the data as FHIR R4 (4.0.1); other releases are not read"
OUTCOME = "OperationOutcome"
_TYPE = re.compile(r"[A-Z][A-Za-z]*")
# A line that begins with its type, as servers write it, can be passed over without being parsed.
_LEADING_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Z][A-Za-z]*)"\s*,')


class Entry(NamedTuple):
    """A resource, or an entry of a Bundle without one, and where it stood.

    Attributes:
        kind: type of the resource; empty where there is none.
        resource: the resource; None where there is none, or its type is not asked for.
        around: the entry of the Bundle that it stood in; an empty object outside one.
        bundle: the place of the first entry of its Bundle among the resources of the piece; None outside one.
        place: its own place among the resources of the piece.
        line: number of its line.
        number: number of its entry in the Bundle, from 1; 0 outside one.
    """

    kind: str
    resource: Node | None
    around: Node
    bundle: int | None
    place: int
    line: int
    number: int


def place_in(name: str, line: int, entry: int) -> str:
    """Where something stands, for a person.

    Examples:
        >>> place_in("a.json", 1, 3), place_in("a.ndjson", 7, 0)
        ('a.json, entry 3', 'a.ndjson, line 7')
    """
    lines = f", line {line:,}" if not entry or line > 1 else ""
    return f"{name}{lines}{f', entry {entry:,}' if entry else ''}"


def entries(piece: Piece, wanted: frozenset[str]) -> Iterator[Entry]:
    """The resources in a piece, in order.

    Args:
        piece: whole documents of one file.
        wanted: the types that are asked for; resources of other types come without their content.

    Yields:
        The resources, and the entries of Bundles without one: they ask for something or answer.

    Raises:
        InputError: not JSON, not FHIR, another release, or the answer of a server that failed.
    """
    reader = _Reader(piece, wanted)
    if not piece.data.strip():
        return
    if not piece.is_lines:
        document = reader.parse(piece.data, piece.first_line)
        _refuse_failure(document, piece.name)
        if not _is_manifest(document):
            yield from reader.walk(document, piece.first_line)
        return
    for line, data in enumerate(piece.data.split(b"\n"), start=piece.first_line):
        leading = _LEADING_TYPE.match(data)
        if leading and leading[1].decode() not in reader.parsed and data.rstrip().endswith(b"}"):
            yield reader.passed(leading[1].decode(), line)
        elif data.strip():
            yield from reader.walk(reader.parse(data, line), line)


def _refuse_failure(document: Any, name: str) -> None:
    """A server that cannot export answers with an OperationOutcome, alone or as all that a Bundle holds."""
    if not isinstance(document, dict):
        return
    found: list[Any] = [document]
    if document.get("resourceType") == "Bundle" and isinstance(document.get("entry"), list):
        found = [entry.get("resource") for entry in document["entry"] if isinstance(entry, dict)]
    outcomes = [one for one in found if isinstance(one, dict) and one.get("resourceType") == OUTCOME]
    if outcomes and len(outcomes) == len(found):
        issues = outcomes[0].get("issue")
        issue = issues[0] if isinstance(issues, list) and issues and isinstance(issues[0], dict) else {}
        said = " ".join(str(issue[key]) for key in ("severity", "code") if isinstance(issue.get(key), str))
        raise InputError(
            f"the server answered with an OperationOutcome ({said or 'no details'}) instead of resources",
            where=name,
            count=len(outcomes),
            remedy="export again, or take the file away",
        )


def _is_manifest(document: Any) -> bool:
    """Whether a document is the list of files that a bulk export comes with."""
    return isinstance(document, dict) and "resourceType" not in document and "transactionTime" in document


class _Reader:
    """Parses the documents of a piece and numbers their resources."""

    def __init__(self, piece: Piece, wanted: frozenset[str]) -> None:
        self._name = piece.name
        self._wanted = wanted
        self._place = 0
        self.parsed = wanted | FOREIGN_TYPES | {"Bundle"}

    def parse(self, data: bytes, line: int) -> Any:
        """A JSON document that begins on a line."""
        try:
            return _DECODER.decode(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            line += data.count(b"\n", 0, error.start)
            problem = "not UTF-8"
        except json.JSONDecodeError as error:
            line += error.lineno - 1
            problem = f"not JSON ({error.msg}, column {error.colno:,})"
        except (ValueError, RecursionError):
            problem = "not JSON that can be read (a number that is none, or objects in objects without end)"
        raise InputError(
            problem,
            where=place_in(self._name, line, 0),
            remedy="export the file again; it may have been cut off",
        )

    def passed(self, kind: str, line: int) -> Entry:
        """A resource that was not parsed."""
        return Entry(kind, None, NOTHING, None, self._next(), line, 0)

    def walk(
        self, document: Any, line: int, *, around: Node = NOTHING, bundle: int | None = None, number: int = 0
    ) -> Iterator[Entry]:
        """The resources in a document: itself, or the entries of a Bundle, also of one in a Bundle.

        Args:
            document: the parsed JSON.
            line: where it stands.
            around: the entry of a Bundle that it is in.
            bundle: place of the first entry of that Bundle.
            number: number of that entry.
        """
        kind = document.get("resourceType") if isinstance(document, dict) else None
        if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
            raise InputError(
                "JSON that is no FHIR resource: it has no resourceType",
                where=place_in(self._name, line, number),
                remedy="name a FHIR R4 export: NDJSON with a resource on each line, or Bundles",
            )
        if kind == "Bundle":
            yield from self._bundle(document, line)
            return
        foreign = other_release(kind, document)
        if foreign is not None:
            raise InputError(
                f"not FHIR R4: {foreign}", where=place_in(self._name, line, number), remedy=R4_IS_READ
            )
        resource = document if kind in self._wanted else None
        yield Entry(kind, resource, around, bundle, self._next(), line, number)

    def _bundle(self, bundle: Node, line: int) -> Iterator[Entry]:
        found = bundle.get("entry") or []
        first = self._place
        for number, entry in enumerate(found if isinstance(found, list) else [found], start=1):
            around = entry if isinstance(entry, dict) else NOTHING
            if around.get("resource") is not None:
                yield from self.walk(around["resource"], line, around=around, bundle=first, number=number)
            else:
                yield Entry("", None, around, first, self._place, line, number)

    def _next(self) -> int:
        self._place += 1
        return self._place - 1


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
