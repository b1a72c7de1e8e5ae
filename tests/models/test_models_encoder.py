"""Encoders: vectors equal those of sentence-transformers, weights checked, batches planned from texts."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.models.batching import key_of_ids, plan_batches
from osler.models.encoder import load_encoder
from osler.models.loading import choose_dtype, weights_hash
from osler.models.recipes import recipe

TEXTS = [
    "Sodium (mmol/L): 140",
    "",
    "Atrial fibrillation",
    "shock " * 200,
    "Größe (cm): 180 — «β-lactam» 你好",
    *[f"Lab {i}: {i * 7}" + " stable" * (i % 30) for i in range(60)],
]


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("minilm", dtype="float32")


def test_vectors_equal_those_of_sentence_transformers(encoder):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    model = sentence_transformers.SentenceTransformer(str(encoder.facts.path()), device="cpu")
    theirs = model.encode(TEXTS)
    ours = encoder.encode_ids(encoder.tokenizer.encode(TEXTS))
    assert np.abs(ours - theirs).max() < 1e-5


def test_bfloat16_is_close_and_repeats_its_bytes(encoder):
    fast = load_encoder("minilm", dtype="bfloat16")
    ids = encoder.tokenizer.encode(TEXTS[:20])
    vectors = fast.encode_ids(ids)
    assert (vectors * encoder.encode_ids(ids)).sum(axis=1).min() > 0.999
    assert np.array_equal(vectors, fast.encode_ids(ids))
    assert fast.describe()["dtype"] == "bfloat16"


def test_bytes_do_not_depend_on_threads(encoder):
    import torch

    before = torch.get_num_threads()
    ids = encoder.tokenizer.encode(TEXTS * 3)
    vectors = [load_encoder("minilm", dtype="float32", threads=n).encode_ids(ids) for n in (1, 3)]
    assert np.array_equal(*vectors)
    assert torch.get_num_threads() == before


def test_a_text_is_never_cut(encoder):
    with pytest.raises(InputError, match="longer than the context"):
        encoder.encode_ids([[1000] * 255])


def test_vectors_do_not_depend_on_the_company(encoder):
    ids = encoder.tokenizer.encode(TEXTS)
    together = encoder.encode_ids(ids)
    alone = np.vstack([encoder.encode_ids([one]) for one in ids[:8]])
    assert np.abs(together[:8] - alone).max() < 1e-5


def test_weights_of_the_embedded_encoder_are_checked(tmp_path):
    facts = recipe("minilm")
    assert weights_hash(facts) == facts.weights_sha256
    copy = tmp_path / "model"
    shutil.copytree(facts.path(), copy)
    (copy / "model.safetensors").write_bytes(b"other")
    from dataclasses import replace

    with pytest.raises(InputError, match="SHA-256"):
        weights_hash(replace(facts, folder=str(copy)))
    with pytest.raises(InputError, match="cannot be loaded"):
        load_encoder(str(copy), dtype="float32")


def test_a_local_folder_gives_the_facts_of_its_files(encoder):
    facts = recipe(str(encoder.facts.path()))
    known = encoder.facts
    for field in ("architecture", "pooling", "normalise", "context", "dimension", "prompt"):
        assert getattr(facts, field) == getattr(known, field)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_tiny_random_models_of_other_folders(tmp_path, encoder, pooling):
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    config = BertConfig(
        vocab_size=30522, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    BertModel(config).save_pretrained(tmp_path)
    shutil.copy(encoder.facts.path() / "tokenizer.json", tmp_path)
    modules = [
        {"idx": 0, "name": "0", "type": "sentence_transformers.models.Transformer", "path": ""},
        {"idx": 1, "name": "1", "type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
    ]
    (tmp_path / "modules.json").write_text(json.dumps(modules))
    (tmp_path / "1_Pooling").mkdir()
    mode = {"mean": "pooling_mode_mean_tokens", "cls": "pooling_mode_cls_token"}[pooling]
    other = {"cls": "pooling_mode_mean_tokens", "mean": "pooling_mode_cls_token"}[pooling]
    (tmp_path / "1_Pooling" / "config.json").write_text(
        json.dumps({"word_embedding_dimension": 16, mode: True, other: False})
    )
    tiny = load_encoder(str(tmp_path), dtype="float32")
    assert (tiny.facts.pooling, tiny.facts.normalise, tiny.facts.context) == (pooling, False, 512)
    ids = tiny.tokenizer.encode(["one two three", "four"])
    vectors = tiny.encode_ids(ids)
    sentence_transformers = pytest.importorskip("sentence_transformers")
    theirs = sentence_transformers.SentenceTransformer(str(tmp_path), device="cpu").encode(
        ["one two three", "four"]
    )
    assert np.abs(vectors - theirs).max() < 1e-5


def test_what_a_folder_asks_for_and_we_lack_is_refused(tmp_path, encoder):
    copy = tmp_path / "model"
    shutil.copytree(encoder.facts.path(), copy)
    modules = json.loads((copy / "modules.json").read_text())
    modules.append({"type": "sentence_transformers.models.Dense", "path": "3_Dense"})
    (copy / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(InputError, match="Dense"):
        recipe(str(copy))
    (copy / "config.json").write_text(json.dumps({"model_type": "t5"}))
    with pytest.raises(InputError, match="t5"):
        recipe(str(copy))


def test_number_formats():
    assert choose_dtype("auto") in ("float32", "bfloat16")
    with pytest.raises(InputError, match="float16"):
        choose_dtype("float16")


lengths_of_texts = st.lists(st.integers(0, 60), max_size=60)


@settings(deadline=None, max_examples=100)
@given(lengths_of_texts, st.randoms(use_true_random=False), st.integers(1, 200))
def test_every_text_is_in_one_batch_within_the_budget(lengths, random, budget):
    keys = [key_of_ids([i, length]) for i, length in enumerate(lengths)]
    batches = plan_batches(lengths, keys, budget=budget)
    assert sorted(int(i) for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or sum(lengths[i] for i in batch) <= budget
    order = list(range(len(lengths)))
    random.shuffle(order)
    shuffled = plan_batches([lengths[i] for i in order], [keys[i] for i in order], budget=budget)
    assert [[keys[order[i]] for i in batch] for batch in shuffled] == [[keys[i] for i in b] for b in batches]


def test_a_few_new_texts_change_a_few_batches():
    keys = [key_of_ids([i]) for i in range(20_100)]
    lengths = [10 + i % 20 for i in range(20_100)]

    def contents(n):
        return {tuple(keys[i] for i in batch) for batch in plan_batches(lengths[:n], keys[:n], budget=1024)}

    before, after = contents(20_000), contents(20_100)
    assert len(before & after) > 0.6 * len(before)
