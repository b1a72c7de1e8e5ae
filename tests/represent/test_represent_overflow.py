"""Texts longer than a window: encoded in windows, refused, or cut on purpose; always counted."""

import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.cli.main import app
from osler.models.encoder import load_encoder
from osler.represent.encode import make_vectors
from osler.represent.settings import EncodeSettings
from osler.statements.read import open_texts

ROOM = 22  # tokens of text in a window of the tiny encoder


def fp32(encoder, unit, on_overflow="window"):
    return EncodeSettings(encoder=encoder, unit=unit, dtype="float32", on_overflow=on_overflow)


def read(folder, unit):
    return pl.concat([pl.read_parquet(file) for file in sorted((folder / unit).rglob("*.parquet"))])


def first_window(encoder, text):
    """Whole lines as long as they fit; a first line that is too long is cut."""
    taken = []
    for number, line in enumerate(text.split("\n")):
        [ids] = encoder.tokenizer.encode([line])
        if number == 0:
            ids = ids[:ROOM]
        if len(taken) + min(len(ids), ROOM) > ROOM:
            break
        taken += ids
    return taken


@pytest.mark.parametrize("unit", ["document", "statement"])
def test_truncated_texts_are_their_first_window_and_are_counted(tiny_encoder, texts, tmp_path, unit):
    encoder = load_encoder(tiny_encoder, dtype="float32")
    whole = make_vectors(texts, tmp_path / "w", settings=fp32(tiny_encoder, unit))
    cut = make_vectors(texts, tmp_path / "t", settings=fp32(tiny_encoder, unit, "truncate"))
    key = {"document": ["subject_id", "prediction_time"], "statement": ["statement_id"]}[unit]
    opened = open_texts(texts)
    frame = (opened.texts() if unit == "document" else opened.statements()).collect()
    frame = frame.with_columns(pl.col(key[-1:]).cast(pl.String) if unit == "statement" else [])
    rows = read(tmp_path / "t", unit).join(frame.unique(key), on=key)
    assert rows.height == cut.n_vectors == whole.n_vectors
    n_long = n_tokens = 0
    for row in rows.iter_rows(named=True):
        taken = first_window(encoder, row["text"])
        n_long += len(taken) < row["n_tokens"]
        n_tokens += len(taken)
        assert np.abs(encoder.encode_ids([taken])[0] - row["vector"]).max() < 1e-5
    assert 0 < n_long == cut.n_overflow == whole.n_overflow
    assert cut.n_windows == cut.n_vectors < whole.n_windows
    assert cut.n_tokens == n_tokens < whole.n_tokens
    info = read_json(tmp_path / "t" / "encoder.json")
    assert info["on_overflow"] == cut.on_overflow == "truncate"
    assert sum(shard["counts"]["n_overflow"] for shard in info["shards"]) == n_long


@pytest.mark.parametrize("unit", ["document", "statement"])
def test_long_texts_are_refused_with_their_number_before_any_is_encoded(
    tiny_encoder, texts, tmp_path, unit, monkeypatch
):
    n_long = make_vectors(texts, tmp_path / "w", settings=fp32(tiny_encoder, unit)).n_overflow
    with monkeypatch.context() as patch:
        patch.setattr("osler.models.encoder.Encoder.encode_batch", lambda self, ids: 1 / 0)
        with pytest.raises(InputError, match=f"{unit}s are longer than a window of {ROOM} tokens") as told:
            make_vectors(texts, tmp_path / "e", settings=fp32(tiny_encoder, unit, "error"))
    assert told.value.count == n_long > 0
    made = make_vectors(texts, tmp_path / "m", settings=fp32("minilm", "statement", "error"))
    assert (made.n_overflow, made.on_overflow) == (0, "error")


def test_the_command_says_what_was_done(tiny_encoder, texts, tmp_path):
    options = ["--encoder", tiny_encoder, "--on-overflow", "truncate", "--workers", "1", "--json"]
    out = str(tmp_path / "v")
    done = CliRunner().invoke(app, ["encode", str(texts), "-o", out, *options])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["n_overflow"] > 0
    assert "kB will be written" in done.stderr
    other = CliRunner().invoke(app, ["encode", str(texts), "-o", out, "--encoder", tiny_encoder])
    assert isinstance(other.exception, InputError)  # another way is another result
    wrong = CliRunner().invoke(app, ["encode", str(texts), "-o", out, "--on-overflow", "drop"])
    assert "'window', 'error' or 'truncate'" in str(wrong.exception)
