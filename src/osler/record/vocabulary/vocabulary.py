"""The user's own vocabulary files: titles and parents of the codes that a dataset uses, and no others."""

from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.hashing import hash_file, hash_json
from osler.record.vocabulary.athena import Concepts, concept_parents, concept_titles
from osler.record.vocabulary.hierarchy import ancestors, chapters, lineage
from osler.record.vocabulary.lock import LOCK_FILE, check_lock
from osler.record.vocabulary.recognise import ConceptTable, Unknown, recognise
from osler.record.vocabulary.source_file import FOUND, TitleFile
from osler.record.vocabulary.tabular import Tabular
from osler.record.vocabulary.titles import readable

STRUCTURE = "structure of ICD codes"
_EDGES = {"code": pl.String(), "parent": pl.String()}


def open_vocabulary(path: Path, *more: Path) -> "Vocabulary":
    """Open the user's copy of vocabularies.

    Args:
        path: a file, or a folder of files, sub-folders included. Each is recognised by its content: order
            files and lists of codes of CMS, tables with a column of codes and one of titles, and the tables
            CONCEPT, CONCEPT_ANCESTOR and CONCEPT_RELATIONSHIP of an Athena export (also in parts); text also
            as .gz, the tables of Athena also as Parquet.
        *more: further files and folders.

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
    names: dict[Path, str] = {}
    for root in (path, *more):
        if not root.exists():
            raise InputError("no such file or folder", where=root, remedy="name your vocabulary files")
        folder = root if root.is_dir() else root.parent
        found = [root] if root.is_file() else sorted(file for file in root.rglob("*") if file.is_file())
        below = {file: file.relative_to(folder) for file in found}
        names |= {file: name.as_posix() for file, name in below.items() if not _hidden(name)}
    check_lock(list(names))
    files = [recognise(file) for file in names]
    if not any(isinstance(file, ConceptTable) and file.name == "CONCEPT" for file in files):
        files = [_alone(file) for file in files]
    vocabulary = Vocabulary(names, files)
    if len(vocabulary.unknown) == len(names):
        one = vocabulary.unknown[0] if names else None
        raise InputError(
            "no vocabulary file is recognised" + (f"; {one.path.name}: {one.reason}" if one else ""),
            where=", ".join(str(root) for root in (path, *more)),
            count=len(names),
            allowed=["order files and code lists of CMS", "tables of codes and titles", "CONCEPT of Athena"],
            remedy="name the file or folder that holds one of these",
        )
    return vocabulary


class Vocabulary:
    """Titles and parents out of the user's files.

    Attributes:
        unknown: files that are of no use here, with the reason.
    """

    def __init__(self, names: dict[Path, str], files: list[TitleFile | ConceptTable | Unknown]) -> None:
        self.unknown = tuple(file for file in files if isinstance(file, Unknown))
        self._names = names
        titles = [file for file in files if isinstance(file, TitleFile)]
        tables: dict[str, list[Tabular]] = {
            name: [] for name in ("CONCEPT", "CONCEPT_ANCESTOR", "CONCEPT_RELATIONSHIP")
        }
        for file in files:
            if isinstance(file, ConceptTable):
                tables[file.name].append(file.file)
        self._tables = tables
        self._concepts = Concepts(*(tuple(parts) for parts in tables.values()))
        # Long titles first, the files of each kind by descending path: the latest year of a release first.
        titles.sort(key=lambda file: file.path, reverse=True)
        titles += [concept_titles(part) for part in tables["CONCEPT"]]
        self._titles = sorted(titles, key=lambda file: not file.long)
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
        self._count(self._described, None, len(rest))
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
        if self._concepts.concept and (self._concepts.ancestor or self._concepts.relationship):
            stepped, mapped = concept_parents(self._concepts, asked)
        structural = ancestors(asked.filter(~asked.is_in(stepped["code"].implode())))
        self._count(self._linked, None, structural.height)
        for parts, edges in ((self._concepts.ancestor, stepped), (self._concepts.relationship, mapped)):
            if edges.height:
                self._count(self._linked, parts[0].path, edges.height)
                self._used |= {part.path for part in (*parts, *self._concepts.concept)}
        return pl.concat([stepped, mapped, structural]).unique().sort("code", "parent")

    @property
    def hash(self) -> str:
        """SHA-256 over the names and contents of all files that are recognised."""
        unknown = {file.path for file in self.unknown}
        return hash_json(
            {name: self._hash(path) for path, name in self._names.items() if path not in unknown}
        )

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Which file was used for what, JSON-ready.

        One object per file: `file` (below the folder named), `form`, `vocabularies`, `descriptions` and
        `parents` (how many were taken from it so far; of a table in parts all stand with the first),
        `sha256` (null while nothing was), `reason` (why a file is of no use). The last object, without a
        file, counts what came from the structure of the codes.
        """
        known = [(file.path, file.form, file.vocabularies) for file in self._titles]
        known += [
            (part.path, f"OMOP vocabulary table {name}", ())
            for name, parts in self._tables.items()
            if name != "CONCEPT"
            for part in parts
        ]
        rows = [self._source(path, form, vocabularies) for path, form, vocabularies in sorted(known)]
        rows += [{**self._source(file.path, "unknown", ()), "reason": file.reason} for file in self.unknown]
        return [*rows, self._source(None, STRUCTURE, ())]

    def _source(self, path: Path | None, form: str, vocabularies: tuple[str, ...]) -> dict[str, Any]:
        return {
            "file": None if path is None else self._names[path],
            "form": form,
            "vocabularies": list(vocabularies),
            "descriptions": self._described.get(path, 0),
            "parents": self._linked.get(path, 0),
            "sha256": self._hash(path) if path in self._used else None,
            "reason": None,
        }

    def _hash(self, path: Path) -> str:
        if path not in self._hashes:
            self._hashes[path] = hash_file(path)
        return self._hashes[path]

    @staticmethod
    def _count(counts: dict[Path | None, int], path: Path | None, more: int) -> None:
        counts[path] = counts.get(path, 0) + more

    def _search(self, codes: pl.Series) -> pl.DataFrame:
        """Titles of codes out of the files in their order, each file asked only for what is still missing."""
        found = pl.DataFrame(schema=FOUND)
        for file in self._titles:
            missing = codes.filter(~codes.is_in(found["code"].implode()))
            if not missing.len():
                break
            rows = file.look_up(missing)
            self._count(self._described, file.path, rows.height)
            if rows.height:
                self._used.add(file.path)
            found = pl.concat([found, rows])
        titles = [readable(t) if code.startswith("ICD") else t for code, t in found.iter_rows()]
        return found.with_columns(description=pl.Series(titles, dtype=pl.String))


def _alone(file: TitleFile | ConceptTable | Unknown) -> TitleFile | ConceptTable | Unknown:
    """A table that says concepts by their ids is of no use where nothing says their codes."""
    reason = "a table of ids of concepts, without the table CONCEPT that says their codes"
    return Unknown(file.file.path, reason) if isinstance(file, ConceptTable) else file


def _hidden(path: Path) -> bool:
    return path.name == LOCK_FILE or any(part.startswith(".") for part in path.parts)
