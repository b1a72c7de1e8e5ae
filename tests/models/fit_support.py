"""A tiny random encoder, planted records, and a small dataset whose held-out subjects can be changed."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from osler.models.fit.records import Records, make_records
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer
from osler.record.write import write_events, write_metadata

T0 = datetime(2020, 1, 1)
WORDS = [
    "sodium",
    "potassium",
    "heart",
    "cough",
    "platelets",
    "creatinine",
    "fever",
    "oedema",
    "asthma",
    "gout",
]


def write_encoder(folder: Path, *, context: int = 24) -> str:
    """A BERT of 16 numbers per vector in the layout of sentence-transformers: mean, normalised."""
    import torch
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
        model = BertModel(BertConfig(vocab_size=30522, initializer_range=0.3, **sizes))
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
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": context}))
    return str(folder)


def planted_records(encoder: str, *, n: int = 24, label: bool = False, seed: int = 0) -> Records:
    """Records of five statements about one or two words of their own; odd ones bear the label."""
    rng = np.random.default_rng(seed)
    tokenizer = load_tokenizer(encoder)
    texts = [f"\n{word}: {value}" for word in WORDS for value in range(5)]
    own = [[int(i % len(WORDS)), int((i * 3 + 1) % len(WORDS))] for i in range(n)]
    place = np.concatenate([rng.permutation([5 * w + v for w in pair for v in range(5)])[:5] for pair in own])
    return make_records(
        tokenizer.encode(texts),
        place.astype(np.int64),
        np.full(n, 5),
        np.arange(n),
        room=tokenizer.room,
        content_hash=f"planted {n} {seed} {label}",
        label=np.arange(n) % 2 == 1 if label else None,
    )


def write_cohort(folder: Path, *, held_out: int = 0, one_class: bool = False) -> tuple[Path, Path, Path]:
    """Dataset, labels and texts of 20 subjects, of whom 14 train.

    Args:
        folder: where they go.
        held_out: seeds the records and labels of the others.
        one_class: whether all training labels are the same.
    """
    from osler.record.dataset import open_dataset
    from osler.statements.settings import TextSettings
    from osler.statements.write import make_texts

    past, other = np.random.default_rng(1), np.random.default_rng(100 + held_out)
    splits = ["train"] * 14 + ["tuning"] * 2 + ["held_out"] * 4
    rows, labels = [], []
    for subject, split in enumerate(splits):
        source = past if split == "train" else other
        for _ in range(10):
            word = WORDS[int(source.integers(len(WORDS)))]
            time = T0 + timedelta(days=int(source.integers(40)))
            rows.append((subject, time, f"LAB//{word}", float(source.integers(9)), None))
        value = bool(subject % 2) if split == "train" else bool(source.integers(2))
        labels.append((subject, T0 + timedelta(days=50), value and not (one_class and split == "train")))
    names = ["subject_id", "time", "code", "numeric_value", "text_value"]
    types = [pl.Int64, pl.Datetime("us"), pl.String, pl.Float32, pl.String]
    frame = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    dataset = folder / "dataset"
    for shard in range(2):
        write_events(dataset, f"train/{shard}", frame.filter(pl.col("subject_id") % 2 == shard))
    codes = pl.DataFrame({"code": []}, schema={"code": pl.String})
    write_metadata(dataset, name="d", codes=codes, used=frame["code"].unique())
    pl.DataFrame({"subject_id": range(20), "split": splits}).write_parquet(
        dataset / "metadata" / "subject_splits.parquet"
    )
    schema = {"subject_id": pl.Int64, "prediction_time": pl.Datetime("us"), "boolean_value": pl.Boolean}
    made = pl.DataFrame(labels, schema=schema, orient="row")
    (folder / "labels").mkdir(parents=True)
    made.write_parquet(folder / "labels" / "0.parquet")
    samples = made.select("subject_id", "prediction_time")
    make_texts(open_dataset(dataset), samples, folder / "texts", settings=TextSettings())
    return dataset, folder / "labels", folder / "texts"


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file of a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
