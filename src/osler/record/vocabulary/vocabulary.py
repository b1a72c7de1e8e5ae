"""The user's own vocabulary files: titles and parents of the codes that a dataset uses, and no others."""

from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.hashing import hash_file
from osler.record.vocabulary.athena import Concepts, concept_parents, concept_titles
from osler.record.vocabulary.hierarchy import ancestors, chapters, lineage
from osler.record.vocabulary.lock import LOCK_FILE, check_lock
from osler.record.vocabulary.recognise import ConceptTable, Unknown, recognise
from osler.record.vocabulary.source_file import FOUND, TitleFile
from osler.record.vocabulary.titles import readable

STRUCTURE = "structure of ICD codes"
_EDGES = {"code": pl.String(), "parent": pl.String()}


def open_vocabulary(path: Path) -> "Vocabulary":
    """Open the user's copy of vocabularies.

    Args:
        path: a file, or a folder of files, sub-folders included. Each is recognised by its content: order
            files and lists of codes of CMS, tables with a column of codes and one of titles, and the tables
            CONCEPT, CONCEPT_ANCESTOR and CONCEPT_RELATIONSHIP of an Athena export; all of them also as .gz.

    Returns:
        The vocabulary; files that are nothing of this are in its `unknown`, with the reason.

    Raises:
        InputError: no such file or folder, nothing in it is recognised, or a file that was fetched has
            changed since.

    Examples:
        >>> _ = Path("mine.csv").write_text("icd10,title\\nI50,Heart failure\\nI501,Left heart failure\\n")
        >>> vocabulary = open_vocabulary(Path("mine.csv"))
        >>> vocabulary.describe(pl.Series(["ICD10CM/I50.1", "ICD10CM/I50.9"])).rows()
        [('ICD10CM/I50.1', 'Left heart failure'), ('ICD10CM/I50.9', 'Heart failure')]
        >>> vocabulary.parents(pl.Series(["ICD10CM/I50.1"])).rows()
        [('ICD10CM/I50', 'ICD10CM/I00-I99'), ('ICD10CM/I50.1', 'ICD10CM/I50')]
        >>> vocabulary.sources[0]["form"], vocabulary.sources[0]["descriptions"]
        ('table of codes and titles, columns icd10 and title', 2)
    """
    if not path.exists():
        raise InputError("no such file or folder", where=path, remedy="name your vocabulary files")
    folder = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    files = [file for file in files if file.name != LOCK_FILE and not _hidden(file.relative_to(folder))]
    check_lock(files)
    recognised = [recognise(file) for file in files]
    vocabulary = Vocabulary(
        folder=folder,
        titles=[file for file in recognised if isinstance(file, TitleFile)],
        tables=[file for file in recognised if isinstance(file, ConceptTable)],
        unknown=[file for file in recognised if isinstance(file, Unknown)],
    )
    if len(vocabulary.unknown) == len(files):
        first = f"; {files[0].name}: {vocabulary.unknown[0].reason}" if files else ""
        raise InputError(
            f"no vocabulary file is recognised{first}",
            where=path,
            count=len(files),
            allowed=["order files and code lists of CMS", "tables of codes and titles", "CONCEPT of Athena"],
            remedy="name the file or folder that holds one of these",
        )
    return vocabulary


