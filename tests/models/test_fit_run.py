"""Fitting from end to end: what is learned, what is written, who is seen, and what a kill leaves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from fit_support import contents, planted_records, write_cohort, write_encoder

from osler.base.errors import InputError
from osler.base.hashing import hash_file
from osler.models.encoder import load_encoder
from osler.models.fit import loop
from osler.models.fit.fit import fit_encoder
from osler.models.fit.network import make_network
from osler.models.fit.records import Records
from osler.models.fit.settings import FitSettings
from osler.models.loading import load_model
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer
from osler.represent.adapt import BY_DEFAULT, OF_DATASET, fit_on_texts

ABOUT = {"split": "planted"}
OBJECTIVES = ["contrastive", "mlm", "supervised"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_encoder(tmp_path_factory.mktemp("fit") / "tiny")


def fit(tiny, out, *, records: Records | None = None, checkpoint_steps=50, **values):
    setting = FitSettings(**{"batch": 8, "learning_rate": 1e-2, "head_learning_rate": 1e-2, **values})
    if records is None:
        records = planted_records(tiny, label=setting.objective == "supervised")
    return fit_encoder(
        records, out, encoder=tiny, settings=setting, about=ABOUT, checkpoint_steps=checkpoint_steps
    )


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_loss_falls_on_planted_records_and_the_base_is_untouched(tiny, tmp_path, objective, method):
    before = contents(Path(tiny))
    made = fit(tiny, tmp_path / "out", objective=objective, method=method, epochs=20, learning_rate=5e-3)
    assert made.steps >= 60
    # A new head starts from all 30,522 tokens being as likely.
    assert made.loss_last < (0.9 if objective == "mlm" else 0.8) * made.loss_first
    assert contents(Path(tiny)) == before


def test_an_adapter_loads_with_peft_and_merged_it_gives_the_same_vectors(tiny, tmp_path):
    from peft import PeftModel

    fit(tiny, tmp_path / "out", epochs=3)
    base = load_model(recipe(tiny), dtype="float32")
    ids = torch.tensor([[101, 2000, 2001, 2002, 102], [101, 3000, 3001, 3002, 102]])
    with torch.no_grad():
        bare = base(input_ids=ids).last_hidden_state
        model = PeftModel.from_pretrained(base, tmp_path / "out").eval()
        beside = model(input_ids=ids).last_hidden_state
        merged = model.merge_and_unload()(input_ids=ids).last_hidden_state
    assert (bare - beside).abs().max() > 1e-2
    assert (merged - beside).abs().max() < 1e-5
    layers = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert layers["target_modules"] == ["dense", "key", "query", "value"]
    assert layers["base_model_name_or_path"] == recipe(tiny).model_id
    assert str(tmp_path) not in (tmp_path / "out" / "adapter_config.json").read_text()


def test_a_whole_encoder_is_read_as_any_folder(tiny, tmp_path):
    made = fit(tiny, tmp_path / "out", method="full", epochs=3)
    facts, base = recipe(made.path), recipe(tiny)
    for name in ("architecture", "pooling", "normalise", "context", "dimension"):
        assert getattr(facts, name) == getattr(base, name)
    ids = [[2000, 2001], [3000]]
    ours = load_encoder(made.path, dtype="float32").encode_ids(ids)
    theirs = load_encoder(tiny, dtype="float32").encode_ids(ids)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() > 1e-3


def test_the_card_is_complete_and_files_are_the_owners(tiny, tmp_path):
    made = fit(tiny, tmp_path / "out", steps=2)
    card = json.loads((tmp_path / "out" / "card.json").read_text())
    assert card["patient_data"] is True
    assert "patient data" in card["notice"]
    assert card["base_weights_sha256"] == hash_file(Path(tiny) / "model.safetensors")
    assert card["base_licence"] == recipe(tiny).licence
    assert (card["objective"], card["method"], card["split"]) == ("contrastive", "lora", "planted")
    assert card["settings"]["rank"] == 8
    assert card["settings"]["alpha"] == 32
    assert (card["n_texts"], card["n_subjects"], card["steps"]) == (24, 24, 2)
    assert card["texts_sha256"] == planted_records(tiny).hash
    assert [point[0] for point in card["loss"]["curve"]] == [1, 2]
    assert (made.loss_first, made.loss_last) == (card["loss"]["curve"][0][1], card["loss"]["curve"][1][1])
    private = [path for path in (tmp_path / "out").rglob("*") if path.name != "manifest.json"]
    assert {path.stat().st_mode & 0o777 for path in private if path.is_file()} == {0o600}
    assert sorted(path.name for path in private) == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "card.json",
    ]


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_killed_fit_ends_with_the_same_bytes(tiny, tmp_path, monkeypatch, objective, method):
    values = {"objective": objective, "method": method, "epochs": 4, "checkpoint_steps": 3}
    steps = fit(tiny, tmp_path / "whole", **values).steps
    calls = []
    real = loop.backward

    def dies(*args, **named):
        calls.append(1)
        if len(calls) == 8:
            raise KeyboardInterrupt
        return real(*args, **named)

    monkeypatch.setattr(loop, "backward", dies)
    with pytest.raises(KeyboardInterrupt):
        fit(tiny, tmp_path / "killed", **values)
    fit(tiny, tmp_path / "killed", **values, threads=1)
    assert len(calls) == 8 + steps - 6  # steps after the checkpoint are done again, those before it are not
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_another_process_writes_the_same_bytes(tiny, tmp_path):
    """Sets are in another order there."""
    fit(tiny, tmp_path / "here", steps=2)
    code = (
        "import sys; from pathlib import Path; from test_fit_run import fit; "
        "fit(sys.argv[1], Path(sys.argv[2]), steps=2)"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    subprocess.run(
        [sys.executable, "-c", code, tiny, str(tmp_path / "there")],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "7"},
    )
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_another_seed_gives_other_weights(tiny, tmp_path):
    files = []
    for seed in (0, 1):
        fit(tiny, tmp_path / str(seed), steps=2, seed=seed)
        files.append((tmp_path / str(seed) / "adapter_model.safetensors").read_bytes())
    assert files[0] != files[1]


def test_what_does_not_apply_is_refused_before_anything_is_written(tiny, tmp_path):
    from dataclasses import replace

    records = planted_records(tiny, label=True)
    one_class = replace(records, label=np.ones(records.n, dtype=bool))
    for values, said in (
        ({"objective": "supervised", "records": planted_records(tiny)}, "needs labels"),
        ({"objective": "supervised", "records": one_class}, "one class"),
        ({"targets": ("query", "gate_proj")}, "no linear layer 'gate_proj'"),
        ({"memory": 1e-6}, "GiB or more|holds no token"),
    ):
        with pytest.raises(InputError, match=said):
            fit(tiny, tmp_path / "out", **values)
    network = make_network(recipe(tiny), load_tokenizer(tiny), FitSettings())
    decoder = replace(network, facts=replace(network.facts, architecture="qwen3"))
    from osler.models.fit.heads import require_masked

    with pytest.raises(InputError, match="does not apply to the architecture 'qwen3'"):
        require_masked(decoder)


def test_a_loss_that_is_no_number_is_an_error(tiny, tmp_path):
    with pytest.raises(InputError, match="no number"):
        fit(tiny, tmp_path / "out", method="full", learning_rate=1.0, weight_decay=1e30, epochs=20)


def test_some_layers_alone(tiny, tmp_path):
    some = fit(tiny, tmp_path / "some", steps=1, targets=("query", "value"), rank=2)
    assert some.n_weights == 2 * 2 * (16 * 2 + 2 * 16)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_held_out_subjects_are_never_seen(tiny, tmp_path, objective):
    """Their records and labels change, the bytes do not."""
    made = []
    for held_out in (0, 1):
        dataset, labels, texts = write_cohort(tmp_path / str(held_out), held_out=held_out)
        setting = FitSettings(objective=objective, batch=8)
        summary = fit_on_texts(
            texts,
            tmp_path / f"out{held_out}",
            encoder=tiny,
            settings=setting,
            dataset=dataset,
            labels=labels if objective == "supervised" else None,
        )
        assert (summary.n_texts, summary.split) == (14, OF_DATASET)
        made.append(contents(tmp_path / f"out{held_out}"))
    texts = [pl.read_parquet(tmp_path / name / "texts" / "texts")["text"].to_list() for name in ("0", "1")]
    assert texts[0] != texts[1]
    assert made[0] == made[1]


def test_without_a_dataset_the_default_division_holds(tiny, tmp_path):
    from osler.record.splits import default_splits

    _, _, texts = write_cohort(tmp_path)
    train = default_splits(pl.DataFrame({"subject_id": range(20)})).filter(split="train").height
    summary = fit_on_texts(texts, tmp_path / "out", encoder=tiny, settings=FitSettings(steps=1))
    assert (summary.n_texts, summary.split) == (train, BY_DEFAULT)


def test_a_person_on_two_sides_is_refused(tiny, tmp_path):
    dataset, _, texts = write_cohort(tmp_path)
    groups = pl.DataFrame({"subject_id": range(20), "group_id": [0, *range(1, 19), 0]})
    groups.write_parquet(dataset / "metadata" / "subjects.parquet")
    with pytest.raises(InputError, match="several splits"):
        fit_on_texts(texts, tmp_path / "out", encoder=tiny, settings=FitSettings(), dataset=dataset)


def test_labels_must_apply(tiny, tmp_path):
    dataset, labels, texts = write_cohort(tmp_path, one_class=True)
    given = {"encoder": tiny, "dataset": dataset}
    supervised = FitSettings(objective="supervised")
    with pytest.raises(InputError, match="labels say nothing"):
        fit_on_texts(texts, tmp_path / "out", settings=FitSettings(), labels=labels, **given)
    with pytest.raises(InputError, match="needs labels"):
        fit_on_texts(texts, tmp_path / "out", settings=supervised, **given)
    with pytest.raises(InputError, match="one class"):
        fit_on_texts(texts, tmp_path / "out", settings=supervised, labels=labels, **given)
    assert not (tmp_path / "out").exists()


def test_the_command(tiny, tmp_path, osler):
    dataset, labels, texts = write_cohort(tmp_path)
    words = ["--encoder", tiny, "--dataset", dataset, "--batch", 8, "--rank", 2, "--json"]
    told = osler("encoders", "fit", texts, "-o", tmp_path / "out", *words)
    assert told.code == 0, told.err
    assert json.loads(told.out)["n_texts"] == 14
    assert "fit: 14 texts, 2 steps of 8" in told.err
    again = osler("encoders", "fit", texts, "-o", tmp_path / "out", *words)
    assert again.out == told.out
    for more, said in (
        (["--rank", 0], "rank"),
        (["--method", "full", "--rank", 2], "says nothing"),
        (["--objective", "supervised"], "needs labels"),
        (["--target", "gate_proj"], "no linear layer"),
        (["--labels", labels], "labels say nothing"),
    ):
        refused = osler("encoders", "fit", texts, "-o", tmp_path / "no", "--encoder", tiny, *more)
        assert refused.code == 2
        assert said in refused.err
        assert not (tmp_path / "no").exists()


def test_the_masked_head_of_the_weights_is_used(tmp_path):
    """A BERT that was saved with its head: the head is read, not drawn."""
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertForMaskedLM

    from osler.models.fit.heads import masked_head, token_logits

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertForMaskedLM(BertConfig(vocab_size=30522, initializer_range=0.3, **sizes)).eval()
    with torch.no_grad():
        model.cls.predictions.bias.normal_()
    model.save_pretrained(tmp_path)
    shutil.copy(recipe("minilm").path() / "tokenizer.json", tmp_path)
    network = make_network(recipe(str(tmp_path)), load_tokenizer(str(tmp_path)), FitSettings(objective="mlm"))
    head = masked_head(network, seed=0)
    ids = torch.tensor([[101, 2000, 103, 2002, 102]])
    with torch.no_grad():
        theirs = model(input_ids=ids).logits[0, 2]
        ours = token_logits(network, head, network.hidden([[2000, 103, 2002]])[0][0, 2:3])[0]
    assert (ours - theirs).abs().max() < 1e-4
