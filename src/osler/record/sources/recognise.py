"""Which source format a folder holds, by the names of its tables."""

import zlib
from collections import Counter
from pathlib import Path

from osler.base.errors import InputError
from osler.record.mapping.files import SourceFiles, list_source
from osler.record.mapping.spec import MappingSpec
from osler.record.sources.fhir.archive import open_files
from osler.record.sources.specs import BUILT_IN, read_spec

_NAMED_BY_THE_USER = ("long", "notes")  # any table could be one of these
_ENOUGH_TABLES = 3
_MOST_LOOKED_AT = 20  # files, of which one is to hold resources
_BEGINNING = 1 << 16  # bytes, within which a file of resources names the type of the first


def recognise(folder: Path) -> list[str]:
    """Formats whose required tables a folder has, those with the most tables of theirs first.

    Where no format has all that it requires, the one with the most tables.

    Args:
        folder: the source.
    """
    if _holds_resources(folder):
        return ["fhir"]
    try:
        files = list_source(folder)
    except InputError:
        return []
    names = [name for name in BUILT_IN if name not in ("fhir", *_NAMED_BY_THE_USER)]
    found = {name: _tables_found(files, read_spec(name, None)[0]) for name in names}
    fits = [name for name, (n, complete) in found.items() if n and complete]
    if not fits:  # a table that is required is missing: the format is the one with most of the others
        most = max(names, key=lambda name: found[name][0])
        fits = [most] if found[most][0] >= _ENOUGH_TABLES else []
    return sorted(fits, key=lambda name: -found[name][0])


def _holds_resources(folder: Path) -> bool:
    """Whether one of the first files that could hold resources of FHIR begins like one."""
    looked_at = 0
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            for first in open_files(path, path.name, Counter()):
                looked_at += 1
                if b'"resourceType"' in first.stream.read(_BEGINNING):
                    return True
                break
        except (InputError, OSError, EOFError, zlib.error):  # what cannot be read is for the ingest to say
            looked_at += 1
        if looked_at == _MOST_LOOKED_AT:
            break
    return False


def _tables_found(files: SourceFiles, spec: MappingSpec) -> tuple[int, bool]:
    """How many tables of a spec a source has, and whether those that are required are among them."""
    found, complete = 0, True
    for name, table in spec.tables.items():
        try:
            there = files.find(table.file or (name,)) is not None
        except InputError:  # several tables could be meant
            there = False
        complete &= there or not table.required
        found += there
    return found, complete
