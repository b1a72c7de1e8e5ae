"""Tiny encoders with random weights, and the slow way to their vectors: one text at a time, no padding."""

import importlib
import json

import numpy as np
import torch

from osler.models.architectures import ARCHITECTURES

WORDS = [f"w{i}" for i in range(60)]
CONTROL = ["[PAD]", "<s>", "</s>", "<unk>", "<|endoftext|>"]
CONTROL += ["<|start_header_id|>", "user", "<|end_header_id|>", "<|eot_id|>"]
VOCABULARY = {word: i for i, word in enumerate([*CONTROL, *WORDS, "Instruct", "Query", ":"])}
WIDTH = 16

TEXTS = ["w1 w2 w3", "w4", "", " ".join(WORDS[:40]), *[" ".join(WORDS[i : i + 5 + i]) for i in range(8)]]

_SMALL = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": WIDTH,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 128,
    "pad_token_id": 0,
    # Large enough for attention and positions to matter: at 0.02 every mask gives nearly the same.
    "initializer_range": 0.4,
}
_OWN = {
    "distilbert": {"dim": WIDTH, "n_layers": 3, "n_heads": 2, "hidden_dim": 32},
    "roberta": {"max_position_embeddings": 130},
    "xlm-roberta": {"max_position_embeddings": 130},
    "modernbert": {"local_attention": 8},
    "qwen2": {"num_key_value_heads": 1},
    "qwen3": {"num_key_value_heads": 1, "head_dim": 8},
    "llama": {"num_key_value_heads": 1},
    "mistral": {"num_key_value_heads": 1},
}
_NOT_OF = {"distilbert": ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")}


def tiny_model(architecture, *, seed=0, **changes):
    """A model of the class that transformers has for this architecture, with random weights."""
    known = ARCHITECTURES[architecture]
    module = importlib.import_module(f"transformers.models.{known.module}")
    kind = getattr(module, known.kind)
    settings = {key: value for key, value in _SMALL.items() if key not in _NOT_OF.get(architecture, ())}
    torch.manual_seed(seed)
    model = kind(kind.config_class(**{**settings, **_OWN.get(architecture, {}), **changes}))
    for name, weight in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight, std=0.3)
    return model.eval()


def save_tokenizer(folder, *, first=("<s>",), last=("</s>",)):
    """A tokenizer of words, with these special tokens around every text."""
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.processors import TemplateProcessing

    tokenizer = Tokenizer(WordLevel(VOCABULARY, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in CONTROL if token != "user"])
    special = [(token, VOCABULARY[token]) for token in {*first, *last}]
    tokenizer.post_processor = TemplateProcessing(
        single=" ".join([*first, "$A", *last]), pair=None, special_tokens=special
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def save_layout(folder, *, pooling="mean", normalise=False, heads=()):
    """`modules.json` and what it names, as sentence-transformers writes them."""
    key = {"mean": "mean_tokens", "cls": "cls_token", "last": "lasttoken"}[pooling]
    parts = [("Transformer", ""), ("Pooling", "1_Pooling"), *[("Dense", head) for head in heads]]
    parts += [("Normalize", "9_Normalize")] if normalise else []
    modules = [
        {"idx": i, "name": str(i), "type": f"sentence_transformers.models.{kind}", "path": path}
        for i, (kind, path) in enumerate(parts)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = {"mean_tokens": False, "cls_token": False, "lasttoken": False, key: True}
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps({f"pooling_mode_{name}": value for name, value in modes.items()})
    )


def save_head(folder, name, *, width, dimension, seed=1):
    """A dense head with random weights; returns weight and bias."""
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    weight, bias = torch.randn(dimension, width), torch.randn(dimension)
    (folder / name).mkdir()
    settings = {
        "in_features": width,
        "out_features": dimension,
        "bias": True,
        "activation_function": "torch.nn.modules.linear.Identity",
    }
    (folder / name / "config.json").write_text(json.dumps(settings))
    save_file({"linear.weight": weight, "linear.bias": bias}, folder / name / "model.safetensors")
    return weight.numpy(), bias.numpy()


def ids_of(text):
    """Token ids of a text of known words."""
    return [VOCABULARY[word] for word in text.split()]


def hidden_of(model, ids, *, bidirectional=False):
    """Token vectors of one text: float32 [n_tokens, width]; plain attention, no padding."""
    model.set_attn_implementation("eager")
    mask = torch.zeros(1, 1, len(ids), len(ids)) if bidirectional else None
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([ids]), attention_mask=mask)
    return output.last_hidden_state[0].numpy()


def unit(vectors):
    """Vectors of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
