"""One vector per section of a text, weighted, side by side: aspects of a record that do not drown each other.

As MEME (arXiv 2402.00160, 2024) encodes each section of a record by itself and joins the vectors; here a
section is the mean of the vectors of its statements: nothing is encoded again, and no text is cut off.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.record.schema import DEMOGRAPHICS, SECTIONS
from osler.represent.features import Features, dense_features
from osler.represent.vectors import statements_said
from osler.statements.read import Texts, open_texts
from osler.statements.spec import AGE, SEX


def section_features(
    vectors_path: Path,
    texts_path: Path,
    samples: pl.DataFrame,
    *,
    weights: Mapping[str, float] | None = None,
    sections: Sequence[str] | None = None,
) -> Features:
    """Vectors of the sections of samples: dense float32 [n_samples, n_sections x dimension], nothing to fit.

    The block of a section is the mean of the vectors of its statements (each as often as the text has it),
    scaled to length 1 and multiplied by the section's weight; zeros for a sample that has nothing in the
    section. So the squared distance of two samples is the sum over sections of weight^2 x (2 - 2 x cosine),
    where both have the section. Age and sex belong to `demographics`. Columns are named `section:v0`, ...

    Args:
        vectors_path: a folder of vectors with unit `statement`.
        texts_path: the folder of texts that they were made from.
        samples: `subject_id, prediction_time`, any order.
        weights: weight of a section, 0 or more; 1 where none is given; 0 leaves the section out.
        sections: the blocks, in order, for new samples of an earlier representation; those that the texts
            lack are zeros. None: all sections of the texts (`sections_of`).

    Raises:
        InputError: not such folders, vectors of other texts, samples without a text, a weight for a section
            that there is not, a weight that is no number of 0 or more, or no section left.
    """
    weights = dict(weights or {})
    known = list(sections) if sections is not None else sections_of(open_texts(texts_path))
    kept = _kept(known, weights, texts_path)
    said = statements_said(vectors_path, texts_path, samples, by_section=True)
    counts = (
        said.counts.with_columns(_block(pl.col("section")))
        .group_by("sample", "statement_id", "section")
        .agg(pl.col("n").sum())
    )
    dimension = said.vectors.shape[1]
    matrix = np.zeros((said.n_samples, len(kept) * dimension), dtype=np.float32)
    for place, section in enumerate(kept):
        here = said.matrix(counts.filter(pl.col("section") == section))
        pooled = here @ said.vectors
        length = np.linalg.norm(pooled, axis=1, keepdims=True)
        scale = np.float32(weights.get(section, 1.0)) / np.where(length > 0, length, 1)
        matrix[:, place * dimension : (place + 1) * dimension] = pooled * scale
    names = [f"{section}:v{i}" for section in kept for i in range(dimension)]
    return dense_features("section", matrix, names)


def sections_of(texts: Texts) -> list[str]:
    """The sections that texts have: those of Osler in their order, then the dataset's own, A to Z."""
    lines = texts.lines().select(_block(pl.col("section"))).unique().collect()
    found = set(lines["section"].drop_nulls())
    return [name for name in SECTIONS if name in found] + sorted(found - set(SECTIONS))


def _block(section: pl.Expr) -> pl.Expr:
    return pl.when(section.is_in([AGE, SEX])).then(pl.lit(DEMOGRAPHICS)).otherwise(section).alias("section")


def _kept(known: Sequence[str], weights: Mapping[str, float], where: Path) -> list[str]:
    unknown = [name for name in weights if name not in known]
    if unknown:
        raise InputError(
            f"weights for sections that the texts do not have: {', '.join(unknown)}",
            where=where,
            count=len(unknown),
            allowed=known,
            remedy="name sections of the texts",
        )
    wrong = [name for name, weight in weights.items() if not (np.isfinite(weight) and weight >= 0)]
    if wrong:
        raise InputError(
            f"weights that are no numbers of 0 or more: {', '.join(wrong)}",
            count=len(wrong),
            remedy="give numbers of 0 or more",
        )
    kept = [name for name in known if weights.get(name, 1.0) > 0]
    if not kept:
        raise InputError(
            "no section has a weight above 0", where=where, allowed=known, remedy="weigh one of them"
        )
    return kept
