"""Adapters: merged exactly, part of the hash, refused on another base; LLM2Vec is a base and two of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from models_support import TEXTS, VOCABULARY, WIDTH, hidden_of, ids_of, save_tokenizer, tiny_model
from safetensors.torch import load_file, save_file

from osler.base.errors import InputError
from osler.models.encoder import load_encoder
from osler.models.recipe_table import RECIPES
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer
from osler.models.weights import weights_hash

RANK, ALPHA = 2, 6


@pytest.fixture(autouse=True)
def _nothing_stays_loaded():
    load_encoder.cache_clear()
    load_tokenizer.cache_clear()


def _base(path, *, first=("<s>",), last=(), seed=0, **changes):
    path.mkdir(parents=True, exist_ok=True)
    model = tiny_model("llama", seed=seed, **changes)
    model.save_pretrained(path)
    save_tokenizer(path, first=first, last=last)
    return model


def _adapter(path, base, *, named, seed, inner=""):
    """A LoRA adapter on query and down projections; returns what it adds to each weight."""
    torch.manual_seed(seed)
    path.mkdir(parents=True)
    weights, added = {}, {}
    for name, weight in base.named_parameters():
        if name.endswith(("q_proj.weight", "down_proj.weight")):
            a, b = torch.randn(RANK, weight.shape[1]) / 4, torch.randn(weight.shape[0], RANK) / 4
            key = f"base_model.model.{inner}{name.removesuffix('.weight')}"
            weights[f"{key}.lora_A.weight"], weights[f"{key}.lora_B.weight"] = a, b
            added[name] = ALPHA / RANK * b @ a
    save_file(weights, path / "adapter_model.safetensors")
    config = {
        "peft_type": "LORA",
        "base_model_name_or_path": named,
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": ["q_proj", "down_proj"],
        "task_type": "CAUSAL_LM" if inner else "FEATURE_EXTRACTION",
    }
    (path / "adapter_config.json").write_text(json.dumps(config))
    return added


def _add(model, added):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in added:
                weight.add_(added[name])


def _means(model, **how):
    return [hidden_of(model, [VOCABULARY["<s>"], *ids_of(text)], **how).mean(axis=0) for text in TEXTS]


@pytest.mark.parametrize("inner", ["", "model."])
def test_an_adapter_is_added_to_the_weights(tmp_path, inner):
    model = _base(tmp_path / "base")
    added = _adapter(tmp_path / "ad+apter", model, named="elsewhere/base", seed=1, inner=inner)
    plain = load_encoder(str(tmp_path / "base"), dtype="float32")
    encoder = load_encoder(f"{tmp_path / 'base'}+{tmp_path / 'ad+apter'}", dtype="float32")
    before = _means(model)
    _add(model, added)
    ids = encoder.tokenizer.encode(TEXTS)
    vectors = encoder.encode_batch(ids)
    assert np.abs(vectors - _means(model)).max() < 1e-4
    assert np.abs(vectors - before).max() > 1e-2
    # The base is untouched, and nothing that was made with one passes for the other.
    assert np.abs(plain.encode_batch(ids) - before).max() < 1e-4
    assert plain.weights_sha256 != encoder.weights_sha256
    assert encoder.describe()["adapters_sha256"]
    assert str(tmp_path) not in json.dumps(encoder.describe())
    assert encoder.facts.name == "base+ad+apter"


def test_adapters_are_merged_one_after_the_other(tmp_path):
    model = _base(tmp_path / "base")
    for i in (1, 2):
        added = _adapter(tmp_path / f"a{i}", model, named="base", seed=i)
        _add(model, added)
    encoder = load_encoder("+".join(str(tmp_path / part) for part in ("base", "a1", "a2")), dtype="float32")
    assert np.abs(encoder.encode_batch(encoder.tokenizer.encode(TEXTS)) - _means(model)).max() < 1e-4


def test_the_hash_follows_the_content_of_the_adapter(tmp_path):
    model = _base(tmp_path / "base")
    for i in (1, 2):
        _adapter(tmp_path / f"a{i}", model, named="base", seed=i)
    _adapter(tmp_path / "other" / "a1", model, named="base", seed=1)
    a1, a2, same = (
        weights_hash(recipe(f"{tmp_path / 'base'}+{tmp_path / path}")) for path in ("a1", "a2", "other/a1")
    )
    assert a1 == same != a2
    config = json.loads((tmp_path / "a1" / "adapter_config.json").read_text())
    (tmp_path / "a1" / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 7}))
    assert weights_hash(recipe(f"{tmp_path / 'base'}+{tmp_path / 'a1'}")) != a1


def test_an_adapter_for_another_base_is_refused(tmp_path):
    model = _base(tmp_path / "base")
    _base(tmp_path / "wide", hidden_size=24)
    adapter = tmp_path / "adapter"
    _adapter(adapter, model, named="meta-llama/Llama-3.1-8B", seed=1)
    name = f"{tmp_path / 'base'}+{adapter}"
    with pytest.raises(InputError, match=r"made for 'Llama-3\.1-8B'"):
        load_encoder(name, dtype="float32")
    # Where a card states the hash of the base, it decides.
    plain = weights_hash(recipe(str(tmp_path / "base")))
    (adapter / "card.json").write_text(json.dumps({"base_weights_sha256": plain}))
    load_encoder(name, dtype="float32")
    load_encoder.cache_clear()
    with pytest.raises(InputError, match="other weights"):
        load_encoder(f"{tmp_path / 'wide'}+{adapter}", dtype="float32")
    (adapter / "card.json").write_text("{}")
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": None}))
    with pytest.raises(InputError, match="does not fit the base"):
        load_encoder(f"{tmp_path / 'wide'}+{adapter}", dtype="float32")


def test_a_broken_adapter_is_refused(tmp_path):
    model = _base(tmp_path / "base")
    adapter = tmp_path / "adapter"
    _adapter(adapter, model, named="base", seed=1)
    weights = load_file(adapter / "adapter_model.safetensors")
    weights.pop(sorted(weights)[0])
    save_file(weights, adapter / "adapter_model.safetensors")
    with pytest.raises(InputError, match="does not fit the base"):
        load_encoder(f"{tmp_path / 'base'}+{adapter}", dtype="float32")
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(InputError, match=r"adapter_model\.safetensors' of the adapter is missing"):
        recipe(f"minilm+{adapter}")
    with pytest.raises(InputError, match="of the adapter is missing"):
        recipe("minilm+/no/such/folder")


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize("name", ["llm2vec-llama-3.1-8b", "llm2vec-sheared-1.3b"])
def test_llm2vec_is_a_base_and_two_adapters_with_a_bidirectional_mask(tmp_path, monkeypatch, name, control):
    row = replace(RECIPES[name], dimension=WIDTH, width=WIDTH, context=100, parameters=0)
    assert row.after == ""
    if control:
        # Control text of a recipe acts and stays out of the mean, as the instruction does.
        row = replace(row, after="<|eot_id|>")
    monkeypatch.setitem(RECIPES, name, row)
    monkeypatch.setenv("OSLER_MODELS", str(tmp_path))
    model = _base(tmp_path / row.model_id.rsplit("/", 1)[-1])
    mntp, supervised = (one.rsplit("/", 1)[-1] for one in row.merges)
    _add(model, _adapter(tmp_path / mntp, model, named=row.model_id, seed=1))
    _add(model, _adapter(tmp_path / supervised, model, named=row.merges[0], seed=2))
    encoder = load_encoder(name, dtype="float32")
    instruction = ids_of("w50 w51 w52")
    texts = [text for text in TEXTS if text]
    first = [VOCABULARY["<s>"]]
    last = [VOCABULARY["<|eot_id|>"]] if control else []
    expected = []
    for text in texts:
        hidden = hidden_of(model, [*first, *instruction, *ids_of(text), *last], bidirectional=True)
        start = len(first) + len(instruction)
        expected.append(hidden[start : start + len(ids_of(text))].mean(axis=0))
    vectors = encoder.encode_batch([[*instruction, *ids_of(text)] for text in texts], lead=len(instruction))
    assert np.abs(vectors - expected).max() < 1e-4
    (tmp_path / supervised / "adapter_config.json").unlink()
    load_encoder.cache_clear()
    with pytest.raises(InputError, match="not on this machine"):
        load_encoder(name, dtype="float32")
