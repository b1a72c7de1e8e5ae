"""Result folders are whole or resumable."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from osler.base.errors import InputError
from osler.base.files import write_json
from osler.base.output import MANIFEST, Output, changed_files, content_hash, manifest_key


def _make(folder: Path, key: str = "k" * 20, **texts: str) -> None:
    with Output(folder, key=key) as part:
        for name, text in texts.items():
            (part / name).write_text(text)


def test_a_finished_folder_is_sealed_and_complete(tmp_path: Path) -> None:
    _make(tmp_path / "out", a="1", b="2")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b", MANIFEST]
    assert Output(tmp_path / "out", key="k" * 20).complete
    assert manifest_key(tmp_path / "out") == "k" * 20


def test_an_existing_empty_folder_is_fine(tmp_path: Path) -> None:
    _make(tmp_path, a="1")
    assert (tmp_path / "a").read_text() == "1"


def test_other_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("x")
    with pytest.raises(InputError, match="other files"):
        Output(tmp_path, key="k")
    assert (tmp_path / "theirs").read_text() == "x"


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with (
        pytest.raises(InputError, match="cannot be made") as caught,
        Output(tmp_path / "file" / "out", key="k"),
    ):
        pass
    assert str(tmp_path / "file" / "out") in str(caught.value)


def test_the_result_of_other_input_is_told_from_foreign_files(tmp_path: Path) -> None:
    _make(tmp_path / "out", key="old", a="1")
    with pytest.raises(InputError, match="other input or options"):
        Output(tmp_path / "out", key="new")


def test_replace_empties_a_folder_of_ours(tmp_path: Path) -> None:
    _make(tmp_path / "out", key="old", a="1")
    with Output(tmp_path / "out", key="new", replace=True) as part:
        (part / "b").write_text("2")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b", MANIFEST]


def test_an_error_leaves_the_part_for_the_next_try(tmp_path: Path) -> None:
    def fail() -> None:
        with Output(tmp_path / "out", key="k") as part:
            (part / "shard").write_text("done")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    job = Output(tmp_path / "out", key="k")
    assert not job.complete
    with job as part:
        assert (part / "shard").read_text() == "done"


def test_refused_input_leaves_the_folder_to_the_mended_one(tmp_path: Path) -> None:
    for key in ("wrong", "mended"):
        with contextlib.suppress(InputError), Output(tmp_path / "out", key=key, forget_refused=True) as part:
            (part / "a").write_text("a")
            if key == "wrong":
                raise InputError("wrong")
        assert (tmp_path / "out").exists() == (key == "mended")
    assert Output(tmp_path / "out", key="mended").complete


def test_unfinished_work_of_another_command_is_called_so(tmp_path: Path) -> None:
    job = Output(tmp_path / "out", key="one", forget_refused=True)
    with contextlib.suppress(KeyboardInterrupt), job as part:
        (part / "shard").write_text("done")
        raise KeyboardInterrupt
    with pytest.raises(InputError, match="unfinished work of another command"):
        Output(tmp_path / "out", key="two")
    assert (tmp_path / "out" / ".part-one").exists()


def test_a_failed_job_that_finished_no_file_leaves_nothing(tmp_path: Path) -> None:
    with contextlib.suppress(InputError), Output(tmp_path / "out", key="one") as part:
        (part / ".scratch").mkdir()
        (part / ".scratch" / "half").write_text("half")
        raise InputError("no such weights")
    assert not (tmp_path / "out").exists()
    Output(tmp_path / "out", key="two")


def test_a_kill_during_the_move_is_mended(tmp_path: Path) -> None:
    """A process that dies between two renames leaves a sealed part; the next one finishes the move."""
    script = """
import os, sys
from pathlib import Path
from osler.base.output import Output
real, moved = Path.replace, []
def replace(self, target):
    if moved and ".part-" in str(self.parent):
        os._exit(9)
    if ".part-" in str(self.parent) and ".part-" not in str(target):
        moved.append(target)
    return real(self, target)
Path.replace = replace
with Output(Path(sys.argv[1]), key="k") as part:
    for name in "abc":
        (part / name).write_text(name)
"""
    folder = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", script, str(folder)], env={**os.environ}, check=False)
    assert done.returncode == 9
    assert manifest_key(folder) is None
    assert Output(folder, key="k").complete
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b", "c", MANIFEST]


def test_changed_files_are_found(tmp_path: Path) -> None:
    _make(tmp_path / "out", a="1", b="2")
    assert changed_files(tmp_path / "out") == []
    (tmp_path / "out" / "a").write_text("other")
    (tmp_path / "out" / "b").unlink()
    assert changed_files(tmp_path / "out") == ["a", "b"]


def test_content_hash_does_not_depend_on_the_manifest(tmp_path: Path) -> None:
    _make(tmp_path / "out", a="1")
    sealed = content_hash(tmp_path / "out")
    (tmp_path / "out" / MANIFEST).unlink()
    assert content_hash(tmp_path / "out") == sealed


def test_leftovers_of_killed_writers_are_not_kept(tmp_path: Path) -> None:
    with Output(tmp_path / "out", key="k") as part:
        (part / "a").write_text("1")
        (part / ".a.123.part").write_text("half")
    assert list(json.loads((tmp_path / "out" / MANIFEST).read_text())["files"]) == ["a"]


def test_the_time_of_making_is_no_part_of_the_manifest(tmp_path: Path) -> None:
    for name, time, kind in (("a", "2026-01-01", "x"), ("b", "2027-02-02", "x"), ("c", "2026-01-01", "y")):
        with Output(tmp_path / name, key="k") as part:
            write_json(part / "dataset.json", {"created_at": time, "kind": kind})
    manifests = [(tmp_path / name / MANIFEST).read_bytes() for name in "abc"]
    assert manifests[0] == manifests[1] != manifests[2]
    assert changed_files(tmp_path / "b") == []
