"""A result folder that is whole or resumable: written apart, moved, then sealed.

The manifest (`manifest.json`) is written last and holds the key of the work (a hash of everything the
result depends on) and the SHA-256 of each file. A folder with a manifest of the same key is complete and
is not made again. The time of making, `created_at` in `dataset.json`, is no part of a hash, so that the
same work has the same manifest. A killed job leaves its part folder behind; the next job with the same key
finds the files that were finished in it and goes on. A failed job that has finished no file leaves nothing.
"""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from osler.base.errors import InputError
from osler.base.files import TEMPORARY_SUFFIX, read_json, write_json
from osler.base.hashing import hash_bytes, hash_file, hash_json

MANIFEST = "manifest.json"
FORMAT_VERSION = 1
PART_PREFIX = ".part-"
_OLD_PREFIX = ".old-"
_SEAL = ".sealed.json"
_SUPERSEDES = "supersedes"
_DATED = "dataset.json"
_CREATED_AT = re.compile(rb'"created_at": "[^"]*"')


class Output:
    """One result folder in the making.

    Args:
        folder: where the result goes; it may exist when it is empty or holds the same work.
        key: hash of everything that the result depends on (`hash_json` of settings and input hashes).
        replace: whether a folder with other work may be emptied first (only for folders that Osler owns).
        supersede: whether other work in the folder stays until this one is done, and then gives way to it.
        forget_refused: whether unfinished work goes when the input is refused (`InputError`): the mended
            input is other work, which wants an empty folder.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "result"
        >>> job = Output(folder, key="k")
        >>> with job as part:
        ...     _ = (part / "a.txt").write_text("a")
        >>> Output(folder, key="k").complete, (folder / "a.txt").read_text()
        (True, 'a')
    """

    def __init__(
        self,
        folder: Path,
        *,
        key: str,
        replace: bool = False,
        supersede: bool = False,
        forget_refused: bool = False,
    ) -> None:
        self.folder = Path(folder)
        self.key = key
        self.part = self.folder / f"{PART_PREFIX}{key[:16]}"
        self._supersede = supersede
        self._forget_refused = forget_refused
        self._is_new = not self.folder.exists()
        if (self.part / _SEAL).exists():
            _move(self.folder, self.part)
        self.complete = manifest_key(self.folder) == key
        if not self.complete and not supersede:
            self._require_room(replace=replace)

    def __enter__(self) -> Path:
        try:
            self.part.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the output folder cannot be made ({error.strerror})",
                where=self.folder,
                remedy="name a folder that you may write to",
            ) from error
        return self.part

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            refused = self._forget_refused and isinstance(error, InputError)
            if refused or not _holds_files(self.part):
                shutil.rmtree(self.part, ignore_errors=True)
                if self._is_new and not any(self.folder.iterdir()):
                    self.folder.rmdir()
            return
        for leftover in self.part.rglob(f".*{TEMPORARY_SUFFIX}"):
            leftover.unlink()
        seal = {"format_version": FORMAT_VERSION, "key": self.key, "files": _list(self.part)}
        write_json(self.part / _SEAL, {**seal, _SUPERSEDES: True} if self._supersede else seal)
        _move(self.folder, self.part)
        self.complete = True

    def _require_room(self, *, replace: bool) -> None:
        if self.folder.is_file():
            raise InputError(
                "the output is a file, a folder is needed", where=self.folder, remedy="name a folder"
            )
        if not self.folder.exists():
            return
        others = [entry for entry in self.folder.iterdir() if entry != self.part]
        if others and not replace:
            unfinished = all(entry.name.startswith(PART_PREFIX) for entry in others)
            raise InputError(
                "the output folder holds unfinished work of another command, or of other input"
                if unfinished
                else "the output folder holds the result of another command, or of other input or options"
                if manifest_key(self.folder) is not None
                else "the output folder holds other files",
                where=self.folder,
                count=len(others),
                remedy="give that command again, name a new folder, or remove this one"
                if unfinished
                else "name a new or empty folder, or remove this one",
            )
        for entry in others:
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def _holds_files(part: Path) -> bool:
    """Whether there is a finished file; names that begin with a dot are of what is being made."""
    return any(
        path.is_file() and not any(name.startswith(".") for name in path.relative_to(part).parts)
        for path in part.rglob("*")
    )


