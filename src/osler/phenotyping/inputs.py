"""What a clustering is asked for: counts, vectors, or the variables of a saved clustering."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.phenotyping.frozen_table import FrozenTable, require_variables
from osler.phenotyping.model import Model
from osler.phenotyping.partition import Array
from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY
from osler.represent.counts import count_features
from osler.represent.features import Features
from osler.represent.sections import section_features, sections_of
from osler.represent.typed import TypedTable
from osler.represent.typed_read import typed_table
from osler.represent.typed_report import TableReport
from osler.represent.typed_slots import open_slots
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


@dataclass(frozen=True)
class NewSamples:
    """New samples as a saved clustering reads them.

    Attributes:
        given: the representation, or the variables.
        source: what the representation was made from; None of variables.
        report: of variables, what was passed over; None of a representation.
    """

    given: Features | TypedTable
    source: dict[str, Any] | None = None
    report: TableReport | None = None


def read_new(
    model: Model,
    dataset: Dataset,
    samples: pl.DataFrame,
    *,
    vectors: Path | None,
    texts: Path | None,
    pool: Pool,
    allow_absent: bool = False,
) -> NewSamples:
    """Read new samples as those were read that a clustering was fitted on.

    Args:
        model: the clustering.
        dataset: the dataset.
        samples: `subject_id, prediction_time`.
        vectors: a folder of vectors; None: counts, or the variables where those were clustered.
        texts: the folder of texts, for statement vectors.
        pool: how statement vectors are pooled.
        allow_absent: whether up to half of the variables may be unknown to the dataset.

    Raises:
        InputError: as `make_features` and `make_table`, or vectors where variables were clustered.
    """
    if isinstance(model.reader, FrozenTable):
        if vectors is not None:
            raise InputError(
                "this clustering is of variables, which are read from the dataset",
                where=vectors,
                remedy="leave --vectors out",
            )
        table, report = make_table(dataset, samples, model.reader, allow_absent=allow_absent)
        return NewSamples(table, report=report)
    # What was weighed when the clusters were found is weighed again.
    by_section = {name: (model.source or {}).get(name) for name in ("weights", "sections")}
    features, source = make_features(dataset, samples, vectors=vectors, texts=texts, pool=pool, **by_section)
    return NewSamples(features, source=source)


def make_table(
    dataset: Dataset, samples: pl.DataFrame, reader: FrozenTable, *, allow_absent: bool = False
) -> tuple[TypedTable, TableReport]:
    """The variables of a saved clustering, read of new samples.

    Args:
        dataset: the dataset.
        samples: `subject_id, prediction_time`.
        reader: what was clustered.
        allow_absent: whether up to half of the variables may be unknown to the dataset.

    Returns:
        The table, and what was passed over: values that are none of the levels are not known.

    Raises:
        InputError: the dataset lacks variables, or its code book means something else by them.
    """
    _require_same_meaning(dataset, reader)
    table, report = typed_table(dataset, samples, settings=reader.settings, like=reader.variables)
    require_variables(table, absent=report.absent, allow=allow_absent, where=dataset.path)
    return table, report


def _require_same_meaning(dataset: Dataset, reader: FrozenTable) -> None:
    """Refuse a code book with other kinds, or with none of the levels, of the variables of a clustering."""
    slots = {slot.name: slot for slot in open_slots(dataset.codes, reader.settings).slots}
    other = []
    for variable in reader.variables:
        slot = slots.get(variable.name)
        if slot is None or variable.recorded:
            continue
        choices = ("ordinal", "categorical")
        kinds = choices if variable.kind in choices else (variable.kind,)
        disjoint = bool(slot.levels and variable.levels and not {*slot.levels} & {*variable.levels})
        if (slot.kind is not None and slot.kind not in kinds) or disjoint:
            other.append(variable.name)
    if other:
        raise InputError(
            "the code book means something else by variables that were clustered: "
            + ", ".join(other[:5])
            + (", ..." if len(other) > 5 else ""),
            where=dataset.path / "metadata" / "codes.parquet",
            count=len(other),
            remedy="make the records with the same dictionary as those that were clustered",
        )


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
