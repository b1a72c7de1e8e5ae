"""The cards of a clustering on a second cohort: the same clusters, frozen, and whether they look the same.

The new samples are assigned, nothing is fitted again. Each effect of the fit stands beside that of the new
cohort, outcomes beside outcomes, shares beside shares. Apart from that the same arm is fitted freshly on the
new cohort, and its clusters are compared with the assigned ones.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.base.hashing import hash_file, hash_json
from osler.base.output import Output
from osler.measure.agreement import agreement
from osler.measure.stability import bootstrap_stability, weakest_pairs
from osler.phenotyping.assign import members, patients
from osler.phenotyping.assigning import assign
from osler.phenotyping.cards import effect_table
from osler.phenotyping.clustered import cluster_arms
from osler.phenotyping.data import ArmInput
from osler.phenotyping.drift import drift, known
from osler.phenotyping.fit import matrix_hash, require_distinct, table_hash
from osler.phenotyping.inputs import require_same_source
from osler.phenotyping.model import FOLDER, Model, load_model
from osler.phenotyping.partition import Array, Partition
from osler.phenotyping.second_cohort import cards_beside, correlations, outcomes_beside, tau_of_rates
from osler.phenotyping.tables import outcome_table
from osler.represent.features import Features
from osler.represent.typed import TypedTable
from osler.task.labels import Labels

FORMAT_VERSION = 1
VERSION = 1
# A standardised difference below this is no finding (Cohen: .2 is small).
FINDING = 0.2


def replicate(
    fit: Path,
    labels: Labels,
    given: Features | TypedTable,
    described: TypedTable,
    out: Path,
    *,
    source: Mapping[str, Any] | None = None,
    arm: str | None = None,
) -> dict[str, Any]:
    """Assign a second cohort, and set its cards beside those of the fit.

    Args:
        fit: folder of the clustering.
        labels: samples of the second cohort, and their outcome.
        given: the same representation of them, or the same variables.
        described: the variables that describe clusters (`Model.described`), one row per sample.
        out: folder of the result: `phenotypes.parquet`, `effects_beside.parquet`, `outcomes_beside.parquet`,
            `replicated.json`.
        source: what the representation was made from.
        arm: name of the arm, at the k that was chosen; None: the first.

    Returns:
        The content of `replicated.json`.

    Raises:
        InputError: no k was chosen, the fit has no cards, or the samples cannot be assigned.
    """
    model = load_model(fit)
    arm = arm or next(iter(model.chosen))
    if model.chosen.get(arm) is None:
        raise InputError(
            f"no number of clusters was chosen for arm '{arm}', so it has no cards",
            where=fit,
            allowed=[name for name, number in model.chosen.items() if number is not None],
            remedy="name another arm",
        )
    arm, k = model.choose(arm, None)
    if isinstance(given, Features):
        require_same_source(dict(source or {}), model.source, where=out)
    parts = {
        "fit": hash_file(fit / FOLDER / "model.json"),
        "labels": labels.hash,
        "given": matrix_hash(given) if isinstance(given, Features) else table_hash(given),
        "described": table_hash(described),
        "arm": arm,
        "version": VERSION,
    }
    job = Output(out, key=hash_json(parts))
    if not job.complete:
        with job as part:
            _write(part, fit, model, labels, given, described, arm=arm, k=k)
    found: dict[str, Any] = read_json(out / "replicated.json")
    return found


def _write(
    part: Path,
    fit: Path,
    model: Model,
    labels: Labels,
    given: Features | TypedTable,
    described: TypedTable,
    *,
    arm: str,
    k: int,
) -> None:
    own = (pl.col("arm") == arm) & (pl.col("k") == k)
    effects = pl.read_parquet(fit / "effects.parquet").filter(own)
    if effects.is_empty():
        raise InputError(
            f"the clustering has no cards of arm '{arm}'",
            where=fit / "effects.parquet",
            remedy="fit it with the variables of the dataset",
        )
    found = assign(model, given, arm=arm, k=k)
    group, seed = patients(labels.samples), model.settings.seed
    used = dict(effects.select("variable", "used").unique().iter_rows())
    flags = np.array([used.get(variable.name, False) for variable in described.variables])
    cards = cards_beside(effects, effect_table(arm, found.cluster, described, used=flags))
    partition = Partition(found.cluster, found.distance, {})
    rates = outcomes_beside(
        pl.read_parquet(fit / "outcomes.parquet").filter(own), outcome_table(arm, k, partition, labels)
    )
    related = correlations(effects, described, found.cluster, k, group=group, seed=seed)
    tau = tau_of_rates(
        rates["rate_fit"].to_numpy(),
        found.cluster,
        labels.frame["boolean_value"].to_numpy(),
        group=group,
        seed=seed,
    )
    moved = drift(model, found, group=group, seed=seed)
    fresh, jaccard = _fresh(model, given, found.cluster, arm=arm, k=k)
    fitted = pl.read_parquet(fit / "phenotypes.parquet", columns=["subject_id"])["subject_id"].unique()
    ids = labels.frame["subject_id"].unique()
    write_parquet(part / "phenotypes.parquet", members(found, labels.samples), private=True)
    write_parquet(part / "effects_beside.parquet", cards)
    write_parquet(part / "outcomes_beside.parquet", rates)
    write_json(
        part / "replicated.json",
        {
            "format_version": FORMAT_VERSION,
            "arm": arm,
            "k": k,
            "agreement with the fit": model.partitions[arm, k].agreement,
            "samples": labels.frame.height,
            "subject ids that the fit has too": int(ids.is_in(fitted.implode()).sum()),
            "task of the fit": read_json(fit / "phenotypes.json")["task"],
            "task": labels.name,
            "clusters": _by_cluster(cards, rates, related, moved, jaccard),
            "outcome order": tau,
            "fresh fit": fresh,
            "drift": {name: moved[name] for name in ("typicality", "test")},
        },
    )


def _by_cluster(
    cards: pl.DataFrame,
    rates: pl.DataFrame,
    related: list[dict[str, Any]],
    moved: dict[str, Any],
    jaccard: list[float | None],
) -> list[dict[str, Any]]:
    """What is said of each cluster."""
    found = []
    for number, (rate, correlation, shares) in enumerate(
        zip(rates.iter_rows(named=True), related, moved["clusters"], strict=True)
    ):
        own = cards.filter(
            pl.col("cluster") == number, pl.col("smd_fit").abs() >= FINDING, pl.col("smd_new").is_not_null()
        )
        found.append(
            {
                **shares,
                "correlation": correlation,
                "findings": own.height,
                "same_sign": own["same_sign"].mean(),
                "in_interval": own["in_interval"].mean(),
                "rate": {
                    side: {name: rate[f"{name}_{side}"] for name in ("rate", "low", "high")}
                    for side in ("fit", "new")
                },
                "jaccard": jaccard[number],
            }
        )
    return found


def _fresh(
    model: Model, given: Features | TypedTable, assigned: Array, *, arm: str, k: int
) -> tuple[dict[str, Any], list[float | None]]:
    """How far the clusters of a fit on the new cohort alone are the assigned ones, and each one's Jaccard."""
    table = given if isinstance(given, TypedTable) else None
    data = ArmInput(table=table, features=given if isinstance(given, Features) else None)
    settings = model.settings.model_copy(update={"arms": (arm,), "k": (k, k)})
    require_distinct(data, settings)
    own = next(iter(cluster_arms(data, settings=settings)[0].partitions.values())).cluster
    rows = np.arange(len(assigned))
    jaccard = bootstrap_stability(assigned, [(rows, own)]).jaccard
    padded = [known(float(value)) for value in jaccard]
    return {
        "clusters": int(own.max(initial=-1)) + 1,
        "prediction_strength": known(weakest_pairs(own, assigned)),
        "adjusted_rand": known(agreement(assigned, own).adjusted_rand),
    }, padded + [None] * (k - len(padded))