class Vocabulary:
    """Titles and parents out of the user's files.

    Attributes:
        unknown: files that are of no use here, with the reason.
    """

    def __init__(
        self, *, folder: Path, titles: list[TitleFile], tables: list[ConceptTable], unknown: list[Unknown]
    ) -> None:
        self.unknown = tuple(unknown)
        self._folder = folder
        concepts = {table.name: table.file for table in reversed(tables)}
        every_concept = [concept_titles(table.file) for table in tables if table.name == "CONCEPT"]
        # Long titles first, the files of each kind by descending path: the latest year of a release first.
        ordered = [*sorted(titles, key=lambda file: file.path, reverse=True), *every_concept]
        self._titles = sorted(ordered, key=lambda file: not file.long)
        self._tables = tables
        self._concepts = (
            Concepts(
                concept=concepts["CONCEPT"],
                ancestor=concepts.get("CONCEPT_ANCESTOR"),
                relationship=concepts.get("CONCEPT_RELATIONSHIP"),
            )
            if "CONCEPT" in concepts
            else None
        )
        self._described: dict[Path | None, int] = {}
        self._linked: dict[Path | None, int] = {}
        self._used: set[Path] = set()
        self._hashes: dict[Path, str] = {}

    def describe(self, codes: pl.Series) -> pl.DataFrame:
        """Titles of codes.

        A code that no file knows, such as one that was retired, gets the title of its nearest structural
        ancestor that has one; chapters of ICD and sections of ICD-10-PCS get our own words.

        Args:
            codes: strings as `canonical` spells them; nulls and repetitions do not matter.

        Returns:
            `code, description`, sorted: a row for each code with a title. Titles of ICD in capitals are in
            sentence case.
        """
        asked = codes.drop_nulls().unique().sort()
        found = self._search(asked)
        missing = asked.filter(~asked.is_in(found["code"].implode())).to_list()
        steps = {code: [parent for parent in lineage(code) if parent not in chapters()] for code in missing}
        higher = self._search(pl.Series(sorted({p for up in steps.values() for p in up}), dtype=pl.String))
        known = {**dict(higher.iter_rows()), **chapters()}
        rest = {code: known[code] for code in missing if code in known}
        for code, up in steps.items():
            title = next((known[parent] for parent in up if parent in known), None)
            if title is not None:
                rest.setdefault(code, title)
        self._described[None] = self._described.get(None, 0) + len(rest)
        others = pl.DataFrame({"code": list(rest), "description": list(rest.values())}, schema=FOUND)
        return pl.concat([found, others]).sort("code")

    def parents(self, codes: pl.Series) -> pl.DataFrame:
        """Parents of codes, and theirs, up to the top.

        From CONCEPT_ANCESTOR where it knows a code, else from the structure of ICD codes. Where
        CONCEPT_RELATIONSHIP is there too, the standard concepts that a code maps to are among its parents.

        Args:
            codes: strings as `canonical` spells them; nulls and repetitions do not matter.

        Returns:
            `code, parent`: every edge once, sorted.
        """
        asked = codes.drop_nulls().unique().sort()
        stepped = mapped = pl.DataFrame(schema=_EDGES)
        if self._concepts is not None and (self._concepts.ancestor or self._concepts.relationship):
            stepped, mapped = concept_parents(self._concepts, asked)
        structural = ancestors(asked.filter(~asked.is_in(stepped["code"].implode())))
        concepts = self._concepts
        for file, edges in (
            (concepts and concepts.ancestor, stepped),
            (concepts and concepts.relationship, mapped),
            (None, structural),
        ):
            path = file.path if file else None
            self._linked[path] = self._linked.get(path, 0) + edges.height
            if concepts and path and edges.height:
                self._used |= {path, concepts.concept.path}
        return pl.concat([stepped, mapped, structural]).unique().sort("code", "parent")

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Which file was used for what, JSON-ready.

        One object per file: `file` (below the folder), `form`, `vocabularies`, `descriptions` and `parents`
        (how many were taken from it so far), `sha256` (null while nothing was), `reason` (why a file is of
        no use). The last one, without a file, counts what came from the structure of the codes.
        """
        known = [(file.path, file.form, file.vocabularies) for file in self._titles]
        known += [
            (table.file.path, f"OMOP vocabulary table {table.name}", ())
            for table in self._tables
            if table.name != "CONCEPT"
        ]
        rows = [self._source(path, form, vocabularies) for path, form, vocabularies in sorted(known)]
        rows += [{**self._source(file.path, "unknown", ()), "reason": file.reason} for file in self.unknown]
        return [*rows, self._source(None, STRUCTURE, ())]

    def _source(self, path: Path | None, form: str, vocabularies: tuple[str, ...]) -> dict[str, Any]:
        if path in self._used and path not in self._hashes:
            self._hashes[path] = hash_file(path)
        return {
            "file": None if path is None else path.relative_to(self._folder).as_posix(),
            "form": form,
            "vocabularies": list(vocabularies),
            "descriptions": self._described.get(path, 0),
            "parents": self._linked.get(path, 0),
            "sha256": None if path is None else self._hashes.get(path),
            "reason": None,
        }

    def _search(self, codes: pl.Series) -> pl.DataFrame:
        """Titles of codes out of the files in their order, each file asked only for what is still missing."""
        found = pl.DataFrame(schema=FOUND)
        for file in self._titles:
            missing = codes.filter(~codes.is_in(found["code"].implode()))
            if not missing.len():
                break
            rows = file.look_up(missing)
            self._described[file.path] = self._described.get(file.path, 0) + rows.height
            if rows.height:
                self._used.add(file.path)
            found = pl.concat([found, rows])
        titles = [readable(t) if code.startswith("ICD") else t for code, t in found.iter_rows()]
        return found.with_columns(description=pl.Series(titles, dtype=pl.String))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
