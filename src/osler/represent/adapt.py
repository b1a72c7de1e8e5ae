"""From a folder of texts to the training records that an encoder is fitted on, and no others."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.hashing import hash_bytes, hash_json
from osler.base.progress import note
from osler.models.fit.fit import FitSummary, fit_encoder
from osler.models.fit.records import Records, make_records
from osler.models.fit.settings import FitSettings
from osler.models.servers.address import is_server
from osler.models.tokenizer import load_tokenizer
from osler.record.dataset import Dataset, open_dataset
from osler.record.schema import SAMPLE_KEY, TRAIN
from osler.record.splits import default_splits
from osler.represent.windows import pieces_of_texts
from osler.statements.read import Texts, open_texts
from osler.task.labels import open_labels

OF_DATASET = "train, as subject_splits.parquet of the dataset says"
BY_DEFAULT = "train, by the default division of persons (seed 0)"


def fit_on_texts(
    texts_path: Path,
    out: Path,
    *,
    encoder: str,
    settings: FitSettings,
    labels: Path | None = None,
    dataset: Path | None = None,
) -> FitSummary:
    """Fit an encoder to the texts of training subjects.

    Args:
        texts_path: a folder that `osler text` made.
        out: the folder of the result.
        encoder: a name of `RECIPES`, or the folder of an encoder.
        settings: how.
        labels: folder of labels, for the objective `supervised`.
        dataset: the dataset that the texts were made from, whose `subject_splits.parquet` says who trains;
            None, or a dataset without that file: the default division of persons. Tuning and held-out
            subjects are never seen, whatever the objective.

    Raises:
        InputError: no such texts, labels or encoder; labels without or besides the objective `supervised`;
            persons on two sides; too few texts; whatever `fit_encoder` refuses.
    """
    if is_server(encoder):
        raise InputError(
            "a model on a server cannot be fitted here",
            where="--encoder",
            remedy="name an encoder whose weights are on this machine",
        )
    texts = open_texts(texts_path)
    opened = None if dataset is None else open_dataset(dataset)
    if (labels is not None) != (settings.objective == "supervised"):
        raise InputError(
            f"labels say nothing for the objective '{settings.objective}'"
            if labels is not None
            else "supervised fitting needs labels",
            where="--labels",
            remedy="leave them out, or use --objective supervised"
            if labels is not None
            else "name a folder of labels with --labels",
        )
    if labels is not None and texts.at_record_end:
        raise InputError(
            "these texts end where the records end, which is known only afterwards",
            where=texts_path,
            remedy="make texts of the labels' samples: osler text DATASET LABELS -o FOLDER",
        )
    train, split = training_subjects(texts, opened)
    samples = _samples(train, labels, opened)
    records = read_records(texts, samples, encoder=encoder)
    if split == BY_DEFAULT:
        note(f"fit: no splits were named: {split}. Name the dataset with --dataset to use its own.")
    about: dict[str, Any] = {
        "split": split,
        "texts": {name: texts.info[name] for name in ("style", "budget", "tokenizer", "samples")},
    }
    return fit_encoder(records, out, encoder=encoder, settings=settings, about=about)


def training_subjects(texts: Texts, dataset: Dataset | None) -> tuple[pl.DataFrame, str]:
    """Who may be learned from.

    Args:
        texts: the texts.
        dataset: that they were made from, or None.

    Returns:
        `subject_id, person` of training subjects, sorted, and how they were chosen.

    Raises:
        InputError: another dataset, or a person with subjects on two sides.
    """
    subjects = texts.texts().select("subject_id").unique().collect().sort("subject_id")
    known = None if dataset is None else dataset.subjects
    persons = subjects.with_columns(group_id=pl.col("subject_id"))
    if known is not None and "group_id" in known.columns:
        persons = subjects.join(known.select("subject_id", "group_id"), on="subject_id", how="left")
        persons = persons.with_columns(pl.col("group_id").fill_null(pl.col("subject_id")))
    splits = None if dataset is None else dataset.splits
    chosen = default_splits(persons) if splits is None else splits.select("subject_id", "split")
    sides = persons.join(chosen, on="subject_id", how="left").with_columns(train=pl.col("split") == TRAIN)
    sides = sides.with_columns(pl.col("train").fill_null(value=False))
    divided = sides.group_by("group_id").agg(pl.col("train").n_unique()).filter(pl.col("train") > 1)
    if divided.height:
        raise InputError(
            "persons (group_id) with subjects in several splits",
            where=None if dataset is None else f"{dataset.path}/metadata/subject_splits.parquet",
            count=divided.height,
            remedy="put all subjects of a person in one split",
        )
    if dataset is not None and texts.info["dataset_hash"] != dataset.hash:
        raise InputError(
            f"the texts were not made from {dataset.path} as it is now: its splits may not be theirs",
            where=texts.path,
            remedy="name the dataset that they were made from, or make them again",
        )
    train = sides.filter("train").select("subject_id", person="group_id").sort("subject_id")
    return train, BY_DEFAULT if splits is None else OF_DATASET


def _samples(train: pl.DataFrame, labels: Path | None, dataset: Dataset | None) -> pl.DataFrame:
    """Training subjects, or training samples with their label and whose they are."""
    if labels is None:
        return train
    found = open_labels(labels, dataset=dataset)
    frame = found.frame.with_columns(person=found.samples["group_id"])
    return frame.join(train.select("subject_id"), on="subject_id", how="semi", maintain_order="left")


def read_records(texts: Texts, samples: pl.DataFrame, *, encoder: str) -> Records:
    """Records of some subjects or samples; texts of others are not looked at.

    Args:
        texts: the texts; those without a statement are left out.
        samples: `subject_id, person`, and perhaps `prediction_time, boolean_value`.
        encoder: whose tokenizer is used.

    Returns:
        Records in the order of subject and time, whatever shards they come from.

    Raises:
        InputError: too few of them.
    """
    tokenizer = load_tokenizer(encoder)
    keys = SAMPLE_KEY if "prediction_time" in samples.columns else SAMPLE_KEY[:1]
    parts = [_pieces_of_shard(texts, name, samples.select(keys)) for name in texts.shards]
    rows = pl.concat(parts).join(samples, on=list(keys), how="inner").sort(SAMPLE_KEY)
    pieces = rows["pieces"].explode()
    distinct = pieces.unique(maintain_order=True)
    place = pieces.cast(pl.Enum(distinct)).to_physical().to_numpy().astype(np.int64)
    counts = rows["pieces"].list.len().to_numpy().astype(np.int64)
    label = rows["boolean_value"].to_numpy().astype(bool) if "boolean_value" in rows.columns else None
    physical = rows.drop("pieces").select(pl.all().to_physical().cast(pl.Int64))
    content = {
        "samples": {name: hash_bytes(physical[name].to_numpy().tobytes()) for name in physical.columns},
        "places": hash_bytes(place.tobytes()),
        "counts": hash_bytes(counts.tobytes()),
        "pieces": hash_json(distinct.to_list()),
    }
    return make_records(
        tokenizer.encode(distinct.to_list()),
        place,
        counts,
        rows["person"].to_numpy().astype(np.int64),
        room=tokenizer.room,
        content_hash=hash_json(content),
        label=label,
    )


def _pieces_of_shard(texts: Texts, name: str, keys: pl.DataFrame) -> pl.DataFrame:
    """`subject_id, prediction_time, pieces` of the texts of a shard that are wanted and not empty."""
    columns = [*SAMPLE_KEY, "text", "n_statements"]
    wanted = (
        pl.scan_parquet(texts.file("texts", name))
        .select(columns)
        .filter(pl.col("n_statements") > 0)
        .join(keys.lazy(), on=keys.columns, how="semi", maintain_order="left")
        .collect()
    )
    lines = pl.scan_parquet(texts.file("lines", name)).select(*SAMPLE_KEY, pl.col("char_end").cast(pl.Int64))
    ends = lines.join(
        wanted.lazy().select(SAMPLE_KEY), on=list(SAMPLE_KEY), how="semi", maintain_order="left"
    ).collect()
    counts = wanted["n_statements"].to_numpy().astype(np.int64)
    made, n_pieces = pieces_of_texts(wanted["text"], ends["char_end"], counts)
    owner = np.repeat(np.arange(wanted.height), n_pieces)
    listed = (
        pl.DataFrame({"owner": owner, "pieces": made}, schema_overrides={"pieces": pl.String})
        .group_by("owner", maintain_order=True)
        .agg("pieces")
    )
    return wanted.select(SAMPLE_KEY).with_columns(listed["pieces"])
