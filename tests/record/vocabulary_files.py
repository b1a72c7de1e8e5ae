"""Small vocabulary files in every form that is read, made by the tests. Titles are invented."""

import gzip
from pathlib import Path

LONG = "with a title that is long enough to be told from the abbreviated ones of the same code"


def write(path: Path, lines: list[str], *, encoding: str = "utf-8", end: str = "\n") -> Path:
    """A text file; packed when its name ends in .gz."""
    data = (end.join(lines) + end).encode(encoding)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def order_file(path: Path, rows: list[tuple[str, str, str, str]], **how: str) -> Path:
    """An order file of CMS: code, billable, short and long title."""
    lines = [
        f"{number:05} {code:<7} {billable} {short:<60} {long}"
        for number, (code, billable, short, long) in enumerate(rows, start=1)
    ]
    return write(path, lines, **how)


def code_list(path: Path, rows: list[tuple[str, str]], *, width: int, **how: str) -> Path:
    """A list of CMS: code, blanks, title."""
    return write(path, [f"{code:<{width}} {title}" for code, title in rows], **how)


CONCEPT = (
    "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code "
    "valid_start_date valid_end_date invalid_reason"
)
ANCESTOR = "ancestor_concept_id descendant_concept_id min_levels_of_separation max_levels_of_separation"
RELATIONSHIP = "concept_id_1 concept_id_2 relationship_id valid_start_date valid_end_date invalid_reason"


def concepts(path: Path, rows: list[tuple[int, str, str, str, str, str]], **how: str) -> Path:
    """CONCEPT of an Athena export: id, name, vocabulary, standard, code, invalid reason."""
    lines = ["\t".join(CONCEPT.split())]
    lines += [
        "\t".join([str(id_), name, "Any", vocabulary, "Any", standard, code, "19700101", "20991231", invalid])
        for id_, name, vocabulary, standard, code, invalid in rows
    ]
    return write(path, lines, **how)


def concept_ancestors(path: Path, children: dict[int, list[int]]) -> Path:
    """CONCEPT_ANCESTOR of a hierarchy given by the parents of each concept: all levels, and each itself."""
    ids = set(children) | {parent for up in children.values() for parent in up}
    lines = ["\t".join(ANCESTOR.split())]
    for start in sorted(ids):
        levels, here, depth = {start: 0}, {start}, 0
        while here:
            depth += 1
            here = {parent for id_ in here for parent in children.get(id_, [])} - set(levels)
            levels |= dict.fromkeys(here, depth)
        lines += [f"{up}\t{start}\t{level}\t{level}" for up, level in levels.items()]
    return write(path, lines)


def relationships(path: Path, rows: list[tuple[int, int, str, str]]) -> Path:
    """CONCEPT_RELATIONSHIP: from, to, relationship, invalid reason."""
    lines = ["\t".join(RELATIONSHIP.split())]
    lines += [f"{a}\t{b}\t{kind}\t19700101\t20991231\t{invalid}" for a, b, kind, invalid in rows]
    return write(path, lines)