def _move(folder: Path, part: Path) -> None:
    """Move a sealed part into its place; what was moved before a break-off stays where it is."""
    seal = read_json(part / _SEAL)
    if seal.get(_SUPERSEDES):
        _set_old_aside(folder, part, {name.partition("/")[0] for name in seal["files"]})
    for entry in sorted(part.iterdir()):
        if entry.name != _SEAL:
            entry.replace(folder / entry.name)
    (part / _SEAL).replace(folder / MANIFEST)
    part.rmdir()
    for old in folder.glob(f"{_OLD_PREFIX}*"):
        shutil.rmtree(old)


def _set_old_aside(folder: Path, part: Path, ours: set[str]) -> None:
    """Move away what a part supersedes, out of the reach of whoever opens the folder meanwhile."""
    old = folder / part.name.replace(PART_PREFIX, _OLD_PREFIX)
    for entry in folder.iterdir():
        moved_in = entry.name in ours and not (part / entry.name).exists()
        if entry not in (part, old) and not moved_in:
            old.mkdir(exist_ok=True)
            entry.replace(old / entry.name)


def finish_move(folder: Path) -> bool:
    """Move a result into its place that a job finished and sealed but was broken off before it had moved it.

    Returns:
        Whether there was one.
    """
    sealed = sorted(folder.glob(f"{PART_PREFIX}*/{_SEAL}"))
    for seal in sealed:
        _move(folder, seal.parent)
    return bool(sealed)


def half_moved(folder: Path) -> bool:
    """Whether a sealed result waits to be moved into its place, so that the folder holds parts of two."""
    return any(folder.glob(f"{PART_PREFIX}*/{_SEAL}"))


def manifest_key(folder: Path) -> str | None:
    """The key of the finished work in a folder, or None when there is none."""
    manifest = _manifest(folder)
    return None if manifest is None else str(manifest["key"])


def _manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder; None when there is none, or when another tool's file bears its name."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    manifest = read_json(path)
    ours = isinstance(manifest, dict) and {"key", "files"} <= manifest.keys()
    return manifest if ours and isinstance(manifest["files"], dict) else None


def sealed_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 by file name, as the manifest of a folder names them; empty when it has none."""
    manifest = _manifest(folder)
    return {} if manifest is None else {name: entry["sha256"] for name, entry in manifest["files"].items()}


def content_hash(folder: Path) -> str:
    """Hash of what a folder holds: from its manifest when it is sealed, else from the files themselves."""
    listed = sealed_hashes(folder) or {name: entry["sha256"] for name, entry in _list(folder).items()}
    return hash_json(listed)


def changed_files(folder: Path) -> list[str]:
    """Files of a sealed folder that are missing or no longer have the bytes that its manifest names."""
    files = read_json(folder / MANIFEST)["files"]
    return [
        name
        for name, entry in files.items()
        if not (folder / name).is_file() or _hash(folder / name) != entry["sha256"]
    ]


def _hash(path: Path) -> str:
    """SHA-256 of a file; of `dataset.json` without the time at which it was made."""
    return hash_bytes(_CREATED_AT.sub(b"", path.read_bytes())) if path.name == _DATED else hash_file(path)


def _list(folder: Path) -> dict[str, dict[str, Any]]:
    paths = [
        path for path in sorted(folder.rglob("*")) if path.is_file() and path.name not in (MANIFEST, _SEAL)
    ]
    with ThreadPoolExecutor() as pool:  # hashing lets go of the interpreter
        hashes = list(pool.map(_hash, paths))
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256}
        for path, sha256 in zip(paths, hashes, strict=True)
    }
