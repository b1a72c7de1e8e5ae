"""An ingest that is broken off anywhere goes on and ends with the same bytes; half a dataset never opens."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mapping_support import events_of, spec_of, write_table

from osler.base.errors import InputError
from osler.base.hashing import hash_bytes
from osler.record.dataset import open_dataset
from osler.record.mapping.ingest import ingest_source
from osler.record.mapping.options import IngestOptions
from osler.record.mapping.source import Source
from osler.record.sources import ingest

SPEC = """
subjects: {table: people, id: person}
tables:
  people:
    required: true
    subject: person
    time: static
    availability: at once
    events: [{code: "GENDER//{sex}", section: demographics}]
  values:
    subject: person
    time: taken
    availability: at once
    events: [{code: "LAB//{item}", number: value, unit: mg, section: labs}]
"""


class BrokenOffError(BaseException):
    """Stands for a kill: nothing of ours catches it."""


@contextmanager
def broken_off_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[list[int]]:
    """Break off before the step-th time that a file or folder is moved into its place."""
    moves = [0]
    replace = Path.replace

    def counted(self: Path, target: Path) -> Path:
        moves[0] += 1
        if moves[0] == step:
            raise BrokenOffError
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted)
        yield moves


def bytes_of(out: Path) -> dict[str, str]:
    """Hash of every file, the time of making left out."""
    return {
        path.relative_to(out).as_posix(): hash_bytes(
            re.sub(rb'"created_at": "[^"]*"', b"", path.read_bytes())
        )
        for path in sorted(out.rglob("*"))
        if path.is_file()
    }


def sources(folder: Path) -> tuple[Path, Path]:
    people = [{"person": str(n), "sex": "F"} for n in range(1, 30)]
    values = [
        {
            "person": str(n % 29 + 1),
            "taken": f"2020-01-{n % 28 + 1:02d} 08:00:00",
            "item": "a",
            "value": str(n),
        }
        for n in range(200)
    ]
    for name, rows in (("one", values[:120]), ("two", values[120:])):
        write_table(folder / name, "people", people)
        write_table(folder / name, "values", rows)
    return folder / "one", folder / "two"


def run(folder: Path, out: Path) -> dict[str, Any]:
    source = Source("tables", "test", folder, spec_of(SPEC), "spec", IngestOptions())
    return ingest_source(source, out)


def append(folder: Path, spec: Path, out: Path) -> dict[str, Any]:
    return ingest("tables", folder, spec, out, append=True)


@pytest.fixture(autouse=True)
def _many_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osler.record.mapping.job.EVENTS_PER_SHARD", 60)


def opens_as(out: Path) -> dict[str, str] | None:
    """The events files of a folder that opens; None where it is refused."""
    try:
        dataset = open_dataset(out)
    except InputError:
        return None
    return {shard.name: hash_bytes(shard.path.read_bytes()) for shard in dataset.shards}


def test_breaking_off_at_every_step_and_going_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = sources(tmp_path)
    with broken_off_at(monkeypatch, 0) as moves:
        run(first, tmp_path / "whole")
    whole, events = bytes_of(tmp_path / "whole"), opens_as(tmp_path / "whole")
    assert moves[0] > 12
    for step in range(1, moves[0] + 1):
        out = tmp_path / f"out-{step}"
        with broken_off_at(monkeypatch, step), pytest.raises(BrokenOffError):
            run(first, out)
        assert opens_as(out) in (None, events), step
        run(first, out)
        assert bytes_of(out) == whole, step


def test_breaking_off_an_append_leaves_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sources(tmp_path)
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)

    def start(name: str) -> Path:
        run(first, tmp_path / name)
        return tmp_path / name

    with broken_off_at(monkeypatch, 0) as moves:
        start("whole")
    before = moves[0]
    old = opens_as(tmp_path / "whole")
    with broken_off_at(monkeypatch, 0) as moves:
        append(second, spec, tmp_path / "whole")
    whole, new = bytes_of(tmp_path / "whole"), opens_as(tmp_path / "whole")
    assert moves[0] > 15
    assert before
    for step in range(1, moves[0] + 1):
        out = start(f"out-{step}")
        with broken_off_at(monkeypatch, step), pytest.raises(BrokenOffError):
            append(second, spec, out)
        assert opens_as(out) in (None, old, new), step
        append(second, spec, out)
        assert bytes_of(out) == whole, step


def test_a_killed_process_goes_on(tmp_path: Path) -> None:
    first, _ = sources(tmp_path)
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC)
    code = """
import os, signal, sys
import osler.record.mapping.job as job
write = job.write_shard
def killed(part, name, *rest):
    if name == "0001" and sys.argv[-1] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    return write(part, name, *rest)
job.write_shard = killed
job.EVENTS_PER_SHARD = 60
from pathlib import Path
from osler.record.sources import ingest
ingest("tables", sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
"""
    command = [sys.executable, "-c", code, str(first), str(spec), str(tmp_path / "out")]
    killed = subprocess.run([*command, "kill"], capture_output=True, check=False, env={**os.environ})
    assert killed.returncode == -signal.SIGKILL
    assert opens_as(tmp_path / "out") is None
    again = subprocess.run([*command, "go on"], capture_output=True, check=False, text=True)
    assert again.returncode == 0, again.stderr
    run(first, tmp_path / "whole")
    assert len(events_of(tmp_path / "out")) == len(events_of(tmp_path / "whole"))
    assert opens_as(tmp_path / "out") == opens_as(tmp_path / "whole")
