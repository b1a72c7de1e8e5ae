"""Fetching official vocabulary files from www.cms.gov: when named by the user, checked, whole or not."""

import fnmatch
import hashlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from osler.base.errors import InputError
from osler.base.files import write_bytes
from osler.base.hashing import hash_bytes
from osler.base.progress import bar
from osler.record.vocabulary.downloads import DEFAULT, HOST, Download, downloads_of
from osler.record.vocabulary.lock import check_lock, read_lock, write_lock

if TYPE_CHECKING:
    from urllib.request import BaseHandler, OpenerDirector

OWN_COPY = "put your own copy in a folder and name it"
_MOST_BYTES = 64 << 20  # of an archive; the largest has three million
_MOST_UNPACKED = 256 << 20
_BLOCK = 1 << 16
_SECONDS = 60


def fetch_vocabulary(
    names: Iterable[str] = DEFAULT,
    into: Path = Path("vocabulary"),
    *,
    sha256: Mapping[str, str] | None = None,
    opener: "OpenerDirector | None" = None,
) -> list[Path]:
    """Fetch official titles of ICD-10-CM, ICD-9-CM and ICD-10-PCS from CMS.

    What is downloaded must have the checksum that was given, else the pinned one, else that of the first
    download into this folder, which `vocabulary.lock.json` keeps. Files that are there already and are still
    those of the lock are not fetched again. Nothing of CPT is fetched.

    Args:
        names: vocabularies or single downloads, as for `downloads_of`.
        into: the folder; made when it is not there.
        sha256: name of a download -> checksum of its archive, in place of the pinned one.
        opener: how to open a URL; default: `secure_opener()`.

    Returns:
        The files in the folder that `open_vocabulary` reads, in the order of the downloads.

    Raises:
        InputError: an unknown name, no network, an answer other than the file, a redirect to another host,
            a part of the file only, another checksum, or an archive without the file. Nothing of a download
            that failed stays.
    """
    given = dict(sha256 or {})
    wanted = downloads_of(tuple(names))
    stray = sorted(set(given) - {download.name for download in wanted})
    if stray:
        raise InputError(
            f"a checksum for '{stray[0]}', which is not fetched",
            allowed=[download.name for download in wanted],
            remedy="name the download that the checksum belongs to",
        )
    paths: list[Path] = []
    for download in wanted:
        lock = read_lock(into)
        entry = lock.get(download.name)
        checksum = given.get(download.name, "").lower() or download.sha256 or (entry or {}).get("sha256")
        if entry is None or entry["sha256"] != checksum or not _all_there(into, entry):
            fetched = _fetch(download, into, checksum, opener or secure_opener())
            pinned = "a pinned checksum" if download.sha256 else "the first download"
            entry = {**fetched, "checked": "the checksum given" if download.name in given else pinned}
            write_lock(into, {**lock, download.name: entry})
        paths += [into / name for name in entry["files"]]
    return paths


def secure_opener(*handlers: "BaseHandler") -> "OpenerDirector":
    """An opener that follows redirects only within www.cms.gov and only over HTTPS with a valid certificate.

    Args:
        *handlers: in place of the default ones of their kind, for instance for a proxy.
    """
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class SameHost(HTTPRedirectHandler):
        def redirect_request(
            self, req: Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
        ) -> Request | None:
            target = urlsplit(newurl)
            if target.scheme != "https" or target.netloc != HOST:
                raise InputError(
                    f"the server sends us on to another host, {target.scheme}://{target.netloc}",
                    where=req.full_url,
                    allowed=[f"https://{HOST}"],
                    remedy=OWN_COPY,
                )
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    return build_opener(SameHost, *handlers)


def _fetch(download: Download, into: Path, checksum: str | None, opener: "OpenerDirector") -> dict[str, Any]:
    """Download one archive and unpack its files; what the lock says of it, but for `checked`."""
    with tempfile.TemporaryDirectory(prefix="osler-fetch-") as folder:
        archive = Path(folder) / "archive.zip"
        digest = _receive(download.url, archive, opener)
        if checksum is not None and digest != checksum:
            raise InputError(
                f"what was downloaded is another file: its SHA-256 is {digest}, not {checksum}",
                where=download.url,
                remedy=f"if CMS has replaced the file and you trust it, give this SHA-256 for "
                f"{download.name}; else {OWN_COPY}",
            )
        return {"url": download.url, "sha256": digest, "files": _unpack(download, archive, into)}


def _receive(url: str, archive: Path, opener: "OpenerDirector") -> str:
    """Write what a URL holds to a file; its SHA-256."""
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request

    digest, received = hashlib.sha256(), 0
    try:
        with opener.open(Request(url, headers={"User-Agent": "osler"}), timeout=_SECONDS) as answer:
            length = answer.headers.get("Content-Length")
            total = int(length) if length else None
            with archive.open("wb") as file, bar(f"fetching {url}", total=total) as step:
                while block := answer.read(_BLOCK):
                    received += len(block)
                    if received > _MOST_BYTES:
                        raise InputError(
                            f"the answer is longer than {_MOST_BYTES:,} bytes", where=url, remedy=OWN_COPY
                        )
                    digest.update(block)
                    file.write(block)
                    step(len(block))
    except HTTPError as error:
        raise InputError(
            f"the server answers {error.code} {error.reason}", where=url, remedy=OWN_COPY
        ) from error
    except (OSError, HTTPException) as error:
        raise InputError(
            f"the file cannot be fetched: {getattr(error, 'reason', None) or error}",
            where=url,
            remedy=f"try again on a machine with a network, or {OWN_COPY}",
        ) from error
    if total is not None and received != total:
        raise InputError(
            f"only a part of the file came: {received:,} of {total:,} bytes",
            where=url,
            remedy=f"try again, or {OWN_COPY}",
        )
    return digest.hexdigest()


def _unpack(download: Download, archive: Path, into: Path) -> dict[str, str]:
    """Take the named files out of an archive; name -> SHA-256."""
    try:
        with zipfile.ZipFile(archive) as packed:
            inside = {Path(info.filename).name: info for info in packed.infolist()}
            found = {member: fnmatch.filter(sorted(inside), member) for member in download.members}
            absent = [member for member, names in found.items() if len(names) != 1]
            if absent:
                raise InputError(
                    f"the archive has {len(found[absent[0]])} files {absent[0]}, not one",
                    where=download.url,
                    allowed=sorted(inside),
                    remedy=OWN_COPY,
                )
            names = [name for (name,) in found.values()]
            if sum(inside[name].file_size for name in names) > _MOST_UNPACKED:
                raise InputError(
                    f"the files in the archive are longer than {_MOST_UNPACKED:,} bytes",
                    where=download.url,
                    remedy=OWN_COPY,
                )
            contents = {name: packed.read(inside[name]) for name in names}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(
            "what was downloaded is no whole zip archive", where=download.url, remedy=OWN_COPY
        ) from error
    for name, data in contents.items():
        write_bytes(into / name, data)
    return {name: hash_bytes(data) for name, data in contents.items()}


def _all_there(into: Path, entry: dict[str, Any]) -> bool:
    """Whether the files of a locked download are in the folder; a changed one is an error."""
    paths = [into / name for name in entry["files"]]
    check_lock([path for path in paths if path.is_file()])
    return all(path.is_file() for path in paths)
