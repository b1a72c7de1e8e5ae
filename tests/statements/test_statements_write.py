"""Texts folders: files of the contract, resume, same bytes, refusals, the command, and real data."""

import hashlib
import json
import shutil
import stat
from datetime import datetime, timedelta

import polars as pl
import pytest
from statement_cases import BOOK, START
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.base.output import MANIFEST
from osler.models.tokenizer import load_tokenizer
from osler.record.dataset import open_dataset
from osler.record.write import write_events, write_metadata
from osler.statements import write as writing
from osler.statements.read import open_texts
from osler.statements.samples import RECORD_END, record_end
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    for number, name in enumerate(("held_out/0", "train/0", "train/1")):
        rows = []
        for subject in range(number * 10, number * 10 + 6):
            rows.append((subject, datetime(1960 + subject, 5, 1), "MEDS_BIRTH", None, None))
            rows.append((subject, None, "GENDER//F" if subject % 2 else "GENDER//M", None, None))
            for hour in range(12):
                time = START + timedelta(hours=hour * 7 % 30)
                rows.append((subject, time, "LAB//na", 130.0 + hour + subject, "mmol/L"))
                rows.append((subject, time, ("RX//a", "Z//9", "ADM//er")[hour % 3], None, None))
            rows.append((subject, START + timedelta(days=9), "MEDS_DEATH", None, None))
        names = ("subject_id", "time", "code", "numeric_value", "unit")
        write_events(folder, name, pl.DataFrame(rows, schema=names, orient="row"))
    codes = BOOK.filter(pl.col("code").is_in(["LAB//na", "RX//a", "Z//9", "ADM//er"]))
    used = pl.Series([*codes["code"], "MEDS_BIRTH", "MEDS_DEATH", "GENDER//F", "GENDER//M"])
    write_metadata(folder, name="small", codes=codes, used=used)
    return open_dataset(folder)


@pytest.fixture(scope="module")
def two_samples(dataset):
    end = record_end(dataset)
    early = end.with_columns(pl.col("prediction_time") - timedelta(hours=15))
    return pl.concat([end, early])


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_files_and_columns_are_those_of_the_contract(dataset, two_samples, tmp_path):
    out = tmp_path / "texts"
    made = make_texts(dataset, two_samples, out, settings=TextSettings(budget=20))
    texts = open_texts(out)
    assert len(texts.shards) == 3
    for part in ("texts", "statements", "lines"):
        assert sorted(path.stem for path in (out / part).iterdir()) == sorted(texts.shards)
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (out / part).iterdir())
    assert texts.texts().collect_schema().names() == [
        *("subject_id", "prediction_time", "text", "n_tokens", "n_statements", "n_dropped")
    ]
    assert texts.statements().collect_schema().names() == ["statement_id", "text", "n_tokens"]
    assert texts.lines().collect_schema().names() == [
        *("subject_id", "prediction_time", "line", "statement_id", "section", "time", "rows"),
        *("char_start", "char_end"),
    ]
    assert texts.lines().select("statement_id", "section").collect_schema().dtypes() == [pl.String] * 2
    shown = texts.lines().join(texts.statements().unique("statement_id"), on="statement_id").collect()
    assert shown.height == made.n_lines
    frame = texts.texts().collect()
    assert frame.height == made.n_samples == two_samples.height
    assert frame.select("subject_id", "prediction_time").equals(two_samples.sort(pl.all()))
    assert (frame["n_tokens"] <= 20).all()
    assert made.n_dropped == frame["n_dropped"].sum() > 0
    assert made.n_tokens == sum(load_tokenizer("minilm").count(frame["text"].to_list()))
    assert made.n_lines == texts.lines().collect().height
    assert made.n_statements == texts.statements().collect()["statement_id"].n_unique()
    info = json.loads((out / "texts.json").read_text())
    assert (info["style"], info["budget"], info["dataset_hash"]) == ("list-recent", 20, dataset.hash)
    assert texts.settings == TextSettings(budget=20)


