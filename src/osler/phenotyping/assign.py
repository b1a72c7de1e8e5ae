"""New samples assigned to a saved clustering, as a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.files import write_json, write_parquet
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.phenotyping.assigning import Assignment, assign
from osler.phenotyping.drift import drift
from osler.phenotyping.fit import matrix_hash, table_hash
from osler.phenotyping.frozen_table import FrozenTable
from osler.phenotyping.inputs import require_same_source
from osler.phenotyping.model import Model
from osler.record.schema import SAMPLE_KEY
from osler.represent.features import Features
from osler.represent.typed import TypedTable
from osler.represent.typed_report import TableReport

FORMAT_VERSION = 1


def assign_samples(
    model: Model,
    given: Features | TypedTable,
    samples: pl.DataFrame,
    out: Path,
    *,
    source: Mapping[str, Any] | None = None,
    report: TableReport | None = None,
    arm: str | None = None,
    k: int | None = None,
) -> dict[str, Any]:
    """Assign samples and write `phenotypes.parquet` (as `fit_phenotypes` does) and `assigned.json`.

    No outcome is needed or read.

    Args:
        model: the clustering.
        given: the same representation of the new samples, or the same variables (`inputs.make_table`).
        samples: `subject_id, prediction_time`, one row per row of what is given; `group_id` where a person
            has several subjects.
        out: folder of the result.
        source: what the representation was made from; compared with what the clustering was made from.
        report: of the variables: what was passed over.
        arm: name of the arm; None: the first.
        k: number of clusters; None: the one chosen.

    Returns:
        The summary: sizes of the clusters, what the model does not know, shares and typicality beside those
        of the fit.

    Raises:
        InputError: another representation, or an arm or k that was not fitted.
    """
    checked = False
    if isinstance(given, Features):
        checked = require_same_source(dict(source or {}), model.source, where=out)
    found = assign(model, given, arm=arm, k=k)
    table = members(found, samples)
    saved = model.partitions[found.arm, found.k]
    summary = {
        "format_version": FORMAT_VERSION,
        "samples": table.height,
        "representation": model.representation,
        "source checked": checked,
        "arm": found.arm,
        "k": found.k,
        "by": "exemplars" if saved.by_exemplars else "closed form",
        "agreement with the fit": saved.agreement,
        "sizes": np.bincount(found.cluster, minlength=found.k).tolist(),
        "columns unseen": found.unseen,
        "columns absent": found.absent if report is None else len(report.absent),
        "cells known": round(found.known_share, 4),
        "samples without a known cell": found.empty,
    }
    if isinstance(model.reader, FrozenTable):
        summary["cells known in the fit"] = round(model.reader.known_share, 4)
    if report is not None:
        summary |= {
            "variables absent": list(report.absent),
            "samples outside the levels": dict(report.outside),
            "samples with values of another kind": dict(report.passed_over),
        }
    summary["drift"] = drift(model, found, group=patients(samples), seed=model.settings.seed)
    keys = hash_json([str(value) for row in table.rows() for value in row])
    hashed = matrix_hash(given) if isinstance(given, Features) else table_hash(given)
    job = Output(out, key=hash_json({"features": hashed, "table": keys, "summary": summary}))
    if not job.complete:
        with job as part:
            write_parquet(part / "phenotypes.parquet", table, private=True)
            write_json(part / "assigned.json", summary)
    return {
        "assigned": str(out),
        **{name: value for name, value in summary.items() if name != "format_version"},
    }


def members(found: Assignment, samples: pl.DataFrame) -> pl.DataFrame:
    """`subject_id, prediction_time, arm, k, cluster, typicality, supported` of assigned samples."""
    return samples.select(SAMPLE_KEY).with_columns(
        pl.lit(found.arm).alias("arm"),
        pl.lit(found.k, dtype=pl.Int64).alias("k"),
        pl.Series("cluster", found.cluster, dtype=pl.Int64),
        pl.Series("typicality", found.typicality),
        pl.Series("supported", found.supported[found.cluster])
        if found.supported is not None
        else pl.lit(None, dtype=pl.Boolean).alias("supported"),
    )


def patients(samples: pl.DataFrame) -> np.ndarray:
    """The person of each sample [n]: `group_id`, else the subject."""
    name = "group_id" if "group_id" in samples.columns else "subject_id"
    return samples[name].to_numpy()
