"""Weights in 4 and 8 bits: really quantized, close to the full ones, and with an adapter beside them."""

import json

import numpy as np
import pytest
import torch
from models_support import TEXTS, VOCABULARY, hidden_of, ids_of, save_tokenizer, tiny_model

from osler.base.errors import InputError
from osler.models import quantized
from osler.models.encoder import load_encoder
from osler.models.tokenizer import load_tokenizer

WIDE = {"hidden_size": 64, "intermediate_size": 128}


@pytest.fixture(autouse=True)
def _nothing_stays_loaded():
    load_encoder.cache_clear()
    load_tokenizer.cache_clear()


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    model = tiny_model("llama", initializer_range=0.1, **WIDE)
    model.save_pretrained(folder)
    save_tokenizer(folder, last=())
    return folder, model


def _means(model):
    return np.vstack([hidden_of(model, [VOCABULARY["<s>"], *ids_of(text)]).mean(axis=0) for text in TEXTS])


def _rounded(model):
    """A copy of the model whose linear weights were made 4-bit and full again."""
    from bitsandbytes import functional

    for module in model.modules():
        if isinstance(module, torch.nn.Linear):
            short, state = functional.quantize_4bit(module.weight.data.bfloat16(), quant_type="nf4")
            module.weight.data = functional.dequantize_4bit(short, state).float()
    return model


def _cosine(a, b):
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_nf4_computes_with_the_rounded_weights(base):
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    folder, model = base
    encoder = load_encoder(str(folder), dtype="nf4")
    kinds = {type(module).__name__ for module in encoder._model.modules()}
    assert "Linear4bit" in kinds
    ids = encoder.tokenizer.encode(TEXTS)
    vectors = encoder.encode_batch(ids)
    full = _means(model)
    expected = _means(_rounded(model))
    # bfloat16 everywhere else: three digits, and nearer to the rounded weights than the full ones are.
    assert _cosine(vectors, expected).min() > 0.999
    assert np.abs(vectors - expected).mean() < np.abs(full - expected).mean() / 2
    assert np.array_equal(vectors, encoder.encode_batch(ids))
    assert encoder.describe()["dtype"] == "nf4"


def test_int8_is_close_to_the_full_weights(base):
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    folder, model = base
    encoder = load_encoder(str(folder), dtype="int8")
    assert "Linear8bitLt" in {type(module).__name__ for module in encoder._model.modules()}
    vectors = encoder.encode_batch(encoder.tokenizer.encode(TEXTS))
    assert _cosine(vectors, _means(model)).min() > 0.995


def test_an_adapter_works_beside_quantized_weights(base, tmp_path):
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    from safetensors.torch import save_file

    folder, model = base
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    torch.manual_seed(3)
    weights, added = {}, {}
    for name, weight in model.named_parameters():
        if name.endswith("v_proj.weight"):
            a, b = torch.randn(4, weight.shape[1]) / 8, torch.randn(weight.shape[0], 4) / 4
            key = f"base_model.model.{name.removesuffix('.weight')}"
            weights |= {f"{key}.lora_A.weight": a, f"{key}.lora_B.weight": b}
            added[name] = 2.0 * b @ a
    save_file(weights, adapter / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["v_proj"]}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    encoder = load_encoder(f"{folder}+{adapter}", dtype="nf4")
    vectors = encoder.encode_batch(encoder.tokenizer.encode(TEXTS))
    without = _means(_rounded(model))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name in added:
                weight.add_(added[name])
    assert _cosine(vectors, _means(model)).min() > 0.999
    assert _cosine(vectors, without).min() < 0.99


def test_without_the_package_it_says_which(base, monkeypatch):
    monkeypatch.setattr(quantized.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="needs the package bitsandbytes"):
        load_encoder(str(base[0]), dtype="nf4")