def test_rows_are_positions_in_the_dataset(dataset, two_samples, tmp_path):
    make_texts(dataset, two_samples, tmp_path / "t", settings=TextSettings(style="trend"))
    everything = pl.concat(
        [pl.read_parquet(shard.path, columns=["subject_id", "time", "code"]) for shard in dataset.shards]
    ).with_row_index("rows")
    lines = open_texts(tmp_path / "t").lines().collect()
    joined = lines.explode("rows").join(everything.with_columns(pl.col("rows").cast(pl.UInt64)), on="rows")
    assert joined.height == lines["rows"].list.len().sum()
    assert (joined["subject_id"] == joined["subject_id_right"]).all()
    newest = joined.group_by("subject_id", "prediction_time", "line").agg(
        pl.col("time").first(), pl.col("time_right").max()
    )
    assert newest["time"].eq_missing(newest["time_right"]).all()


def test_a_killed_job_ends_with_the_same_bytes(dataset, two_samples, tmp_path, monkeypatch):
    whole = tmp_path / "whole"
    summary = make_texts(dataset, two_samples, whole, settings=TextSettings(), workers=1)
    original, rendered = writing.render, []

    def dying(events, *rest, **options):
        if rendered:
            raise KeyboardInterrupt
        rendered.append(events.height)
        return original(events, *rest, **options)

    out = tmp_path / "out"
    monkeypatch.setattr(writing, "render", dying)
    with pytest.raises(KeyboardInterrupt):
        make_texts(dataset, two_samples, out, settings=TextSettings(), workers=1)
    assert not (out / MANIFEST).exists()
    calls = []
    monkeypatch.setattr(writing, "render", lambda *a, **k: calls.append(1) or original(*a, **k))
    again = make_texts(dataset, two_samples, out, settings=TextSettings(), workers=3)
    assert len(calls) == 2
    assert digests(out) == digests(whole)
    assert make_texts(dataset, two_samples, out, settings=TextSettings()) == again
    assert len(calls) == 2
    assert again.n_tokens == summary.n_tokens


def test_record_end_is_the_last_event_that_is_no_death(dataset):
    frame = record_end(dataset)
    assert frame["subject_id"].to_list() == [*range(6), *range(10, 16), *range(20, 26)]
    assert frame["prediction_time"].unique().to_list() == [START + timedelta(hours=28)]


def test_codes_below_birth_and_death_and_notes_by_kind_are_taken_for_what_they_are(tmp_path):
    rows = [
        (1, datetime(1970, 5, 1), "MEDS_BIRTH//registry", None),
        (1, START, "LAB//x", "high"),
        (1, START, "LETTER", "Dear colleague."),
        (1, START + timedelta(days=1), "MEDS_DEATH//registry", None),
    ]
    names = ("subject_id", "time", "code", "text_value")
    write_events(tmp_path / "d", "0", pl.DataFrame(rows, schema=names, orient="row"))
    codes = pl.DataFrame({"code": ["LETTER"], "kind": ["note"]})
    write_metadata(tmp_path / "d", name="n", codes=codes, used=pl.Series([row[2] for row in rows]).unique())
    below = open_dataset(tmp_path / "d")
    assert record_end(below)["prediction_time"].to_list() == [START]
    make_texts(below, record_end(below), tmp_path / "t", settings=TextSettings())
    age = (START - datetime(1970, 5, 1)).days // 365.25
    text = open_texts(tmp_path / "t").texts().collect()["text"].item()
    assert text.splitlines() == [f"Age: {age:.0f} years", "LAB x: high"]


