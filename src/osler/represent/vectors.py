"""Features from folders of vectors: documents as they are, statements counted and pooled in the analysis."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.output import MANIFEST
from osler.record.schema import SAMPLE_KEY
from osler.represent.encode import ENCODER_JSON
from osler.represent.features import Features, dense_features
from osler.statements.read import Texts, open_texts


def document_features(vectors_path: Path, samples: pl.DataFrame) -> Features:
    """Document vectors of samples: dense float32 [n_samples, dimension], nothing to fit.

    Args:
        vectors_path: a folder of vectors with unit `document`.
        samples: `subject_id, prediction_time`, any order.

    Raises:
        InputError: not such a folder, or samples without a vector.
    """
    info = _info(vectors_path, unit="document")
    files = _files(vectors_path, info)
    wanted = samples.select(*SAMPLE_KEY).with_row_index("sample")
    matrix = np.zeros((wanted.height, info["encoder"]["dimension"]), dtype=np.float32)
    found = np.zeros(wanted.height, dtype=bool)
    for file in files:
        here = pl.read_parquet(file).join(wanted, on=SAMPLE_KEY, how="inner")
        rows = here["sample"].to_numpy()
        matrix[rows] = _array(here["vector"], matrix.shape[1])
        found[rows] = True
    _require_all(found, vectors_path)
    return dense_features("document", matrix, [f"v{i}" for i in range(matrix.shape[1])])


def statement_features(
    vectors_path: Path, texts_path: Path, samples: pl.DataFrame, *, pool: Literal["mean", "idf"] = "mean"
) -> Features:
    """How often each sample has each statement, with the pooling of their vectors as what is fitted.

    Args:
        vectors_path: a folder of vectors with unit `statement`.
        texts_path: the folder of texts that they were made from.
        samples: `subject_id, prediction_time`, any order.
        pool: `mean` or `idf`.

    Returns:
        Features with a csr matrix [n_samples, n_statements], columns named by statement_id; the transformer
        is a `StatementPool`.

    Raises:
        InputError: not such folders, vectors of other texts, samples without a text.
    """
    from osler.represent.pool import StatementPool

    said = statements_said(vectors_path, texts_path, samples)
    names = said.ids.to_list()
    return Features(
        name="statement",
        matrix=said.matrix(said.counts),
        names=names,
        make_transformer=partial(StatementPool, vectors=said.vectors, pool=pool),
        value_columns=np.zeros(len(names), dtype=bool),
    )


@dataclass(frozen=True)
class Said:
    """Which statements the texts of some samples hold, and the vectors of these.

    Attributes:
        counts: `sample, statement_id, n`, and `section` where it was asked for; `sample` is the row.
        ids: the m statements, ascending.
        vectors: float32 [m, dimension], in the order of `ids`.
        n_samples: number of samples.
    """

    counts: pl.DataFrame
    ids: pl.Series
    vectors: np.ndarray
    n_samples: int

    def matrix(self, counts: pl.DataFrame) -> Any:
        """How often samples hold statements: csr float32 [n_samples, m].

        Args:
            counts: rows of `self.counts`, each sample and statement once.
        """
        from scipy import sparse

        column = counts["statement_id"].cast(pl.Enum(self.ids)).to_physical().to_numpy().astype(np.int64)
        row = counts["sample"].to_numpy().astype(np.int64)
        shape = (self.n_samples, len(self.ids))
        matrix = sparse.csr_matrix((counts["n"].to_numpy().astype(np.float32), (row, column)), shape=shape)
        matrix.sort_indices()
        return matrix


def statements_said(
    vectors_path: Path, texts_path: Path, samples: pl.DataFrame, *, by_section: bool = False
) -> Said:
    """The statements of samples with their vectors.

    Args:
        vectors_path: a folder of vectors with unit `statement`.
        texts_path: the folder of texts that they were made from.
        samples: `subject_id, prediction_time`, any order.
        by_section: whether statements are counted in each section of a text.

    Raises:
        InputError: not such folders, vectors of other texts, samples without a text.
    """
    info = _info(vectors_path, unit="statement")
    texts = open_texts(texts_path)
    if info["texts_hash"] != texts.hash:
        raise InputError(
            "the vectors were made from other texts",
            where=vectors_path,
            remedy=f"encode the texts in {texts_path}",
        )
    wanted = samples.select(*SAMPLE_KEY).with_row_index("sample")
    counts = _statement_counts(texts, wanted, ["section"] if by_section else [])
    used = counts["statement_id"].unique().sort()
    place = used.to_frame().with_row_index("column")
    vectors = np.empty((len(used), info["encoder"]["dimension"]), dtype=np.float32)
    for file in _files(vectors_path, info):
        here = pl.read_parquet(file).join(place, on="statement_id", how="inner")
        vectors[here["column"].to_numpy()] = _array(here["vector"], vectors.shape[1])
    return Said(counts=counts, ids=used, vectors=vectors, n_samples=wanted.height)


def _statement_counts(texts: Texts, wanted: pl.DataFrame, more: list[str]) -> pl.DataFrame:
    """`sample, statement_id, n` (and `more`) for every statement of every sample."""
    found = np.zeros(wanted.height, dtype=bool)
    parts = []
    for shard in texts.shards:
        keys = pl.read_parquet(texts.file("texts", shard), columns=list(SAMPLE_KEY))
        found[keys.join(wanted, on=SAMPLE_KEY, how="inner")["sample"].to_numpy()] = True
        lines = pl.read_parquet(texts.file("lines", shard), columns=[*SAMPLE_KEY, "statement_id", *more])
        here = lines.join(wanted, on=SAMPLE_KEY, how="inner")
        parts.append(here.group_by("sample", "statement_id", *more).len("n"))
    _require_all(found, texts.path)
    return pl.concat(parts)


def _info(folder: Path, *, unit: str) -> dict[str, Any]:
    if not (folder / ENCODER_JSON).is_file() or not (folder / MANIFEST).is_file():
        raise InputError(
            "not a finished folder of vectors",
            where=folder,
            remedy="make it with: osler encode TEXTS -o FOLDER",
        )
    info: dict[str, Any] = read_json(folder / ENCODER_JSON)
    if info["unit"] != unit:
        raise InputError(f"the vectors are of unit '{info['unit']}'", where=folder, allowed=[unit])
    return info


def _files(folder: Path, info: dict[str, Any]) -> list[Path]:
    return [folder / info["unit"] / f"{shard['name']}.parquet" for shard in info["shards"]]


def _array(vectors: pl.Series, dimension: int) -> np.ndarray:
    """Fixed-size lists as float32 [n, dimension]."""
    flat = vectors.cast(pl.Array(pl.Float32, dimension)).explode().to_numpy()
    return flat.reshape(-1, dimension)


def _require_all(found: np.ndarray, where: Path) -> None:
    if not found.all():
        raise InputError(
            "samples that are not in this folder",
            where=where,
            count=int((~found).sum()),
            remedy="make the texts and the vectors from these labels",
        )
