"""New samples assigned to a saved clustering, as a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.files import write_json, write_parquet
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.phenotyping.fit import matrix_hash
from osler.phenotyping.inputs import require_same_source
from osler.phenotyping.model import Model, assign
from osler.record.schema import SAMPLE_KEY
from osler.represent.features import Features

FORMAT_VERSION = 1


def assign_samples(
    model: Model,
    features: Features,
    samples: pl.DataFrame,
    out: Path,
    *,
    source: Mapping[str, Any] | None = None,
    arm: str | None = None,
    k: int | None = None,
) -> dict[str, Any]:
    """Assign samples and write `phenotypes.parquet` (as `fit_phenotypes` does) and `assigned.json`.

    Args:
        model: the clustering.
        features: the same representation of the new samples.
        samples: `subject_id, prediction_time`, one row per row of the features.
        out: folder of the result.
        source: what the representation was made from; compared with what the clustering was made from.
        arm: name of the arm; None: the first.
        k: number of clusters; None: the one chosen.

    Returns:
        The summary: sizes of the clusters, columns that the model does not know.

    Raises:
        InputError: another representation, or an arm or k that was not fitted.
    """
    checked = require_same_source(dict(source or {}), model.source, where=out)
    found = assign(model, features, arm=arm, k=k)
    table = samples.select(SAMPLE_KEY).with_columns(
        pl.lit(found.arm).alias("arm"),
        pl.lit(found.k, dtype=pl.Int64).alias("k"),
        pl.Series("cluster", found.cluster, dtype=pl.Int64),
        pl.Series("typicality", found.typicality),
        pl.Series("supported", found.supported[found.cluster])
        if found.supported is not None
        else pl.lit(None, dtype=pl.Boolean).alias("supported"),
    )
    summary = {
        "format_version": FORMAT_VERSION,
        "samples": table.height,
        "representation": features.name,
        "source checked": checked,
        "arm": found.arm,
        "k": found.k,
        "sizes": np.bincount(found.cluster, minlength=found.k).tolist(),
        "columns unseen": found.unseen,
        "columns absent": found.absent,
        "cells known": round(found.known_share, 4),
    }
    keys = hash_json([str(value) for row in table.rows() for value in row])
    job = Output(out, key=hash_json({"features": matrix_hash(features), "table": keys, "summary": summary}))
    if not job.complete:
        with job as part:
            write_parquet(part / "phenotypes.parquet", table, private=True)
            write_json(part / "assigned.json", summary)
    return {
        "assigned": str(out),
        **{name: value for name, value in summary.items() if name != "format_version"},
    }
