"""A tiny random encoder and small texts: everything that encoding needs, in a second."""

import json
import shutil
from pathlib import Path

import pytest
from represent_support import two_samples_each, write_dataset

from osler.models.recipes import recipe


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of a sentence encoder with random weights: 16 numbers per vector, windows of 24 tokens."""
    import torch
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    folder = tmp_path_factory.mktemp("encoder") / "tiny"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
        model = BertModel(BertConfig(vocab_size=30522, initializer_range=0.5, **sizes))
    model.save_pretrained(folder)
    shutil.copy(recipe("minilm").path() / "tokenizer.json", folder)
    kinds = ("Transformer", "Pooling", "Normalize")
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 24}))
    return str(folder)


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder of texts in three shards."""
    from osler.statements.settings import TextSettings
    from osler.statements.write import make_texts

    out = tmp_path / "texts"
    make_texts(write_dataset(tmp_path / "dataset"), two_samples_each(), out, settings=TextSettings())
    return out
