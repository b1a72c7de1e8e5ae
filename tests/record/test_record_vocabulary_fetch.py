"""Fetching against a server that the test starts: what is not the very file is refused and leaves nothing."""

import http.client
import io
import json
import shutil
import socket
import ssl
import subprocess
import threading
import zipfile
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler

import polars as pl
import pytest

from osler.base.errors import InputError
from osler.record.vocabulary import fetch_vocabulary, open_vocabulary
from osler.record.vocabulary.downloads import HOST, downloads_of
from osler.record.vocabulary.fetch import OWN_COPY, secure_opener

DX = b"0010  Gray plague\n41401 Friedl\xe4nder's vessel\nV4581 Twig bypass\n"
SG = b"0001 Sound of twigs\n3615 Twig graft\n"
PCS = b"00001 001     0 Head, Bypass" + b" " * 49 + b"Central Twigs, Bypass\n" + (
    b"00002 0016070 1 Bypass A" + b" " * 53 + b"Bypass Twig to Branch\n"
)  # fmt: skip


def packed(*, level=9, **members):
    """The bytes of a zip archive; at level 0 the members stand in it as they are."""
    buffer = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_txt", ".txt"), data)
    return buffer.getvalue()


ICD9 = packed(CMS32_DESC_LONG_DX_txt=DX, Codes__CMS32_DESC_LONG_SG_txt=SG, readme_txt=b"nothing")
ICD9_SHA = {"icd9cm-32": sha256(ICD9).hexdigest()}


class Server:
    """A server of planned answers by path: bytes, a status, (a wrong length, bytes) or a place to go to."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                answer = outer.answers.get(self.path, 404)
                if isinstance(answer, int):
                    self.send_error(answer)
                    return
                if isinstance(answer, str):
                    self.send_response(302)
                    self.send_header("Location", answer)
                    self.end_headers()
                    return
                length, body = answer if isinstance(answer, tuple) else (len(answer), answer)
                self.send_response(200)
                if length is not None:
                    self.send_header("Content-Length", str(length))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                """Say nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def plan(self, name, answer):
        (download,) = downloads_of((name,))
        self.answers[urlsplit(download.url).path] = answer

    def opener(self):
        """An opener that reaches this server, without TLS, for every https URL."""
        port = self.port

        class Here(http.client.HTTPConnection):
            def connect(self):
                self.sock = socket.create_connection(("127.0.0.1", port), timeout=10)

        class Handler(HTTPSHandler):
            def https_open(self, request):
                return self.do_open(Here, request)

        return secure_opener(Handler())


@pytest.fixture
def server():
    started = Server()
    yield started
    started.http.shutdown()
    started.http.server_close()


def names_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else None


def test_what_was_fetched_is_opened_and_not_fetched_again(tmp_path, server):
    server.plan("icd9cm-32", ICD9)
    into = tmp_path / "vocabulary"
    paths = fetch_vocabulary(["icd9cm"], into, sha256=ICD9_SHA, opener=server.opener())
    assert [path.name for path in paths] == ["CMS32_DESC_LONG_DX.txt", "CMS32_DESC_LONG_SG.txt"]
    assert [path.read_bytes() for path in paths] == [DX, SG]
    assert names_in(into) == ["CMS32_DESC_LONG_DX.txt", "CMS32_DESC_LONG_SG.txt", "vocabulary.lock.json"]
    lock = json.loads((into / "vocabulary.lock.json").read_text())["downloads"]["icd9cm-32"]
    assert lock["url"].startswith("https://www.cms.gov/")
    assert lock["sha256"] == ICD9_SHA["icd9cm-32"]
    assert lock["checked"] == "the checksum given"
    assert lock["files"] == {path.name: sha256(path.read_bytes()).hexdigest() for path in paths}

    vocabulary = open_vocabulary(into)
    assert vocabulary.describe(pl.Series(["ICD9CM/414.01", "ICD9PROC/36.15"])).rows() == [
        ("ICD9CM/414.01", "Friedländer's vessel"),
        ("ICD9PROC/36.15", "Twig graft"),
    ]
    assert vocabulary.unknown == ()
    assert fetch_vocabulary(["icd9cm"], into, sha256=ICD9_SHA, opener=server.opener()) == paths
    assert len(server.asked) == 1


def test_the_pinned_checksum_refuses_another_archive(tmp_path, server):
    server.plan("icd9cm-32", ICD9)
    with pytest.raises(InputError, match="another file: its SHA-256 is") as caught:
        fetch_vocabulary(["icd9cm"], tmp_path / "v", opener=server.opener())
    assert ICD9_SHA["icd9cm-32"] in str(caught.value)
    assert downloads_of(("icd9cm",))[0].sha256 in str(caught.value)
    assert OWN_COPY in caught.value.remedy
    assert names_in(tmp_path / "v") is None


