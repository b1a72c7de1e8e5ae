"""The folder: the same bytes for the same seed, whatever the workers and interruptions; and the command."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.base.hashing import hash_file
from osler.base.output import manifest_key
from osler.cli.simulate import command
from osler.simulate import simulate as module
from osler.simulate.settings import CAUSES, SimulateSettings, parse_causes
from osler.simulate.simulate import SimulateSummary, simulate, truth_folder

SMALL = SimulateSettings(subjects=130, block=40, hospitals=3, causes={"mechanism": 0.0})
VOLATILE = ("dataset.json", "manifest.json")  # they hold the time of making


def bytes_of(folder: Path) -> dict[str, str]:
    files = [path for root in (folder, truth_folder(folder)) for path in root.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder.parent).as_posix(): hash_file(path)
        for path in sorted(files)
        if path.name not in VOLATILE
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SimulateSummary]:
    folder = tmp_path_factory.mktemp("one") / "dataset"
    return folder, simulate(folder, settings=SMALL, workers=1)


def test_workers_do_not_change_the_bytes(made: tuple[Path, SimulateSummary], tmp_path: Path) -> None:
    summary = simulate(tmp_path / "dataset", settings=SMALL, workers=3)
    assert bytes_of(tmp_path / "dataset") == bytes_of(made[0])
    assert len(bytes_of(made[0])) > 8
    first, second = made[1].plain(), summary.plain()
    for name in first:
        assert name in ("dataset", "truth") or first[name] == second[name]


def test_another_seed_gives_other_patients(made: tuple[Path, SimulateSummary], tmp_path: Path) -> None:
    other = SMALL.model_copy(update={"seed": 1})
    simulate(tmp_path / "dataset", settings=other)
    names = "dataset/data/0.parquet"
    assert bytes_of(tmp_path / "dataset")[names] != bytes_of(made[0])[names]


def test_a_finished_simulation_is_not_redone(
    made: tuple[Path, SimulateSummary], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "make_block", None)
    assert simulate(made[0], settings=SMALL) == made[1]


def test_a_killed_simulation_goes_on(
    made: tuple[Path, SimulateSummary], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dataset"
    original = module.make_block
    calls: list[int] = []

    def killed(settings: SimulateSettings, hospitals: object, block: int, subjects: int) -> object:
        if block == 2:
            raise KeyboardInterrupt
        calls.append(block)
        return original(settings, hospitals, block, subjects)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "make_block", killed)
    with pytest.raises(KeyboardInterrupt):
        simulate(folder, settings=SMALL, workers=1)
    assert manifest_key(folder) is None

    def counted(settings: SimulateSettings, hospitals: object, block: int, subjects: int) -> object:
        calls.append(block)
        return original(settings, hospitals, block, subjects)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "make_block", counted)
    simulate(folder, settings=SMALL, workers=1)
    assert calls == [0, 1, 2, 3]
    assert bytes_of(folder) == bytes_of(made[0])


@pytest.mark.parametrize("lost", ["dataset", "truth/dataset"])
def test_a_lost_half_is_made_again(made: tuple[Path, SimulateSummary], tmp_path: Path, lost: str) -> None:
    import shutil

    folder = tmp_path / "dataset"
    simulate(folder, settings=SMALL)
    shutil.rmtree(tmp_path / lost)
    simulate(folder, settings=SMALL)
    assert bytes_of(folder) == bytes_of(made[0])


def test_other_settings_need_another_folder(made: tuple[Path, SimulateSummary]) -> None:
    with pytest.raises(InputError, match="other input or options"):
        simulate(made[0], settings=SMALL.model_copy(update={"seed": 5}))


def test_an_old_truth_is_replaced_but_nothing_else(tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "dataset"
    simulate(folder, settings=SMALL)
    shutil.rmtree(folder)  # as a study does when its settings change
    other = SMALL.model_copy(update={"subjects": 20})
    simulate(folder, settings=other)
    assert json.loads((truth_folder(folder) / "settings.json").read_text())["subjects"] == 20
    begun = tmp_path / "truth" / "begun"
    (begun / ".part-0123456789abcdef").mkdir(parents=True)  # left behind by a killed run with other settings
    simulate(tmp_path / "begun", settings=other)
    assert not list(begun.glob(".part-*"))
    precious = tmp_path / "truth" / "mine"
    precious.mkdir()
    (precious / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        simulate(tmp_path / "mine", settings=SMALL)
    assert (precious / "thesis.txt").read_text() == "mine"


def test_the_truth_never_lies_inside_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be called 'truth'"):
        simulate(tmp_path / "truth", settings=SMALL)


def test_summary_counts_what_is_there(made: tuple[Path, SimulateSummary]) -> None:
    import polars as pl

    folder, summary = made
    assert summary.subjects == 130
    assert summary.events == pl.scan_parquet(folder / "data" / "*.parquet").select(pl.len()).collect().item()
    outcomes = pl.read_parquet(truth_folder(folder) / "outcomes.parquet")
    assert summary.stays == outcomes.height
    assert summary.mortality == pytest.approx(outcomes["death"].mean(), abs=1e-6)
    assert summary.readmission == pytest.approx(outcomes["readmission"].mean(), abs=1e-6)


def test_events_are_met_nearly(tmp_path: Path) -> None:
    settings = SimulateSettings(events=100_000, block=100, causes={"mechanism": 0.0})
    summary = simulate(tmp_path / "dataset", settings=settings)
    assert abs(summary.events / 100_000 - 1) < 0.15


def run(*arguments: str) -> tuple[int, str, BaseException | None]:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.exception


def test_command_prints_one_json_object(tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    code, text, _ = run("-o", str(out), "--subjects", "60", "--hospitals", "2", "--only", "coding", "--json")
    assert code == 0
    summary = json.loads(text)
    assert summary["subjects"] == 60
    assert summary["causes"] == {name: 1.0 if name == "coding" else 0.0 for name in CAUSES}
    assert (out / "data").is_dir()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cause", "luck=1"], "note_style"),
        (["--only", "luck"], "note_style"),
        (["--cause", "coding=4"], "0 to 3"),
        (["--cause", "coding"], "0 to 3"),
        (["--subjects", "5", "--events", "5"], "both given"),
        (["--hospitals", "0"], "hospitals"),
        (["--workers", "0"], "workers"),
    ],
)
def test_command_refuses_wrong_options(tmp_path: Path, arguments: list[str], words: str) -> None:
    code, _, error = run("-o", str(tmp_path / "d"), *arguments)
    assert code != 0
    assert isinstance(error, InputError)
    assert words in str(error)
    assert not (tmp_path / "d").exists()


def test_causes_from_options() -> None:
    assert parse_causes([]) == dict.fromkeys(CAUSES, 1.0)
    assert parse_causes(["coding=2"], only="case_mix") == dict.fromkeys(CAUSES, 0.0) | {
        "case_mix": 1,
        "coding": 2,
    }
    assert SimulateSettings(causes={"coding": 2}).causes == dict.fromkeys(CAUSES, 1.0) | {"coding": 2.0}
