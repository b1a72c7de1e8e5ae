"""An encoder that leaves its instruction out of the mean: encoding tells it where the instruction ends."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from osler.models.encoder import load_encoder
from osler.models.recipe_table import RECIPES
from osler.models.tokenizer import load_tokenizer
from osler.represent.encode import make_vectors
from osler.represent.instruction import instruction
from osler.represent.settings import EncodeSettings

sys.path.append(str(Path(__file__).parents[1] / "models"))
from models_support import WIDTH, save_tokenizer, tiny_model

NAME = "llm2vec-sheared-1.3b"


def test_the_instruction_is_seen_and_not_averaged(texts, tmp_path, monkeypatch):
    folder = tmp_path / "tiny"
    folder.mkdir()
    tiny_model("llama").save_pretrained(folder)
    save_tokenizer(folder, last=())
    row = replace(RECIPES[NAME], dimension=WIDTH, context=100, parameters=0, merges=())
    monkeypatch.setitem(RECIPES, NAME, row)
    load_encoder.cache_clear()
    load_tokenizer.cache_clear()
    name = f"{NAME}@{folder}"
    settings = EncodeSettings(encoder=name, unit="statement", instruction="generic", dtype="float32")
    made = make_vectors(texts, tmp_path / "vectors", settings=settings, cache=tmp_path / "cache")
    assert made.n_vectors > 0
    vectors = pl.read_parquet(tmp_path / "vectors" / "statement" / "*.parquet")
    statements = pl.read_parquet(Path(texts) / "statements" / "*.parquet").unique("statement_id")
    both = vectors.join(statements, on="statement_id")
    encoder = load_encoder(name, dtype="float32")
    [prefix] = encoder.tokenizer.encode([instruction("generic").text])
    ids = [[*prefix, *one] for one in encoder.tokenizer.encode(both["text"].to_list())]
    stored = np.array(both["vector"].to_list())
    assert np.abs(stored - encoder.encode_ids(ids, lead=len(prefix))).max() < 1e-4
    assert np.abs(stored - encoder.encode_ids(ids)).max() > 1e-3


def test_texts_of_the_same_tokens_one_after_the_other_shift_no_vector(tiny_encoder):
    """An encoder without capitals reads "Sodium" and "SODIUM" alike; the texts after them keep their own."""
    from osler.represent.cache import VectorCache
    from osler.represent.maker import VectorMaker
    from osler.represent.windows import windows_of_pieces

    encoder = load_encoder(tiny_encoder, dtype="float32")
    maker = VectorMaker(encoder, instruction("none"), VectorCache(None, encoder))
    ids = encoder.tokenizer.encode(["Sodium", "SODIUM", "sodium", "cough", "Cough", "fever"])
    windows = windows_of_pieces(ids, np.arange(6), np.ones(6, dtype=np.int64), room=maker.room)
    assert np.abs(maker.vectors(windows) - encoder.encode_ids(ids)).max() < 1e-5
