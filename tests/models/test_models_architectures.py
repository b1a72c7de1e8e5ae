"""Pooled vectors of every architecture and every recipe equal those of one text at a time without padding."""

from dataclasses import replace

import numpy as np
import pytest
from models_support import (
    TEXTS,
    VOCABULARY,
    WIDTH,
    hidden_of,
    ids_of,
    save_layout,
    save_tokenizer,
    tiny_model,
    unit,
)

from osler.base.errors import InputError
from osler.models.architectures import ARCHITECTURES
from osler.models.encoder import load_encoder
from osler.models.facts import Recipe
from osler.models.recipe_table import RECIPES
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer

BOS, EOS = VOCABULARY["<s>"], VOCABULARY["</s>"]
OF_FOLDERS = [name for name in ARCHITECTURES if name != "new"]


@pytest.fixture(autouse=True)
def _nothing_stays_loaded():
    load_encoder.cache_clear()
    load_tokenizer.cache_clear()


def _folder(
    path, architecture, *, pooling="mean", normalise=False, first=("<s>",), last=("</s>",), **changes
):
    model = tiny_model(architecture, **changes)
    model.save_pretrained(path)
    save_tokenizer(path, first=first, last=last)
    save_layout(path, pooling=pooling, normalise=normalise)
    return model


def _pooled(hidden, pooling):
    return {"mean": hidden.mean(axis=0), "cls": hidden[0], "last": hidden[-1]}[pooling]


@pytest.mark.parametrize("pooling", ["mean", "cls", "last"])
@pytest.mark.parametrize("architecture", OF_FOLDERS)
def test_a_folder_of_each_architecture(tmp_path, architecture, pooling):
    model = _folder(tmp_path, architecture, pooling=pooling)
    encoder = load_encoder(str(tmp_path), dtype="float32")
    assert encoder.facts.attention == ("causal" if ARCHITECTURES[architecture].decoder else "bidirectional")
    vectors = encoder.encode_ids(encoder.tokenizer.encode(TEXTS))
    expected = [_pooled(hidden_of(model, [BOS, *ids_of(text), EOS]), pooling) for text in TEXTS]
    assert np.abs(vectors - expected).max() < 1e-4
    # All in one batch, the longest with the shortest: no text may see another.
    assert np.abs(encoder.encode_batch(encoder.tokenizer.encode(TEXTS)) - expected).max() < 1e-4


@pytest.mark.parametrize("attention", ["causal", "bidirectional"])
@pytest.mark.parametrize("architecture", ["qwen2", "qwen3", "llama", "mistral"])
def test_direction_of_attention_of_decoders(tmp_path, architecture, attention):
    model = _folder(tmp_path, architecture, pooling="last")
    base = load_encoder(str(tmp_path), dtype="float32")
    encoder = replace(base, facts=replace(base.facts, attention=attention))
    vectors = encoder.encode_batch(encoder.tokenizer.encode(TEXTS))
    bidirectional = attention == "bidirectional"
    whole = [[BOS, *ids_of(text), EOS] for text in TEXTS]
    expected = [hidden_of(model, ids, bidirectional=bidirectional)[-1] for ids in whole]
    assert np.abs(vectors - expected).max() < 1e-4
    alone = np.vstack([encoder.encode_batch([ids_of(text)]) for text in TEXTS])
    assert np.abs(alone - expected).max() < 1e-4
    other = [hidden_of(model, ids, bidirectional=not bidirectional)[-1] for ids in whole]
    assert np.abs(vectors - other).max() > 1e-2


def test_a_folder_states_bidirectional_attention_itself(tmp_path):
    model = _folder(tmp_path, "qwen2", pooling="last", is_causal=False)
    encoder = load_encoder(str(tmp_path), dtype="float32")
    assert encoder.facts.attention == "bidirectional"
    expected = [hidden_of(model, [BOS, *ids_of(text), EOS], bidirectional=True)[-1] for text in TEXTS]
    assert np.abs(encoder.encode_batch([ids_of(text) for text in TEXTS]) - expected).max() < 1e-4


