"""Folders and names: sharded and older files, what is broken or does not fit, where published models lie."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from models_support import TEXTS, VOCABULARY, WIDTH, hidden_of, ids_of, save_tokenizer, tiny_model

from osler.base.errors import InputError
from osler.models import check, hub, loading
from osler.models.encoder import load_encoder
from osler.models.recipe_table import RECIPES
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer
from osler.models.weights import weights_hash


@pytest.fixture(autouse=True)
def _nothing_stays_loaded():
    load_encoder.cache_clear()
    load_tokenizer.cache_clear()


def _folder(path, architecture="qwen3", **save):
    path.mkdir(parents=True, exist_ok=True)
    model = tiny_model(architecture)
    model.save_pretrained(path, **save)
    save_tokenizer(path)
    return model


def _edit(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _means(model):
    ids = [[VOCABULARY["<s>"], *ids_of(text), VOCABULARY["</s>"]] for text in TEXTS]
    return [hidden_of(model, one).mean(axis=0) for one in ids]


def test_sharded_weights(tmp_path):
    model = _folder(tmp_path, max_shard_size="8KB")
    shards = sorted(tmp_path.glob("*.safetensors"))
    assert len(shards) > 1
    encoder = load_encoder(str(tmp_path), dtype="float32")
    assert np.abs(encoder.encode_batch(encoder.tokenizer.encode(TEXTS)) - _means(model)).max() < 1e-4
    before = weights_hash(encoder.facts)
    other = bytearray(shards[-1].read_bytes())
    other[-1] ^= 1
    shards[-1].write_bytes(other)
    assert weights_hash(encoder.facts) != before
    shards[0].unlink()
    with pytest.raises(InputError, match=shards[0].name):
        recipe(str(tmp_path))


def test_pickled_weights_are_read_as_numbers_only(tmp_path):
    model = _folder(tmp_path, "bert")
    (tmp_path / "model.safetensors").unlink()
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    encoder = load_encoder(str(tmp_path), dtype="float32")
    assert np.abs(encoder.encode_batch(encoder.tokenizer.encode(TEXTS)) - _means(model)).max() < 1e-4

    class Harm:
        def __reduce__(self):
            return (tmp_path.joinpath("harm").touch, ())

    torch.save({"a": Harm()}, tmp_path / "pytorch_model.bin")
    load_encoder.cache_clear()
    with pytest.raises(InputError, match="more than numbers"):
        load_encoder(str(tmp_path), dtype="float32")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(("lowercase", "expected"), [(False, ["Sodium", "low"]), (True, ["sodium", "low"])])
def test_a_tokenizer_of_vocab_txt_keeps_or_lowers_capitals(tmp_path, lowercase, expected):
    _folder(tmp_path, "bert")
    (tmp_path / "tokenizer.json").unlink()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Sodium", "sodium", "low"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lowercase}))
    tokenizer = load_tokenizer(str(tmp_path))
    assert [words[i] for i in tokenizer.encode(["Sodium low"])[0]] == expected
    assert (tokenizer.prefix, tokenizer.suffix) == ((2,), (3,))
    assert not {2, 3} & set(tokenizer.encode(["[CLS] [SEP]"])[0])
    # ClinicalBERT's folder says nothing, and its vocabulary has capitals: the recipe knows.
    (tmp_path / "tokenizer_config.json").unlink()
    cased = load_tokenizer(f"clinicalbert@{tmp_path}")
    assert [words[i] for i in cased.encode(["Sodium low"])[0]] == ["Sodium", "low"]


def test_broken_folders_say_what_is_wrong(tmp_path):
    whole = tmp_path / "whole"
    _folder(whole)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"'config\.json' is missing"):
        recipe(str(tmp_path / "empty"))

    def broken(name):
        shutil.copytree(whole, tmp_path / name)
        return tmp_path / name

    folder = broken("architecture")
    _edit(folder / "config.json", model_type="mamba")
    with pytest.raises(InputError, match="'mamba' is not supported"):
        recipe(str(folder))
    folder = broken("weights")
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"no model\.safetensors"):
        recipe(str(folder))
    folder = broken("layers")
    _edit(folder / "config.json", num_hidden_layers=4, layer_types=None, max_window_layers=4)
    with pytest.raises(InputError, match=r"weights are missing, the first is 'layers\.3"):
        load_encoder(str(folder), dtype="float32")
    folder = broken("shapes")
    _edit(folder / "config.json", intermediate_size=40)
    with pytest.raises(InputError, match=r"cannot be loaded|other shapes"):
        load_encoder(str(folder), dtype="float32")
    folder = broken("file")
    (folder / "model.safetensors").write_bytes(b"<html>not found</html>")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_encoder(str(folder), dtype="float32")
    folder = broken("tokenizer")
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match="tokenizer not readable"):
        load_tokenizer(str(folder))


def test_a_folder_of_another_model_than_the_recipe_is_refused(tmp_path):
    _folder(tmp_path, "llama")
    with pytest.raises(InputError, match="architecture 'qwen3', the folder of 'llama'"):
        load_encoder(f"qwen3-embedding-0.6b@{tmp_path}", dtype="float32")
    with pytest.raises(InputError, match=f"vectors of 4096 numbers, the folder of {WIDTH}"):
        load_encoder(f"llama-3.1-8b@{tmp_path}", dtype="float32")
    with pytest.raises(InputError, match="no folder"):
        recipe("llama-3.1-8b@/no/such/folder")


def test_dimensions(tmp_path):
    assert recipe("qwen3-embedding-8b:1024").dimension == 1024
    assert recipe("qwen3-embedding-8b:4096") is RECIPES["qwen3-embedding-8b"]
    assert recipe("qwen3-embedding-8b:1000").dimension == 1000
    for name in ("qwen3-embedding-0.6b:2048", "minilm:128", "qwen3-embedding-8b:0"):
        with pytest.raises(InputError, match="no vectors of dimension"):
            recipe(name)
    # A folder whose name ends like a dimension is that folder.
    _folder(tmp_path / "model:256")
    assert recipe(str(tmp_path / "model:256")).dimension == WIDTH


def test_a_folder_tells_its_prompt(tmp_path):
    _folder(tmp_path)
    prompts = {"query": "Instruct: find the passage\nQuery:", "document": ""}
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    facts = recipe(str(tmp_path))
    assert facts.prompt == "Instruct: {instruction}\nQuery:{text}"
    assert (facts.follows_instructions, facts.prompt_side, facts.padding_side) == (True, "queries", "left")


def test_published_models_are_looked_up_and_never_fetched_unless_named_so(tmp_path, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot_download(model_id, *, local_files_only=False, **options):
        asked.append((model_id, local_files_only, options))
        if local_files_only:
            from huggingface_hub.errors import LocalEntryNotFoundError

            raise LocalEntryNotFoundError("not here")
        return str(tmp_path / "fetched")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    monkeypatch.delenv(hub.MODELS_VARIABLE, raising=False)
    _folder(tmp_path / "fetched")
    for name in ("biobert", "owner/model"):
        with pytest.raises(InputError, match="not on this machine"):
            weights_hash(recipe(name))
    assert all(local for _, local, _ in asked)
    facts = recipe("hub:owner/model")
    assert (facts.name, facts.model_id) == ("model", "owner/model")
    assert [model_id for model_id, local, _ in asked if not local] == ["owner/model"]
    assert not any(pattern.endswith(".py") for pattern in asked[-1][2]["allow_patterns"])
    # What a recipe describes keeps its facts.
    assert recipe("hub:Qwen/Qwen3-Embedding-8B").pooling == "last"


def test_the_local_cache_of_hugging_face_is_found(tmp_path, monkeypatch):
    from huggingface_hub import constants

    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.delenv(hub.MODELS_VARIABLE, raising=False)
    repository = cache / "models--owner--model"
    _folder(repository / "snapshots" / "abc123")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc123")
    facts = recipe("owner/model")
    assert (facts.name, facts.revision, facts.dimension) == ("model", "abc123", WIDTH)


def test_what_does_not_fit_into_memory_is_refused(tmp_path, monkeypatch):
    _folder(tmp_path, "llama")
    row = replace(RECIPES["llama-3.1-8b"], dimension=WIDTH, parameters=10_000_000)
    monkeypatch.setitem(RECIPES, row.name, row)
    with pytest.raises(InputError, match="GB of memory"):
        loading.load_model(recipe(f"{row.name}@{tmp_path}"), dtype="float32")


def test_the_list_says_what_can_run(tmp_path, monkeypatch):
    monkeypatch.setenv(hub.MODELS_VARIABLE, str(tmp_path))
    _folder(tmp_path / "biobert", "bert")
    _folder(tmp_path / "gte-Qwen2-7B-instruct", "qwen2")
    row = replace(RECIPES["gte-qwen2-7b"], parameters=10_000_000)
    monkeypatch.setitem(RECIPES, row.name, row)
    listed = {one["name"]: one for one in check.list_encoders()}
    assert listed["minilm"]["runs_here"] == listed["biobert"]["runs_here"] == "runs here"
    assert "GB of memory" in listed["gte-qwen2-7b"]["runs_here"]
    assert listed["biomedbert"]["runs_here"].startswith("weights are missing")
    assert listed["qwen3-embedding-4b"]["memory_gb"] == pytest.approx(9.3, abs=0.1)
