"""The representation that a clustering is asked for: counts of a dataset, or a folder of vectors."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.phenotyping.partition import Array
from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY
from osler.represent.counts import count_features
from osler.represent.features import Features
from osler.represent.sections import section_features, sections_of
from osler.represent.vectors import document_features, statement_features
from osler.statements.read import open_texts

Pool = Literal["mean", "idf"]
# What decides whether vectors of two folders lie in one space.
_SPACE = ("encoder", "unit", "instruction")


def make_features(
    dataset: Dataset,
    samples: pl.DataFrame,
    *,
    vectors: Path | None,
    texts: Path | None,
    pool: Pool,
    weights: Mapping[str, float] | None = None,
    sections: Sequence[str] | None = None,
) -> tuple[Features, dict[str, Any]]:
    """One representation of some samples, and what it was made from.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`.
        vectors: a folder of vectors; None: counts of the dataset.
        texts: the folder of texts, for statement vectors.
        pool: how statement vectors are pooled.
        weights: weights of the sections of the texts, for a vector per section; None: one vector per sample.
        sections: with weights, the sections of an earlier representation; None: those of the texts.

    Raises:
        InputError: not a folder of vectors, samples without a vector, statement vectors without `texts`, or
            vectors of documents where sections are to be weighed.
    """
    if vectors is None:
        return count_features(dataset, samples), {"kind": "counts"}
    description = vectors / "encoder.json"
    if not description.is_file():
        raise InputError(
            "no folder of vectors", where=vectors, remedy="name a folder that `osler encode` wrote"
        )
    info = read_json(description)
    source = {name: info.get(name) for name in _SPACE}
    if info["unit"] == "document" and weights is None:
        return document_features(vectors, samples), {"kind": "document", **source}
    if texts is None:
        raise InputError(
            "statement vectors are pooled by the texts that they were made from",
            where=vectors,
            remedy="name the folder of texts with --texts",
        )
    if weights is not None:
        blocks = list(sections) if sections is not None else sections_of(open_texts(texts))
        features = section_features(vectors, texts, samples, weights=weights, sections=blocks)
        weighed = {"weights": dict(sorted(weights.items())), "sections": blocks}
        return features, {"kind": "section", **weighed, **source}
    features = statement_features(vectors, texts, samples, pool=pool)
    return features, {"kind": "statement", "pool": pool, **source}


def text_lengths(texts: Path, samples: pl.DataFrame) -> Array:
    """Tokens of each sample's text: int64 [n]."""
    tokens = open_texts(texts).texts().select(*SAMPLE_KEY, "n_tokens").collect()
    joined = samples.select(SAMPLE_KEY).join(tokens, on=SAMPLE_KEY, how="left", maintain_order="left")
    missing = joined["n_tokens"].null_count()
    if missing:
        raise InputError(
            "samples without a text", where=texts, count=missing, remedy="write texts for these labels"
        )
    return np.asarray(joined["n_tokens"], dtype=np.int64)


def text_traces(texts: Path, samples: pl.DataFrame, vectors: Path | None = None) -> dict[str, Array]:
    """What of the texts behind vectors should not make clusters: how long they are, and what was cut off.

    Args:
        texts: folder of texts.
        samples: `subject_id, prediction_time`.
        vectors: the folder of vectors that was made from them; None: it is not known.

    Returns:
        int64 [n] by name: `tokens of the text`; `statements cut off`, which the budget of the texts left
        out; and where the encoder read the first window of a text only, `tokens cut off`, those beyond its
        context.

    Raises:
        InputError: samples without a text.
    """
    found = {"tokens of the text": text_lengths(texts, samples)}
    dropped = open_texts(texts).texts().select(*SAMPLE_KEY, "n_dropped").collect()
    joined = samples.select(SAMPLE_KEY).join(dropped, on=SAMPLE_KEY, how="left", maintain_order="left")
    found["statements cut off"] = np.asarray(joined["n_dropped"], dtype=np.int64)
    info = None if vectors is None else read_json(vectors / "encoder.json")
    if info is not None and info["unit"] == "document" and info["on_overflow"] == "truncate":
        beyond = found["tokens of the text"] - int(info["encoder"]["context"])
        found["tokens cut off"] = np.maximum(beyond, 0)
    return found


def require_same_source(source: dict[str, Any], stored: dict[str, Any] | None, *, where: Path) -> bool:
    """Refuse vectors of another encoder, unit, instruction or pooling than those that were clustered.

    Returns:
        Whether it could be checked: the clustering says what it was made from.
    """
    if stored is None:
        return False
    different = sorted(name for name in {*source, *stored} if source.get(name) != stored.get(name))
    if different:
        raise InputError(
            f"the new samples are represented in another way: {', '.join(different)} differ",
            where=where,
            remedy="make the representation as it was made for the clustering",
        )
    return True
