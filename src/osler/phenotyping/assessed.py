"""What repeats say of arms: strength and stability by k, the k chosen, and verdicts on clusters."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.measure.stability import Stability
from osler.phenotyping.assess import bootstrap_arms, judge, prediction_strengths, references
from osler.phenotyping.choose import Choice, choose_k
from osler.phenotyping.clustered import Clustered
from osler.phenotyping.contrast import Contrast, find_contrast
from osler.phenotyping.data import ArmInput
from osler.phenotyping.gates import Verdict
from osler.phenotyping.partition import Array
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.spaces import FittedSpace
from osler.phenotyping.tables import indices_row
from osler.task.labels import Labels


@dataclass(frozen=True)
class Assessed:
    """What repeats say of one arm.

    Attributes:
        indices: by k.
        stability: by k.
        choice: the k chosen.
        contrast: the cluster, of any k, whose outcome differs most.
        verdicts: by k, of the k chosen and of that of the contrast.
        verdict_table: the same as a table, or None.
    """

    indices: pl.DataFrame
    stability: dict[int, Stability]
    choice: Choice
    contrast: Contrast | None
    verdicts: dict[int, list[Verdict]]
    verdict_table: pl.DataFrame | None


def assess(
    found: Sequence[Clustered],
    data: ArmInput,
    labels: Labels,
    *,
    settings: PhenotypeSettings,
    lengths: Mapping[str, Array],
    step: Callable[[int], None],
) -> list[Assessed]:
    """Repeat the arms of one space: halves, bootstraps, data sets without clusters."""
    # A repeat is one run: how far runs from other seeds agree is known by now.
    classes = settings.lca.model_copy(update={"starts": settings.lca.refit_starts})
    repeated = settings.model_copy(update={"seeds": 1, "lca": classes})
    halves: dict[bytes, FittedSpace] = {}
    strengths = [
        prediction_strengths(one, data, settings=repeated, spaces=halves) if settings.splits else {}
        for one in found
    ]
    halves.clear()

    def chosen(stability: Sequence[dict[int, Stability]]) -> list[tuple[pl.DataFrame, Choice]]:
        tables = [
            _indices(one, strength, own, settings=settings, lengths=lengths)
            for one, strength, own in zip(found, strengths, stability, strict=True)
        ]
        return [(table, _choice(one, table, settings)) for one, table in zip(found, tables, strict=True)]

    stability: list[dict[int, Stability]] = [{} for _ in found]
    slow = found[0].arm.slow
    draws = settings.slow_bootstraps if slow else settings.bootstraps
    contrasts = [find_contrast(one, labels) for one in found]
    known = chosen(stability)
    if draws:
        # Of slow arms two k are repeated: the one that is chosen without, and that of the contrast.
        ks = [list(one.partitions) for one in found]
        if slow:
            ks = [_both(choice, of) for (_, choice), of in zip(known, contrasts, strict=True)]
        group = labels.samples["group_id"].to_numpy()
        stability = bootstrap_arms(found, data, ks, group=group, settings=repeated, step=step)
        if slow:
            first = [choice.k for _, choice in known]
            own = zip(stability, first, strict=True)
            known = chosen([{k: one[k]} if k is not None else {} for one, k in own])
            known = [
                (table, Choice(k, stable=choose_k(table.filter(pl.col("k") == k), min_share=0).stable))
                for (table, _), k in zip(known, first, strict=True)
            ]
        else:
            known = chosen(stability)
    wanted = [
        [k for k in _both(choice, of) if k in own]
        for (_, choice), of, own in zip(known, contrasts, stability, strict=True)
    ]
    judged = _judged(found, data, wanted, stability, lengths, repeated)
    return [
        Assessed(table, own, choice, of, *verdicts)
        for (table, choice), own, of, verdicts in zip(known, stability, contrasts, judged, strict=True)
    ]


def _both(choice: Choice, contrast: Contrast | None) -> list[int]:
    """The k chosen, and that of the contrast."""
    found = {choice.k, None if contrast is None else contrast.k}
    return sorted(k for k in found if k is not None)


def _choice(found: Clustered, indices: pl.DataFrame, settings: PhenotypeSettings) -> Choice:
    choice = choose_k(indices, min_share=settings.min_share)
    return Choice(next(iter(found.partitions)), stable=choice.stable) if found.arm.finds_k else choice


def _judged(
    found: Sequence[Clustered],
    data: ArmInput,
    ks: Sequence[Sequence[int]],
    stability: Sequence[dict[int, Stability]],
    lengths: Mapping[str, Array],
    settings: PhenotypeSettings,
) -> list[tuple[dict[int, list[Verdict]], pl.DataFrame | None]]:
    """Verdicts on the clusters of some k of each arm of a space."""
    draws = settings.slow_references if found[0].arm.slow else settings.references
    wanted = [(i, k) for i, own in enumerate(ks) for k in own]
    if not draws or not wanted:
        return [({}, None) for _ in found]
    compared = references([found[i] for i, _ in wanted], data, [k for _, k in wanted], settings=settings)
    length, missing = _length(lengths, data), _missing(data)
    verdicts: list[dict[int, list[Verdict]]] = [{} for _ in found]
    tables: list[list[pl.DataFrame]] = [[] for _ in found]
    for (i, k), reference in zip(wanted, compared, strict=True):
        verdicts[i][k], table = judge(
            found[i],
            k,
            stability[i][k],
            reference,
            length=length,
            missing=missing,
            seed=settings.seed,
        )
        tables[i].append(table)
    return [
        (own, pl.concat(some).sort("k", "cluster") if some else None)
        for own, some in zip(verdicts, tables, strict=True)
    ]


def _indices(
    found: Clustered,
    strength: Mapping[int, Any],
    stability: Mapping[int, Stability],
    *,
    settings: PhenotypeSettings,
    lengths: Mapping[str, Array],
) -> pl.DataFrame:
    m = len(found.rows)
    scored = np.arange(m)
    if m > settings.scored:
        scored = np.sort(np.random.default_rng([settings.seed, m]).choice(m, settings.scored, replace=False))
    rows = []
    for k, own in found.partitions.items():
        row = indices_row(
            found.arm.name,
            k,
            own,
            points=found.fitted.points,
            rows=found.rows,
            scored=scored,
            lengths=lengths,
        )
        one, all_k = strength.get(k), stability.get(k)
        row["prediction_strength"] = one.mean if one is not None else float("nan")
        row["prediction_strength_error"] = one.error if one is not None else float("nan")
        known = all_k is not None and len(all_k.jaccard) > 0
        row["jaccard_min"] = float(all_k.jaccard.min()) if all_k and known else float("nan")
        row["jaccard_mean"] = float(all_k.jaccard.mean()) if all_k and known else float("nan")
        row["dissolved_max"] = float(all_k.dissolved.max()) if all_k and known else float("nan")
        rows.append(row)
    return pl.DataFrame(rows, schema_overrides={"length": pl.String}).with_columns(
        pl.col(pl.Float64).fill_nan(None)
    )


def _length(lengths: Mapping[str, Array], data: ArmInput) -> Array:
    """How long each record is: the first measure given, else the number of known variables."""
    if lengths:
        return np.asarray(next(iter(lengths.values())), dtype=np.float64)
    if data.table is not None:
        return np.asarray((~np.isnan(data.table.values)).sum(axis=1), dtype=np.float64)
    return np.zeros(data.n_samples)


def _missing(data: ArmInput) -> Array:
    if data.table is None:
        return np.zeros((data.n_samples, 0), dtype=bool)
    return np.asarray(np.isnan(data.table.values))
