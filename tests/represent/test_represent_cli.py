"""`osler encode` and `osler encoders`: one summary on standard output, the rest on standard error."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.cli.main import app

runner = CliRunner()


def test_encode(tiny_encoder, texts, tmp_path):
    options = ["--encoder", tiny_encoder, "--unit", "statement", "--cache", str(tmp_path / "cache"), "--json"]
    done = runner.invoke(app, ["encode", str(texts), "-o", str(tmp_path / "v"), *options])
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["unit"] == "statement"
    assert summary["n_vectors"] > 0
    assert "distinct" in done.stderr
    assert list((tmp_path / "cache").rglob("*.npy"))
    again = runner.invoke(app, ["encode", str(texts), "-o", str(tmp_path / "v"), *options])
    assert json.loads(again.stdout) == summary


def test_encode_says_what_is_allowed(texts, tmp_path):
    done = runner.invoke(app, ["encode", str(texts), "-o", str(tmp_path / "v"), "--unit", "word"])
    assert isinstance(done.exception, InputError)
    assert "'document' or 'statement'" in str(done.exception)


def test_encoders_list_and_check(tiny_encoder):
    listed = json.loads(runner.invoke(app, ["encoders", "list", "--json"]).stdout)["encoders"]
    assert {row["name"]: row["runs_here"] for row in listed}["minilm"] == "runs here"
    assert "Apache-2.0" in runner.invoke(app, ["encoders", "list"]).stdout
    checked = json.loads(runner.invoke(app, ["encoders", "check", "minilm", "--json"]).stdout)
    assert checked["like_meaning"] > 0.5 > checked["unlike_meaning"]
    tiny = json.loads(runner.invoke(app, ["encoders", "check", tiny_encoder, "--json"]).stdout)
    assert tiny["dimension"] == 16
    with pytest.raises(InputError, match="no encoder"):
        runner.invoke(app, ["encoders", "check", "nothing"], catch_exceptions=False)
    assert not Path("nothing").exists()


def test_vectors_that_are_no_numbers_are_refused(tiny_encoder, texts, tmp_path, monkeypatch):
    import numpy as np

    from osler.models.encoder import Encoder

    monkeypatch.setattr("osler.represent.cost.tokens_per_second", lambda encoder: 1.0)
    monkeypatch.setattr(
        Encoder,
        "encode_batch",
        lambda self, ids, *, lead=0: np.full((len(ids), 16), np.nan, dtype=np.float32),
    )
    options = ["--encoder", tiny_encoder, "--cache", str(tmp_path / "cache")]
    with pytest.raises(InputError, match="no numbers") as error:
        runner.invoke(
            app, ["encode", str(texts), "-o", str(tmp_path / "v"), *options], catch_exceptions=False
        )
    assert "count:" in str(error.value)
    assert not list((tmp_path / "cache").rglob("*.npy"))


def test_what_does_not_fit_together_is_refused(tiny_encoder, texts, tmp_path):
    def refused(*arguments):
        done = runner.invoke(app, list(arguments))
        assert isinstance(done.exception, InputError), done.output
        return str(done.exception)

    out = str(tmp_path / "v")
    many = ["--engine", "ray", "--workers", "4000", "--encoder", tiny_encoder]
    assert "cores" in refused("encode", str(texts), "-o", out, *many)
    assert "not the name of a published model" in refused("encoders", "check", "hub:no space/x")
    assert "no folder of an encoder" in refused("encode", str(texts), "-o", out, "--encoder", "./nowhere")
    assert "empty" in refused("encode", str(texts), "-o", out, "--encoder", "")
    server = "http://127.0.0.1:9/v1#m"
    assert "a server is tried by encoding" in refused("encoders", "check", server)
    assert "cannot be fitted" in refused("encoders", "fit", str(texts), "-o", out, "--encoder", server)
    with next((texts / "statements").rglob("*.parquet")).open("r+b") as file:
        file.truncate(200)
    assert "not readable" in refused(
        "encode", str(texts), "-o", f"{out}2", "--encoder", tiny_encoder, "--unit", "statement"
    )
