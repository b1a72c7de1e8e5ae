"""The bookkeeping of a run: what is redone, what is removed, and what a kill in between leaves."""

from pathlib import Path

import pytest

from osler.base.output import Output
from osler.study.steps import Steps


def work(text: str):
    def make(folder: Path) -> None:
        with Output(folder, key=text) as part:
            (part / "a.txt").write_text(text)

    return make


def test_steps_that_a_study_no_longer_has_are_removed(tmp_path: Path) -> None:
    first = Steps(tmp_path)
    for name in ("dataset", "predictions/old", "predictions/kept", "phenotypes/old/counts"):
        first.do(name, {}, work(name))
    second = Steps(tmp_path)
    second.do("dataset", {}, work("dataset"))
    second.do("predictions/kept", {}, work("predictions/kept"))
    second.clear_others()
    assert second.skipped == ["dataset", "predictions/kept"]
    assert sorted(entry.name for entry in tmp_path.iterdir() if not entry.name.startswith(".")) == [
        "dataset",
        "predictions",
        "timings.json",
    ]
    assert [entry.name for entry in (tmp_path / "predictions").iterdir()] == ["kept"]
    assert set(second.timings()) == {"dataset", "predictions/kept"}


def test_a_folder_half_removed_is_not_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Steps(tmp_path).do("texts/main", {"budget": 1}, work("one"))

    def killed(folder: Path) -> None:
        (folder / "a.txt").unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("osler.study.steps.shutil.rmtree", killed)
    with pytest.raises(KeyboardInterrupt):
        Steps(tmp_path).do("texts/main", {"budget": 2}, work("two"))
    monkeypatch.undo()
    folder = Steps(tmp_path).do("texts/main", {"budget": 1}, work("one"))
    assert (folder / "a.txt").read_text() == "one"