def test_without_a_pin_the_first_download_is_kept_to(tmp_path, server):
    archive = packed(Folder__icd10pcs_order_2027_txt=PCS, order_addenda_2027_txt=b"Add: nothing")
    server.plan("icd10pcs-2027", archive)
    fetch_vocabulary(["icd10pcs-2027"], tmp_path, opener=server.opener())
    lock = json.loads((tmp_path / "vocabulary.lock.json").read_text())["downloads"]["icd10pcs-2027"]
    assert lock["checked"] == "the first download"
    assert lock["sha256"] == sha256(archive).hexdigest()

    (tmp_path / "icd10pcs_order_2027.txt").unlink()
    fetch_vocabulary(["icd10pcs-2027"], tmp_path, opener=server.opener())
    assert (tmp_path / "icd10pcs_order_2027.txt").read_bytes() == PCS

    (tmp_path / "icd10pcs_order_2027.txt").unlink()
    server.plan("icd10pcs-2027", packed(icd10pcs_order_2027_txt=PCS + b"\n"))
    with pytest.raises(InputError, match="another file"):
        fetch_vocabulary(["icd10pcs-2027"], tmp_path, opener=server.opener())
    assert names_in(tmp_path) == ["vocabulary.lock.json"]
    given = {"icd10pcs-2027": sha256(server.answers[urlsplit(lock["url"]).path]).hexdigest().upper()}
    fetch_vocabulary(["icd10pcs-2027"], tmp_path, sha256=given, opener=server.opener())
    assert (tmp_path / "icd10pcs_order_2027.txt").read_bytes() == PCS + b"\n"


def test_a_fetched_file_that_changed_is_refused_everywhere(tmp_path, server):
    server.plan("icd9cm-32", ICD9)
    paths = fetch_vocabulary(["icd9cm"], tmp_path, sha256=ICD9_SHA, opener=server.opener())
    paths[1].write_bytes(SG + b"3616 Twig\n")
    for use in (
        lambda: open_vocabulary(tmp_path),
        lambda: open_vocabulary(paths[1]),
        lambda: open_vocabulary(tmp_path.parent),
        lambda: fetch_vocabulary(["icd9cm"], tmp_path, sha256=ICD9_SHA, opener=server.opener()),
    ):
        with pytest.raises(InputError, match="has changed since it was fetched") as caught:
            use()
        assert caught.value.where.endswith("CMS32_DESC_LONG_SG.txt")
    assert open_vocabulary(paths[0]).unknown == ()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (404, "the server answers 404 Not Found"),
        (500, "the server answers 500"),
        ((len(ICD9) + 5, ICD9), "only a part of the file came|cannot be fetched"),
        ((len(ICD9), ICD9[:100]), "only a part of the file came|cannot be fetched"),
        ((None, ICD9[:100]), "another file"),
        ("https://elsewhere.example.org/a.zip", "another host, https://elsewhere.example.org"),
        ("http://www.cms.gov/a.zip", "another host, http://www.cms.gov"),
        ("https://www.cms.gov.example.org/a.zip", "another host"),
        ("https://www.cms.gov:444/a.zip", "another host"),
        ("file:///etc/hostname", "is not allowed"),
    ],
)
def test_what_is_not_the_file_is_refused_and_leaves_nothing(tmp_path, server, answer, message):
    server.plan("icd9cm-32", answer)
    with pytest.raises(InputError, match=message) as caught:
        fetch_vocabulary(["icd9cm"], tmp_path / "v", sha256=ICD9_SHA, opener=server.opener())
    assert caught.value.where.startswith("https://www.cms.gov/")
    assert OWN_COPY in caught.value.remedy
    assert names_in(tmp_path / "v") is None


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"<html>Please wait</html>", "no whole zip archive"),
        (packed(CMS32_DESC_LONG_DX_txt=DX), r"the archive has 0 files CMS32_DESC_LONG_SG\.txt, not one"),
        (ICD9[:-30], "no whole zip archive"),
        (ICD9[:80] + bytes(4) + ICD9[84:], "no whole zip archive"),
        (
            packed(level=0, CMS32_DESC_LONG_DX_txt=DX, CMS32_DESC_LONG_SG_txt=SG).replace(
                b"plague", b"plagUe"
            ),
            "no whole zip archive",
        ),
    ],
)
def test_an_archive_without_the_files_is_refused(tmp_path, server, archive, message):
    server.plan("icd9cm-32", archive)
    checksum = {"icd9cm-32": sha256(archive).hexdigest()}
    with pytest.raises(InputError, match=message) as caught:
        fetch_vocabulary(["icd9cm"], tmp_path / "v", sha256=checksum, opener=server.opener())
    assert OWN_COPY in caught.value.remedy
    assert names_in(tmp_path / "v") is None


