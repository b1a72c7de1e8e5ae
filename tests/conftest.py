"""Fixtures for every room."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from osler.base.offline import go_offline

go_offline()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: $OSLER_DATA, else shared/data beside the repository; skipped when absent."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("OSLER_DATA", beside))
    if not folder.is_dir():
        pytest.skip("real data is not here: set OSLER_DATA to its folder")
    return folder


@dataclass(frozen=True)
class Told:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


@pytest.fixture
def osler(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Told]:
    """Run an `osler` command line in this process: `osler("label", dataset, "mortality", "-o", out)`."""
    from osler.cli.main import main

    def call(*words: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["osler", *map(str, words)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        said = capsys.readouterr()
        return Told(code, said.out, said.err)

    return call


@pytest.fixture
def start_server() -> Iterator[Callable[[str], str]]:
    """Starts `tests/models/embedding_server.py` with a fault and gives its address, `http://127.0.0.1:PORT`."""
    running: list[subprocess.Popen[str]] = []
    script = str(Path(__file__).parent / "models" / "embedding_server.py")

    def start(fault: str) -> str:
        process = subprocess.Popen([sys.executable, script, fault], stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        return f"http://127.0.0.1:{process.stdout.readline().strip()}"

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
