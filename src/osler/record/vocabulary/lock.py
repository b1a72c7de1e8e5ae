"""`vocabulary.lock.json`: what was fetched into a folder, so that every later use meets the same bytes."""

from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.files import read_json, write_json
from osler.base.hashing import hash_file

LOCK_FILE = "vocabulary.lock.json"
_FORMAT = 1


def read_lock(folder: Path) -> dict[str, dict[str, Any]]:
    """What was fetched into a folder.

    Args:
        folder: the folder of the files.

    Returns:
        Name of the download -> `url`, `sha256` (of what was downloaded), `checked` (against what: a
        pinned checksum, one that was given, or the first download) and `files` (name -> SHA-256).
        Empty when nothing was fetched.

    Raises:
        InputError: the lock file is not readable or of another version.
    """
    path = folder / LOCK_FILE
    if not path.is_file():
        return {}
    lock = read_json(path)
    if not isinstance(lock, dict) or lock.get("format_version") != _FORMAT:
        raise InputError(
            "the lock file is of another version", where=path, remedy="fetch into an empty folder"
        )
    downloads: dict[str, dict[str, Any]] = lock["downloads"]
    return downloads


def write_lock(folder: Path, downloads: dict[str, dict[str, Any]]) -> None:
    """Write the lock file of a folder; `downloads` as `read_lock` returns it."""
    write_json(folder / LOCK_FILE, {"format_version": _FORMAT, "downloads": dict(sorted(downloads.items()))})


def check_lock(files: list[Path]) -> None:
    """Refuse files that have changed since they were fetched.

    Args:
        files: those about to be used; a file that no lock beside it names is left alone.

    Raises:
        InputError: names the first changed file.
    """
    for folder in sorted({file.parent for file in files}):
        locked = {
            name: hash_ for entry in read_lock(folder).values() for name, hash_ in entry["files"].items()
        }
        changed = [
            file
            for file in files
            if file.parent == folder and file.name in locked and hash_file(file) != locked[file.name]
        ]
        if changed:
            raise InputError(
                "the file has changed since it was fetched",
                where=changed[0],
                count=len(changed),
                remedy=f"delete it and fetch it again; if the change is yours, delete {LOCK_FILE}",
            )
