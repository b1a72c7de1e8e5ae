"""The table of encoders beside what their publishers state."""

import importlib

import pytest

from osler.models.architectures import ARCHITECTURES
from osler.models.recipe_table import RECIPES

QWEN2 = {"vocab_size": 151646, "num_hidden_layers": 28}
QWEN3 = {"vocab_size": 151665, "num_key_value_heads": 8, "head_dim": 128}
LLAMA_8B = {
    "vocab_size": 128256,
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
}
# What `config.json` of each published model says, where the class of transformers has another default.
SIZES = {
    "minilm": {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536},
    "stella-400m": {
        "vocab_size": 30528,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "type_vocab_size": 2,
    },
    "qwen3-embedding-0.6b": QWEN3
    | {"hidden_size": 1024, "num_hidden_layers": 28, "num_attention_heads": 16, "intermediate_size": 3072},
    "qwen3-embedding-4b": QWEN3
    | {"hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32, "intermediate_size": 9728},
    "qwen3-embedding-8b": QWEN3
    | {"hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32, "intermediate_size": 12288},
    "gte-qwen2-1.5b": QWEN2
    | {"hidden_size": 1536, "num_attention_heads": 12, "num_key_value_heads": 2, "intermediate_size": 8960},
    "gte-qwen2-7b": QWEN2
    | {"hidden_size": 3584, "num_attention_heads": 28, "num_key_value_heads": 4, "intermediate_size": 18944},
    "llm2vec-llama-3.1-8b": LLAMA_8B,
    "llm2vec-sheared-1.3b": {
        "vocab_size": 32000,
        "hidden_size": 2048,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 5504,
    },
    "llama-3.1-8b": LLAMA_8B,
    "deepseek-r1-llama-8b": LLAMA_8B,
    "biobert": {"vocab_size": 28996},
    "clinicalbert": {"vocab_size": 28996},
    "biomedbert": {"vocab_size": 30522},
    "medbert": {"vocab_size": 28996},
    "bioclinical-modernbert": {"vocab_size": 50368},
    "bioclinical-modernbert-large": {
        "vocab_size": 50368,
        "hidden_size": 1024,
        "num_hidden_layers": 28,
        "num_attention_heads": 16,
        "intermediate_size": 2624,
    },
}


def test_an_instruction_is_put_before_the_text_as_in_the_code_of_the_publisher():
    asked = {
        name: row.prompt.format(instruction="I", text="T") for name, row in RECIPES.items() if row.prompt
    }
    qwen3, gte = "Instruct: I\nQuery:T", "Instruct: I\nQuery: T"
    assert asked == {
        "stella-400m": gte,
        "qwen3-embedding-0.6b": qwen3,
        "qwen3-embedding-4b": qwen3,
        "qwen3-embedding-8b": qwen3,
        "gte-qwen2-1.5b": gte,
        "gte-qwen2-7b": gte,
        "llm2vec-llama-3.1-8b": "I T",
        # Its tokenizer puts the space before the text.
        "llm2vec-sheared-1.3b": "IT",
        # No publisher says how: these are not trained to compare texts.
        "llama-3.1-8b": "I\nT",
        "deepseek-r1-llama-8b": "I\nT",
    }


@pytest.mark.parametrize("name", RECIPES)
def test_numbers_of_weights_are_those_of_the_published_sizes(name):
    import torch

    row = RECIPES[name]
    known = ARCHITECTURES[row.architecture]
    kind = getattr(importlib.import_module(f"transformers.models.{known.module}"), known.kind)
    config = kind.config_class(**SIZES[name])
    options = {"add_pooling_layer": False} if known.pooler else {}
    with torch.device("meta"):
        model = kind(config, **options)
    weights = sum(one.numel() for one in model.parameters())
    if row.heads:
        weights += (config.hidden_size + 1) * row.dimension
    assert row.parameters == round(weights / 1e6)
    # What the vectors are cut from, or a head makes them from.
    assert config.hidden_size == (row.width or row.dimension)
