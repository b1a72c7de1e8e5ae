"""A study of phenotypes runs unchanged with a folder of another model, with an adapter, in four bits."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from osler.base.files import read_json
from osler.models.recipes import recipe
from osler.study.run import run_study
from osler.study.schema import read_study

STUDY = """
osler: 1
name: arms
dataset: {simulate: {subjects: 60, hospitals: 1, seed: 2}}
tasks: {readmission: {use: readmission}}
texts: {main: {budget: 128}}
representations:
  document: {kind: document, text: main, encoder: ENCODER, dtype: nf4}
phenotype:
  arms: [kmeans, spherical]
  k: [2, 3]
  seeds: 1
  splits: 1
  bootstraps: 2
  references: 0
  compare: {scored: 50, order: 10}
"""


def _llama(folder: Path) -> None:
    """A Llama with random weights and the tokenizer of the embedded encoder."""
    import torch
    from transformers.models.llama.configuration_llama import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaModel

    config = LlamaConfig(
        vocab_size=30_522,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=512,
        pad_token_id=0,
        initializer_range=0.1,
    )
    torch.manual_seed(0)
    LlamaModel(config).save_pretrained(folder)
    shutil.copy(recipe("minilm").path() / "tokenizer.json", folder)


def _adapter(folder: Path) -> None:
    """A LoRA adapter of rank 4 on the values of that Llama, random too."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    torch.manual_seed(1)
    weights = {}
    for layer in range(2):
        key = f"base_model.model.layers.{layer}.self_attn.v_proj"
        weights[f"{key}.lora_A.weight"] = torch.randn(4, 64) / 8
        weights[f"{key}.lora_B.weight"] = torch.randn(32, 4) / 4
    save_file(weights, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["v_proj"]}
    (folder / "adapter_config.json").write_text(json.dumps(config))


def test_the_same_study_with_a_quantized_decoder_and_its_adapter(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed")
    _llama(tmp_path / "llama")
    _adapter(tmp_path / "adapter")
    encoder = f"{tmp_path / 'llama'}+{tmp_path / 'adapter'}"
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.replace("ENCODER", encoder))
    run_study(read_study(file), tmp_path / "out")
    place = tmp_path / "out/phenotypes/readmission"
    arms = read_json(place / "compare/compare.json")["arms"]
    assert list(arms) == ["document/kmeans", "document/spherical"]
    made = read_json(tmp_path / "out/vectors/document/encoder.json")["encoder"]
    assert (made["architecture"], made["dtype"], len(made["adapters_sha256"])) == ("llama", "nf4", 1)
    indices = pl.read_parquet(place / "document/indices.parquet")
    assert indices["silhouette_micro"].is_not_null().all()