def test_refusals(dataset, two_samples, tmp_path):
    unknown = two_samples.with_columns(pl.col("subject_id") + 1000)
    with pytest.raises(InputError, match="subjects that the dataset lacks") as caught:
        make_texts(dataset, unknown, tmp_path / "a", settings=TextSettings())
    assert caught.value.count == 18
    with pytest.raises(InputError, match="no samples"):
        make_texts(dataset, two_samples.clear(), tmp_path / "b", settings=TextSettings())
    with pytest.raises(InputError, match="repeated"):
        make_texts(dataset, pl.concat([two_samples] * 2), tmp_path / "c", settings=TextSettings())
    with pytest.raises(InputError, match="no section 'lbs'") as caught:
        make_texts(dataset, two_samples, tmp_path / "d", settings=TextSettings(drop_sections=("lbs",)))
    assert "labs" in caught.value.allowed
    with pytest.raises(InputError, match="not a finished texts folder"):
        open_texts(tmp_path)
    with pytest.raises(InputError, match="list-recent"):
        TextSettings.parse({"style": "haiku"}, where="here")


def test_undated_datasets_refuse_dates(dataset, two_samples, tmp_path):
    folder = tmp_path / "undated"
    shutil.copytree(dataset.path, folder)
    path = folder / "metadata" / "dataset.json"
    values = json.loads(path.read_text())
    values["osler"]["undated"] = True
    path.write_text(json.dumps(values))
    undated = open_dataset(folder)
    for number, settings in enumerate((TextSettings(style="list-recent+time"), TextSettings(lookback=3.0))):
        with pytest.raises(InputError, match="only order its events"):
            make_texts(undated, two_samples, tmp_path / str(number), settings=settings)
    make_texts(undated, two_samples, tmp_path / "fine", settings=TextSettings(style="trend"))
    assert not open_texts(tmp_path / "fine").texts().collect()["text"].str.contains("per day").any()


def test_the_command(dataset, tmp_path):
    from osler.cli.main import app

    out = tmp_path / "out"
    runner = CliRunner()
    options = ["--style", "markdown", "--budget", "200", "--drop-section", "labs", "--json"]
    result = runner.invoke(app, ["text", str(dataset.path), "-o", str(out), *options])
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["samples"], summary["samples_from"]) == (18, RECORD_END)
    assert open_texts(out).at_record_end
    assert not open_texts(out).texts().collect()["text"].str.contains("Sodium").any()
    wrong = runner.invoke(app, ["text", str(dataset.path), "-o", str(tmp_path / "no"), "--style", "haiku"])
    assert isinstance(wrong.exception, InputError)
    assert "list-recent" in str(wrong.exception)


@pytest.mark.real
def test_a_real_dataset(real_data, tmp_path):
    folder = real_data / "meds" / "aces_meds_sample"
    dataset = open_dataset(folder)
    samples = record_end(dataset)
    for style in ("list-recent", "markdown"):
        out = tmp_path / style
        made = make_texts(dataset, samples, out, settings=TextSettings(style=style, budget=64))
        assert made.n_samples == samples.height == 100
        frame = open_texts(out).texts().collect()
        counted = load_tokenizer("minilm").count(frame["text"].to_list())
        assert frame["n_tokens"].to_list() == counted.tolist()
        assert (frame["n_tokens"] <= 64).all()
        assert made.n_dropped > 0


@pytest.mark.parametrize("settings", [{"notes": "sentences"}, {"notes": "whole"}, {"style": "notes"}])
def test_shards_with_and_without_notes_have_the_same_columns(tmp_path, settings):
    names = ("subject_id", "time", "code", "text_value")
    write_events(
        tmp_path / "d", "0", pl.DataFrame([(1, START, "LAB//x", "high")], schema=names, orient="row")
    )
    note = (2, START, "NOTE//x", "Has a cough. Stable.")
    write_events(tmp_path / "d", "1", pl.DataFrame([note], schema=names, orient="row"))
    codes = pl.DataFrame({"code": ["NOTE//x", "LAB//x"], "kind": ["note", None]})
    write_metadata(tmp_path / "d", name="n", codes=codes, used=codes["code"])
    mixed = open_dataset(tmp_path / "d")
    make_texts(mixed, record_end(mixed), tmp_path / "t", settings=TextSettings(**settings))
    lines = open_texts(tmp_path / "t").lines().collect().filter(pl.col("note_start").is_not_null())
    assert lines["subject_id"].unique().to_list() == [2]
