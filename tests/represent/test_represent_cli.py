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
