"""A killed run goes on and ends with the same bytes as an undisturbed one; a finished step is not redone."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STUDY = """
osler: 1
name: small
dataset: {simulate: {subjects: 260, hospitals: 3, seed: 5}}
tasks:
  readmission: {use: readmission}
splits: {scheme: kfold, folds: 2, repeats: 1}
texts: {main: {style: list-recent, budget: 256}}
representations:
  counts: {kind: counts}
  statements: {kind: statement, text: main, encoder: minilm, pool: idf}
  document: {kind: document, text: main, encoder: minilm}
predict: {heads: [lr], compare_to: counts+lr}
phenotype: {arms: [kmeans], k: [2, 3], bootstraps: 5, references: 19, compare: {order: 20}}
"""
VOLATILE = {"environment.json", "timings.json"}
# Where the run is killed: the line of progress that is waited for, and how many seconds later.
KILLS = (
    ("dataset ...", 0.05),
    ("texts/main ...", 0.02),
    ("vectors/statements ...", 2.5),
    ("vectors/document ...", 3.0),
    ("predictions/readmission ...", 0.3),
    ("phenotypes/readmission/counts ...", 0.1),
    ("phenotypes/readmission/compare ...", 2.0),
)


def _start(study: Path, out: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-c",
        "from osler.cli.main import main; main()",
        "run",
        str(study),
        "-o",
        str(out),
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _finish(study: Path, out: Path) -> tuple[str, str]:
    process = _start(study, out)
    told, progress = process.communicate(timeout=300)
    assert process.returncode == 0, progress
    return told, progress


def _kill_at(study: Path, out: Path, line: str, delay: float) -> None:
    process = _start(study, out)
    assert process.stderr is not None
    for said in process.stderr:
        if said.strip() == line:
            time.sleep(delay)
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _bytes(run: Path) -> dict[str, str]:
    """Hash of every file but the volatile ones, with times of making and of running left out."""
    hashes = {}
    for path in sorted(run.rglob("*")):
        name = path.relative_to(run).as_posix()
        if not path.is_file() or name in VOLATILE:
            continue
        data = path.read_bytes()
        if path.name == "dataset.json":
            data = re.sub(rb'"created_at": "[^"]*"', b"", data)
        if path.suffix == ".html":
            data = re.sub(rb"(?s)<!-- osler:timings -->.*?<!-- /osler:timings -->", b"", data)
        hashes[name] = hashlib.sha256(data).hexdigest()
    return hashes


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("resume")
    study = folder / "study.yaml"
    study.write_text(STUDY)
    _finish(study, folder / "undisturbed")
    return study, folder / "undisturbed"


def test_killing_and_resuming_ends_with_the_same_bytes(
    undisturbed: tuple[Path, Path], tmp_path: Path
) -> None:
    study, whole = undisturbed
    for line, delay in KILLS:
        _kill_at(study, tmp_path / "killed", line, delay)
    _finish(study, tmp_path / "killed")
    assert _bytes(tmp_path / "killed") == _bytes(whole)


def test_a_finished_step_is_not_redone(undisturbed: tuple[Path, Path]) -> None:
    study, whole = undisturbed
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*.parquet") if path.parent != whole}
    told, progress = _finish(study, whole)
    assert re.search(r"steps done +0\b", told)
    assert " ..." not in progress
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_files_with_subjects_and_vectors_are_for_their_owner_only(undisturbed: tuple[Path, Path]) -> None:
    _, whole = undisturbed
    private = [whole / "splits.parquet"]
    for pattern in ("texts/*/*/*", "vectors/*/*/*", "cache/**/*", "predictions/*/*/data.parquet"):
        found = [path for path in whole.glob(pattern) if path.is_file()]
        assert found, pattern
        private += found
    assert [str(path) for path in private if path.stat().st_mode & 0o077] == []


def test_a_changed_setting_redoes_what_depends_on_it_only(
    undisturbed: tuple[Path, Path], tmp_path: Path
) -> None:
    study, whole = undisturbed
    changed = tmp_path / "study.yaml"
    changed.write_text(study.read_text().replace("k: [2, 3]", "k: [2, 4]"))
    _, progress = _finish(changed, whole)
    redone = {line.split(" ...")[0] for line in progress.splitlines() if line.endswith(" ...")}
    names = ("counts", "statements", "document", "compare")
    assert redone == {f"phenotypes/readmission/{name}" for name in names}
