"""Stella's kind of folder (`model_type: new`): names, packing, rotary positions and dense heads."""

import json

import numpy as np
import pytest
import torch
from models_support import TEXTS, VOCABULARY, ids_of, save_head, save_layout, save_tokenizer, unit
from safetensors.torch import save_file

from osler.base.errors import InputError
from osler.models.encoder import load_encoder
from osler.models.recipe_table import RECIPES
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer

WIDTH, HEADS, LAYERS, INNER = 16, 2, 2, 24
CONFIG = {
    "model_type": "new",
    "auto_map": {"AutoModel": "modeling.NewModel"},
    "vocab_size": len(VOCABULARY),
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "intermediate_size": INNER,
    "hidden_act": "gelu",
    "max_position_embeddings": 64,
    "type_vocab_size": 2,
    "layer_norm_type": "layer_norm",
    "layer_norm_eps": 1e-12,
    "position_embedding_type": "rope",
    "rope_theta": 100.0,
    "rope_scaling": {"type": "ntk", "factor": 2.0},
    "pad_token_id": 0,
    "pack_qkv": True,
}


@pytest.fixture(autouse=True)
def _nothing_stays_loaded():
    load_encoder.cache_clear()
    load_tokenizer.cache_clear()


def _weights(seed=0):
    """Random weights under the names that the published files have."""
    torch.manual_seed(seed)
    made = {
        "embeddings.word_embeddings.weight": torch.randn(len(VOCABULARY), WIDTH),
        "embeddings.token_type_embeddings.weight": torch.randn(2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        made[f"{layer}.attention.qkv_proj.weight"] = torch.randn(3 * WIDTH, WIDTH) / 2
        made[f"{layer}.attention.qkv_proj.bias"] = torch.randn(3 * WIDTH)
        made[f"{layer}.attention.o_proj.weight"] = torch.randn(WIDTH, WIDTH) / 4
        made[f"{layer}.attention.o_proj.bias"] = torch.randn(WIDTH)
        made[f"{layer}.mlp.up_gate_proj.weight"] = torch.randn(2 * INNER, WIDTH) / 4
        made[f"{layer}.mlp.down_proj.weight"] = torch.randn(WIDTH, INNER) / 4
        made[f"{layer}.mlp.down_proj.bias"] = torch.randn(WIDTH)
        norms += [f"{layer}.attn_ln", f"{layer}.mlp_ln"]
    for norm in norms:
        made[f"{norm}.weight"], made[f"{norm}.bias"] = torch.rand(WIDTH) + 0.5, torch.randn(WIDTH) / 4
    return made


def _turned(states, theta, factor):
    """Rotary positions with fixed ntk scaling (Su 2023, "Transformer upgrades" 10): [heads, n, width]."""
    width = states.shape[-1]
    base = theta * factor
    places = torch.arange(0, width, 2).float()
    frequency = 1.0 / base ** (places / width) / factor ** (2.0 / width)
    angle = torch.arange(states.shape[1]).float()[:, None] * frequency[None, :]
    cos, sin = torch.cat([angle.cos()] * 2, dim=-1), torch.cat([angle.sin()] * 2, dim=-1)
    left, right = states[..., : width // 2], states[..., width // 2 :]
    return states * cos + torch.cat([-right, left], dim=-1) * sin


def _reference(weights, ids, *, theta=100.0, factor=2.0):
    """Token vectors of one text by the definition of the model: post-norm layers, gated feed-forward."""

    def norm(states, name):
        return torch.nn.functional.layer_norm(
            states, (WIDTH,), weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-12
        )

    words = weights["embeddings.word_embeddings.weight"][ids]
    states = norm(words + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        packed = states @ weights[f"{layer}.attention.qkv_proj.weight"].T
        packed = packed + weights[f"{layer}.attention.qkv_proj.bias"]
        query, key, value = (
            part.view(len(ids), HEADS, WIDTH // HEADS).transpose(0, 1) for part in packed.split(WIDTH, dim=-1)
        )
        query, key = _turned(query, theta, factor), _turned(key, theta, factor)
        seen = torch.softmax(query @ key.transpose(1, 2) / (WIDTH // HEADS) ** 0.5, dim=-1) @ value
        out = seen.transpose(0, 1).reshape(len(ids), WIDTH) @ weights[f"{layer}.attention.o_proj.weight"].T
        states = norm(states + out + weights[f"{layer}.attention.o_proj.bias"], f"{layer}.attn_ln")
        up, gate = (states @ weights[f"{layer}.mlp.up_gate_proj.weight"].T).split(INNER, dim=-1)
        inner = torch.nn.functional.gelu(gate) * up
        out = inner @ weights[f"{layer}.mlp.down_proj.weight"].T + weights[f"{layer}.mlp.down_proj.bias"]
        states = norm(states + out, f"{layer}.mlp_ln")
    return states.numpy()


def _folder(path, *, prefix="", **changes):
    weights = _weights()
    config = {**CONFIG, **changes}
    (path / "config.json").write_text(json.dumps(config))
    extra = {"pooler.dense.weight": torch.zeros(WIDTH, WIDTH), "pooler.dense.bias": torch.zeros(WIDTH)}
    save_file({prefix + k: v for k, v in {**weights, **extra}.items()}, path / "model.safetensors")
    save_tokenizer(path)
    return weights


def _ids(text):
    return [VOCABULARY["<s>"], *ids_of(text), VOCABULARY["</s>"]]


@pytest.mark.parametrize("prefix", ["", "new."])
def test_weights_and_positions_are_translated(tmp_path, prefix):
    weights = _folder(tmp_path, prefix=prefix)
    save_layout(tmp_path, pooling="mean")
    encoder = load_encoder(str(tmp_path), dtype="float32")
    vectors = encoder.encode_batch(encoder.tokenizer.encode(TEXTS))
    expected = [_reference(weights, _ids(text)).mean(axis=0) for text in TEXTS]
    assert np.abs(vectors - expected).max() < 1e-4
    # Positions without the scaling give other vectors.
    plain = [_reference(weights, _ids(text), factor=1.0).mean(axis=0) for text in TEXTS]
    assert np.abs(vectors - plain).max() > 1e-2


def test_positions_without_scaling(tmp_path):
    weights = _folder(tmp_path, rope_scaling=None)
    save_layout(tmp_path, pooling="cls")
    encoder = load_encoder(str(tmp_path), dtype="float32")
    expected = [_reference(weights, _ids(text), factor=1.0)[0] for text in TEXTS]
    assert np.abs(encoder.encode_batch(encoder.tokenizer.encode(TEXTS)) - expected).max() < 1e-4


@pytest.mark.parametrize("dimension", [8, 24])
def test_the_recipe_with_the_head_of_its_dimension(tmp_path, monkeypatch, dimension):
    from dataclasses import replace

    weights = _folder(tmp_path)
    heads = {d: save_head(tmp_path, f"2_Dense_{d}", width=WIDTH, dimension=d, seed=d) for d in (8, 24)}
    row = replace(
        RECIPES["stella-400m"], dimension=8, width=WIDTH, heads=("2_Dense_8",), cuts=(8, 24), context=60
    )
    monkeypatch.setitem(RECIPES, "stella-400m", row)
    name = f"stella-400m@{tmp_path}" + ("" if dimension == 8 else f":{dimension}")
    encoder = load_encoder(name, dtype="float32")
    weight, bias = heads[dimension]
    expected = np.vstack([_reference(weights, _ids(text)).mean(axis=0) @ weight.T + bias for text in TEXTS])
    vectors = encoder.encode_batch(encoder.tokenizer.encode(TEXTS))
    assert vectors.shape == (len(TEXTS), dimension)
    assert np.abs(vectors - unit(expected)).max() < 1e-4
    with pytest.raises(InputError, match="no vectors of dimension 9"):
        recipe(f"stella-400m@{tmp_path}:9")


def test_a_folder_names_its_own_head_and_a_missing_one_is_told(tmp_path):
    weights = _folder(tmp_path)
    weight, bias = save_head(tmp_path, "2_Dense", width=WIDTH, dimension=6)
    save_layout(tmp_path, heads=("2_Dense",), normalise=True)
    encoder = load_encoder(str(tmp_path), dtype="float32")
    assert encoder.facts.dimension == 6
    expected = np.vstack([_reference(weights, _ids(text)).mean(axis=0) @ weight.T + bias for text in TEXTS])
    assert np.abs(encoder.encode_batch(encoder.tokenizer.encode(TEXTS)) - unit(expected)).max() < 1e-4
    (tmp_path / "2_Dense" / "model.safetensors").unlink()
    load_encoder.cache_clear()
    with pytest.raises(InputError, match="dense head has no weights"):
        load_encoder(str(tmp_path), dtype="float32")


def test_a_head_of_another_width_is_refused(tmp_path):
    _folder(tmp_path)
    save_head(tmp_path, "2_Dense", width=WIDTH + 1, dimension=6)
    save_layout(tmp_path, heads=("2_Dense",))
    with pytest.raises(InputError, match="takes vectors of 17 numbers"):
        load_encoder(str(tmp_path), dtype="float32")


@pytest.mark.parametrize(
    "change",
    [
        {"layer_norm_type": "rms_norm"},
        {"logn_attention_scale": True},
        {"rope_scaling": {"type": "ntk", "factor": 2.0, "mixed_b": 0.6}},
        {"rope_scaling": {"type": "yarn", "factor": 2.0}},
    ],
)
def test_what_has_no_counterpart_is_refused(tmp_path, change):
    _folder(tmp_path, **change)
    with pytest.raises(InputError, match=next(iter(change))):
        load_encoder(str(tmp_path), dtype="float32")