def test_more_than_an_archive_can_hold_is_refused(tmp_path, server, monkeypatch):
    server.plan("icd9cm-32", ICD9)
    for limit, message in (
        ("_MOST_BYTES", "the answer is longer"),
        ("_MOST_UNPACKED", "the files in the archive"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(f"osler.record.vocabulary.fetch.{limit}", 50)
            with pytest.raises(InputError, match=message):
                fetch_vocabulary(["icd9cm"], tmp_path / "v", sha256=ICD9_SHA, opener=server.opener())
    assert names_in(tmp_path / "v") is None


def test_a_redirect_within_the_host_is_followed(tmp_path, server):
    server.plan("icd9cm-32", f"https://{HOST}/moved.zip")
    server.answers["/moved.zip"] = ICD9
    assert len(fetch_vocabulary(["icd9cm"], tmp_path, sha256=ICD9_SHA, opener=server.opener())) == 2


def test_a_machine_without_network_says_what_to_do(tmp_path, server):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(InputError, match="cannot be fetched") as caught:
        fetch_vocabulary(["icd9cm"], tmp_path / "v", opener=server.opener())
    assert OWN_COPY in caught.value.remedy
    assert names_in(tmp_path / "v") is None


def test_an_earlier_download_stays_when_a_later_one_fails(tmp_path, server):
    server.plan("icd9cm-32", ICD9)
    with pytest.raises(InputError, match="404"):
        fetch_vocabulary(["icd9cm", "icd10pcs-2027"], tmp_path, sha256=ICD9_SHA, opener=server.opener())
    assert names_in(tmp_path) == ["CMS32_DESC_LONG_DX.txt", "CMS32_DESC_LONG_SG.txt", "vocabulary.lock.json"]
    assert open_vocabulary(tmp_path).unknown == ()


def test_unknown_names_and_stray_checksums_are_refused_before_anything_is_asked(tmp_path, server):
    with pytest.raises(InputError, match="nothing to fetch is called 'cpt4'") as caught:
        fetch_vocabulary(["icd9cm", "cpt4"], tmp_path, opener=server.opener())
    assert "icd10cm" in caught.value.allowed
    with pytest.raises(InputError, match="a checksum for 'icd10cm'") as caught:
        fetch_vocabulary(["icd10cm"], tmp_path, sha256={"icd10cm": "00"}, opener=server.opener())
    assert caught.value.allowed == ["icd10cm-2027", "icd10cm-2021", "icd10cm-2018"]
    assert server.asked == []


def test_a_lock_of_another_version_is_refused(tmp_path, server):
    (tmp_path / "vocabulary.lock.json").write_text('{"format_version": 99}')
    with pytest.raises(InputError, match="of another version"):
        fetch_vocabulary(["icd9cm"], tmp_path, opener=server.opener())


def test_every_download_is_of_cms_and_none_of_cpt():
    downloads = downloads_of(("icd10cm", "icd9cm", "icd10pcs"))
    assert len({download.name for download in downloads}) == len(downloads) == 6
    for download in downloads:
        assert download.url.startswith("https://www.cms.gov/")
        assert download.sha256 is None or len(bytes.fromhex(download.sha256)) == 32
        assert download.name.startswith("icd")
    assert [download.name for download in downloads if download.sha256 is None] == ["icd10pcs-2027"]


def test_the_certificate_of_the_server_is_checked(tmp_path, server):
    """A server with a certificate of its own making is refused by default, and served once it is trusted."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here: no certificate can be made")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={HOST}"
    name = ["-addext", f"subjectAltName=DNS:{HOST}"]
    command = [*make.split(), *name, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate, key)
    server.http.socket = own.wrap_socket(server.http.socket, server_side=True)
    server.plan("icd9cm-32", ICD9)
    port = server.port

    class Here(http.client.HTTPSConnection):
        def connect(self):
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            self.sock = self._context.wrap_socket(plain, server_hostname=self.host)

    class Handler(HTTPSHandler):
        def https_open(self, request):
            return self.do_open(Here, request, context=self._context)

    def fetch(into: Path, **trust):
        opener = secure_opener(Handler(**trust))
        return fetch_vocabulary(["icd9cm"], into, sha256=ICD9_SHA, opener=opener)

    with pytest.raises(InputError, match="certificate verify failed"):
        fetch(tmp_path / "v")
    assert names_in(tmp_path / "v") is None
    assert len(fetch(tmp_path / "v", context=ssl.create_default_context(cafile=str(certificate)))) == 2
