"""The doctor finds what was broken on purpose, and nothing where nothing is."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from typer import Typer
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.checks import leakage
from osler.checks.doctor import examine
from osler.checks.place import kind_of
from osler.checks.registry import CHECKS
from osler.cli import doctor
from osler.record.dataset import open_dataset
from osler.record.sources.table import ingest_table
from osler.record.sources.table_spec import TableSpec
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts
from osler.task.label import make_labels, parse_task

DAY = dt.datetime(2020, 1, 1)


def _table(folder: Path, name: str = "dataset") -> Path:
    rows = "".join(f"{i},{i % 7 + 0.5},{'AB'[i % 2]},{int(i % 3 == 0)}\n" for i in range(1, 61))
    (folder / "t.csv").write_text("id,lab,ward,died\n" + rows)
    spec = TableSpec.parse({"subject": "id", "outcome": ["died"], "shard_subjects": 25}, where="spec")
    ingest_table(folder / "t.csv", spec, folder / name)
    return folder / name


@pytest.fixture
def dataset(tmp_path):
    return _table(tmp_path)


@pytest.fixture
def labels(tmp_path, dataset):
    task = parse_task({"use": "outcome", "column": "died"}, where="task")
    make_labels(open_dataset(dataset), tmp_path / "labels", settings=task, name="died")
    return tmp_path / "labels"


@pytest.fixture
def texts(tmp_path, dataset, labels):
    samples = pl.read_parquet(labels / "samples.parquet")
    make_texts(open_dataset(dataset), samples, tmp_path / "texts", settings=TextSettings())
    return tmp_path / "texts"


def _found(report: dict, status: str = "broken") -> list[dict]:
    return [finding for finding in report["findings"] if finding["status"] == status]


def _only(report: dict, check: str, status: str = "broken") -> dict:
    """The finding of that check; it names file and remedy."""
    found = [finding for finding in _found(report, status) if finding["check"] == check]
    assert found, report["findings"]
    assert found[0]["file"]
    assert found[0]["remedy"]
    return found[0]


def _rewrite(path: Path, change) -> None:
    frame = change(pl.read_parquet(path))
    frame.write_parquet(path)


def test_sound_folders_are_ok(dataset, labels, texts):
    for folder, kind in ((dataset, "dataset"), (labels, "labels"), (texts, "texts")):
        report = examine(folder, dataset=dataset)
        assert report["kind"] == kind
        assert report["status"] == "ok", report["findings"]


def test_every_check_is_a_module():
    folder = Path(leakage.__file__).parent
    plumbing = {
        "__init__",
        "doctor",
        "files",
        "finding",
        "leakage",
        "mixed_units",
        "mixture",
        "numbers",
        "place",
    }
    plumbing |= {"registry", "screen", "source", "survey", "zones"}
    assert {path.stem for path in folder.glob("*.py")} - plumbing == set(CHECKS)


def test_a_changed_file_is_found(dataset):
    (dataset / "metadata" / "codes.parquet").unlink()
    report = examine(dataset)
    assert _only(report, "manifest")["count"] == 1
    assert report["status"] == "broken"
    assert _only(report, "dataset_codes", "warning")["count"] == 3


def test_an_unreadable_shard_stops_the_other_checks(dataset):
    shard = dataset / "data" / "0001.parquet"
    data = bytearray(shard.read_bytes())
    data[4:200] = bytes(196)
    shard.write_bytes(bytes(data))
    report = examine(dataset)
    assert {finding["check"] for finding in report["findings"]} == {"dataset_files"}
    assert "0001" in _only(report, "dataset_files")["file"]
    shard.write_bytes(b"no parquet")
    assert "0001" in _only(examine(dataset), "dataset_files")["file"]


@pytest.mark.parametrize(
    ("change", "check", "column", "count"),
    [
        (lambda f: f.reverse(), "dataset_order", "time", None),
        (lambda f: f.with_columns(subject_id=pl.lit(60, pl.Int64)), "dataset_order", "subject_id", 1),
        (lambda f: pl.concat([f, f.head(1)]), "dataset_order", "subject_id", 1),
        (
            lambda f: f.with_columns(numeric_value=pl.lit(float("inf"), pl.Float32)),
            "dataset_order",
            "numeric_value",
            75,
        ),
        (lambda f: f.with_columns(code=pl.lit(None, pl.String)), "dataset_order", "code", 75),
    ],
)
def test_broken_shards_are_found(dataset, change, check, column, count):
    path = dataset / "data" / "0000.parquet"
    before = pl.read_parquet(path).height
    assert before == 75
    _rewrite(path, change)
    found = [finding for finding in _found(examine(dataset)) if finding["check"] == check]
    assert column in [finding["column"] for finding in found]
    assert count is None or count in [finding["count"] for finding in found if finding["column"] == column]


def test_times_without_a_time_of_day_and_null_times(tmp_path):
    times = [DAY + dt.timedelta(days=i) for i in range(10)]
    frame = pl.DataFrame({"subject_id": [1] * 11, "time": [None, *times], "code": "LAB//a"})
    (tmp_path / "data").mkdir()
    frame.cast({"time": pl.Datetime("us")}).write_parquet(tmp_path / "data" / "0.parquet")
    report = examine(tmp_path)
    midnight, timeless = [f for f in report["findings"] if f["check"] == "dataset_times"]
    assert midnight["status"] == timeless["status"] == "warning"
    assert midnight["count"] == 10
    assert timeless["count"] == 1
    assert report["status"] == "warning"


def test_splits_and_permissions(dataset):
    metadata = dataset / "metadata"
    _rewrite(metadata / "subjects.parquet", lambda f: f.with_columns(group_id=pl.lit(1, pl.Int64)))
    (metadata / "subjects.parquet").chmod(0o644)
    _rewrite(
        metadata / "subject_splits.parquet",
        lambda f: pl.concat(
            [
                f.filter(pl.col("subject_id") > 5),
                pl.DataFrame({"subject_id": [999, 5], "split": ["train", "a"]}),
            ]
        ),
    )
    report = examine(dataset)
    broken = [f["what"] for f in _found(report) if f["check"] == "dataset_splits"]
    warned = [f["what"] for f in _found(report, "warning") if f["check"] == "dataset_splits"]
    assert broken == ["persons (group_id) are on several sides"]
    assert warned == ["subjects of the splits that have no events", "subjects without a split"]
    assert _only(report, "privacy", "warning")["count"] == 1


def test_a_subject_in_two_splits(dataset):
    twice = pl.DataFrame({"subject_id": [5, 6], "split": ["a", "b"]})
    _rewrite(dataset / "metadata" / "subject_splits.parquet", lambda f: pl.concat([f, twice]))
    assert _only(examine(dataset), "dataset_splits")["count"] == 2


def test_texts_that_do_not_belong_together(texts):
    shard = next((texts / "statements").iterdir()).name
    _rewrite(texts / "statements" / shard, lambda f: f.tail(-1).with_columns(pl.col("text") + "!"))
    found = [f["what"] for f in _found(examine(texts)) if f["check"] == "texts"]
    assert found == [
        "lines of statements that are not listed",
        "statements whose id is not the hash of their text",
    ]


def test_texts_that_others_can_read(texts):
    assert examine(texts)["status"] == "ok"
    for file in texts.glob("*/*.parquet"):
        file.chmod(0o640)
    assert _only(examine(texts), "privacy", "warning")["count"] == len(list(texts.glob("*/*.parquet"))) == 9


def test_predictions_out_of_range(tmp_path):
    model = tmp_path / "counts+lr"
    model.mkdir()
    frame = pl.DataFrame(
        {
            "subject_id": [1, 2, 2],
            "prediction_time": [DAY] * 3,
            "boolean_value": [True, False, False],
            "predicted_boolean_probability": [0.2, 1.5, float("nan")],
        },
        schema_overrides={"predicted_boolean_probability": pl.Float32, "prediction_time": pl.Datetime("us")},
    )
    frame.write_parquet(model / "data.parquet")
    report = examine(tmp_path)
    assert report["kind"] == "predictions"
    assert [f["count"] for f in _found(report)] == [1, 2]
    frame.head(1).write_parquet(model / "data.parquet")
    assert not _found(examine(tmp_path))
    frame.head(1).with_columns(fold=1).write_parquet(model / "data.parquet")
    assert _only(examine(tmp_path), "predictions")["column"] == "fold"
    # The foreign validator is of the same opinion.
    from flexible_schema import SchemaValidationError
    from meds_evaluation.schema import PredictionSchema

    PredictionSchema.align(frame.to_arrow())
    with pytest.raises(SchemaValidationError):
        PredictionSchema.validate(frame.with_columns(fold=1).to_arrow())


def test_vectors_of_different_lengths(tmp_path):
    (tmp_path / "statement").mkdir()
    (tmp_path / "encoder.json").write_text("{}")
    frame = pl.DataFrame({"statement_id": ["a", "a"], "vector": [[1.0, 2.0], [1.0, float("nan")]]})
    frame.write_parquet(tmp_path / "statement" / "0.parquet")
    pl.DataFrame({"statement_id": ["b"], "vector": [[1.0]]}).write_parquet(
        tmp_path / "statement" / "1.parquet"
    )
    report = examine(tmp_path)
    assert [f["count"] for f in _found(report)] == [1, 1, 2]


def test_a_run_is_examined_with_all_that_is_in_it(tmp_path, dataset, labels, texts):
    run = tmp_path / "run"
    (run / "labels").mkdir(parents=True)
    (run / "texts").mkdir()
    (run / "study.json").write_text("{}")
    dataset.rename(run / "dataset")
    labels.rename(run / "labels" / "died")
    texts.rename(run / "texts" / "main")
    ids = list(range(1, 61))
    splits = pl.DataFrame(
        {"split_id": "r0f0", "subject_id": ids, "split": ["train"] * 30 + ["held_out"] * 30}
    )
    splits.write_parquet(run / "splits.parquet")
    (run / "splits.parquet").chmod(0o600)
    for name in ("metrics.json", "report.html"):
        (run / name).write_text("{}")
    # A table of another kind with a column `code` is not taken for a dataset.
    (run / "table_one").mkdir()
    pl.DataFrame({"code": ["a"], "value": [1]}).write_parquet(run / "table_one" / "died.parquet")
    report = examine(run, leakage=True)
    assert report["kind"] == "run"
    assert report["status"] == "ok", report["findings"]
    assert {finding["place"] for finding in report["findings"]} == {
        str(run / name) for name in ("", "dataset", "labels/died", "texts/main")
    }
    assert [f["what"].split(":")[0] for f in report["findings"] if f["check"] == "leakage"] == [
        "text (list-recent)",
        "counts",
    ]
    pl.concat([splits, splits.with_columns(split=pl.lit("held_out"))]).write_parquet(run / "splits.parquet")
    (run / "report.html").unlink()
    report = examine(run)
    assert _only(report, "run")["count"] == 30
    assert _only(report, "run", "warning")["what"].startswith("report.html")


def test_leakage_needs_the_dataset(labels):
    with pytest.raises(InputError, match="needs the dataset"):
        examine(labels, leakage=True)


def test_a_planted_leak_is_caught(dataset, monkeypatch):
    honest = leakage.make_texts

    def leaky(data, samples, out, *, settings):
        """Sees one day too much."""
        ahead = samples.with_columns(pl.col("prediction_time") + pl.duration(days=1))
        honest(data, ahead, out, settings=settings)

    report = examine(dataset, leakage=True)
    assert report["status"] == "ok", report["findings"]
    monkeypatch.setattr(leakage, "make_texts", leaky)
    assert _only(examine(dataset, leakage=True), "leakage")["what"].startswith("text")
    monkeypatch.setattr(leakage, "make_texts", honest)
    counts = leakage.count_features
    monkeypatch.setattr(
        leakage,
        "count_features",
        lambda data, samples, *, settings: counts(
            data, samples.with_columns(pl.col("prediction_time") + pl.duration(days=1)), settings=settings
        ),
    )
    assert _only(examine(dataset, leakage=True), "leakage")["what"].startswith("counts")


def test_what_is_nothing_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        examine(tmp_path / "nothing")
    with pytest.raises(InputError, match="nothing that Osler knows"):
        examine(tmp_path)
    assert kind_of(tmp_path) is None


def test_the_command_and_its_exit_code(dataset):
    app = Typer()
    app.command()(doctor.command)
    runner = CliRunner()
    good = runner.invoke(app, [str(dataset)])
    assert good.exit_code == 0
    assert good.stdout.startswith(f"{dataset}: dataset, ok")
    (dataset / "data" / "0000.parquet").unlink()
    bad = runner.invoke(app, [str(dataset), "--json"])
    assert bad.exit_code == 3
    assert json.loads(bad.stdout)["n_broken"] >= 1
    told = runner.invoke(app, [str(dataset)]).stdout.splitlines()
    # The worst comes first, with what to do about it.
    assert told[1].startswith("broken   manifest")
    words = [line.split()[0] for line in told]
    assert words.index("broken") < words.index("remedy") < words.index("warning") < words.index("ok")
    assert {"where", "count", "example"} <= set(words)


@pytest.mark.real
def test_the_aces_sample(real_data):
    report = examine(real_data / "meds" / "aces_meds_sample", leakage=True)
    assert not _found(report)
    assert [f["status"] for f in report["findings"] if f["check"] == "leakage"] == ["ok", "ok"]


def test_metadata_that_a_person_corrects_are_no_damage(dataset):
    """The doctor itself says to describe codes there; shards are another matter."""
    path = dataset / "metadata" / "codes.parquet"
    pl.read_parquet(path).with_columns(description=pl.lit("What it is")).write_parquet(path)
    assert _only(examine(dataset), "manifest", "warning")["count"] == 1
    path.unlink()
    assert _only(examine(dataset), "manifest")["count"] == 1