# What each recipe must compute, written down once more: pooling, attention, tokens before and after a text,
# whether vectors have length 1. The first token is the tokenizer's own.
EXPECTED = {
    "minilm": ("mean", False, [], ["</s>"], True),
    "qwen3-embedding-0.6b": ("last", False, [], ["<|endoftext|>"], True),
    "qwen3-embedding-4b": ("last", False, [], ["<|endoftext|>"], True),
    "qwen3-embedding-8b": ("last", False, [], ["<|endoftext|>"], True),
    "gte-qwen2-1.5b": ("last", True, [], ["<|endoftext|>"], True),
    "gte-qwen2-7b": ("last", True, [], ["<|endoftext|>"], True),
    "llama-3.1-8b": ("mean", False, [], [], False),
    "deepseek-r1-llama-8b": ("mean", False, [], [], False),
    "biobert": ("mean", False, [], ["</s>"], False),
    "clinicalbert": ("mean", False, [], ["</s>"], False),
    "biomedbert": ("mean", False, [], ["</s>"], False),
    "medbert": ("mean", False, [], ["</s>"], False),
    "bioclinical-modernbert": ("mean", False, [], ["</s>"], False),
    "bioclinical-modernbert-large": ("mean", False, [], ["</s>"], False),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_recipe_on_a_tiny_model_of_its_architecture(tmp_path, monkeypatch, name):
    pooling, bidirectional, before, after, normalised = EXPECTED[name]
    row = RECIPES[name]
    decoder = ARCHITECTURES[row.architecture].decoder
    first, last = ("<s>",), (() if decoder else ("</s>",))
    model = _folder(tmp_path, row.architecture, first=first, last=last)
    tiny = replace(row, dimension=WIDTH, width=WIDTH, context=100, parameters=0)
    monkeypatch.setitem(RECIPES, name, tiny)
    encoder = load_encoder(f"{name}@{tmp_path}", dtype="float32")
    assert encoder.facts.model_id == row.model_id
    ids = [
        [BOS, *[VOCABULARY[t] for t in before], *ids_of(text), *[VOCABULARY[t] for t in after]]
        for text in TEXTS
    ]
    expected = np.vstack(
        [_pooled(hidden_of(model, one, bidirectional=bidirectional), pooling) for one in ids]
    )
    vectors = encoder.encode_batch(encoder.tokenizer.encode(TEXTS))
    assert np.abs(vectors - (unit(expected) if normalised else expected)).max() < 1e-4


def test_every_recipe_is_tested():
    elsewhere = {"stella-400m", "llm2vec-llama-3.1-8b", "llm2vec-sheared-1.3b"}
    assert set(EXPECTED) | elsewhere == set(RECIPES)


def test_the_mean_over_text_leaves_out_instruction_and_special_tokens(tmp_path):
    model = _folder(tmp_path, "llama")
    base = load_encoder(str(tmp_path), dtype="float32")
    base._model.config.is_causal = False
    facts = replace(base.facts, pooling="text", attention="bidirectional")
    encoder = replace(base, facts=facts)
    instruction = ids_of("Instruct : w50 w51")
    texts = [text for text in TEXTS if text]
    ids = [[*instruction, *ids_of(text)] for text in texts]
    expected = []
    for one in ids:
        hidden = hidden_of(model, [BOS, *one, EOS], bidirectional=True)
        expected.append(hidden[1 + len(instruction) : -1].mean(axis=0))
    vectors = encoder.encode_batch(ids, lead=len(instruction))
    assert np.abs(vectors - expected).max() < 1e-4
    assert np.abs(encoder.encode_ids(ids, lead=len(instruction)) - expected).max() < 1e-4
    assert np.abs(encoder.encode_batch(ids) - expected).max() > 1e-2
    # A text without a token has the mean of what is there.
    [empty] = encoder.encode_batch([instruction], lead=len(instruction))
    whole = hidden_of(model, [BOS, *instruction, EOS], bidirectional=True).mean(axis=0)
    assert np.abs(empty - whole).max() < 1e-4


def test_the_end_token_is_added_once(tmp_path):
    _folder(tmp_path, "qwen3", first=(), last=("<|endoftext|>",))
    tokenizer = load_tokenizer(f"qwen3-embedding-0.6b@{tmp_path}")
    assert (tokenizer.prefix, tokenizer.suffix) == ((), (VOCABULARY["<|endoftext|>"],))
    # The same words in a record are text.
    assert VOCABULARY["<|endoftext|>"] not in tokenizer.encode(["w1 <|endoftext|>"])[0]


def test_a_cut_is_made_before_the_vector_gets_length_one(tmp_path, monkeypatch):
    model = _folder(tmp_path, "qwen3", last=())
    row = replace(RECIPES["qwen3-embedding-0.6b"], dimension=WIDTH, width=WIDTH, cuts=(8,), context=100)
    monkeypatch.setitem(RECIPES, row.name, row)
    encoder = load_encoder(f"{row.name}@{tmp_path}:8", dtype="float32")
    assert encoder.facts.dimension == 8
    with pytest.raises(InputError, match="no vectors of dimension 7"):
        load_encoder(f"{row.name}@{tmp_path}:7", dtype="float32")
    end = VOCABULARY["<|endoftext|>"]
    expected = [hidden_of(model, [BOS, *ids_of(text), end])[-1][:8] for text in TEXTS]
    assert (
        np.abs(encoder.encode_batch([ids_of(text) for text in TEXTS]) - unit(np.vstack(expected))).max()
        < 1e-4
    )


def test_rows_state_what_they_must():
    for name, row in RECIPES.items():
        assert isinstance(row, Recipe)
        assert recipe(name) is row
        assert row.architecture in ARCHITECTURES
        assert row.padding_side == ("left" if ARCHITECTURES[row.architecture].decoder else "right")
        assert row.follows_instructions == (row.prompt is not None) == (row.prompt_side != "none")
        assert row.licence
        assert row.parameters
        assert row.context > 0
