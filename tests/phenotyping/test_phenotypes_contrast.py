"""The cluster whose outcome differs most: found by brute force over every k, judged, and told."""

import numpy as np
import polars as pl
import pytest
from test_phenotypes_together import labels_of

from osler.measure.intervals import wilson
from osler.phenotyping.clustered import cluster_arms
from osler.phenotyping.cohorts import simulate_cohort
from osler.phenotyping.contrast import find_contrast
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Partition
from osler.phenotyping.results import results_of
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.tables import outcome_table


def _by_hand(found, positive):
    """(apart, -k, -cluster) of the first of the clusters with a twentieth of the samples that differ most."""
    n, rate, every = len(positive), positive.mean(), []
    for k, own in found.partitions.items():
        for cluster in range(k):
            inside = own.cluster == cluster
            if inside.sum() >= 0.05 * n:
                error = np.sqrt(rate * (1 - rate) * (1 / inside.sum() + 1 / (~inside).sum()))
                every.append((abs(positive[inside].mean() - positive[~inside].mean()) / error, -k, -cluster))
    return max(every)


@pytest.mark.parametrize("arm", ["famd+kmeans", "kprototypes"])
def test_a_small_group_that_fares_worse_is_judged_at_its_own_k(arm: str) -> None:
    cohort = simulate_cohort("planted easy", n=200, seed=1)
    rng = np.random.default_rng(0)
    positive = rng.random(200) < np.where(cohort.truth == 2, 0.6, 0.05)
    labels = labels_of(positive)
    settings = PhenotypeSettings(
        arms=(arm,), k=(2, 4), seeds=1, splits=1, bootstraps=3, slow_bootstraps=3, references=19
    )
    data = ArmInput(table=cohort.table)
    clustered = cluster_arms(data, settings=settings)
    contrast = find_contrast(clustered[0], labels)
    assert contrast is not None
    k, cluster = (-value for value in _by_hand(clustered[0], positive)[1:])
    assert (contrast.k, contrast.cluster) == (k, cluster)
    [found] = results_of(clustered, data, labels, settings=settings, lengths={}, described=cohort.table)
    told = found.facts["contrast"]
    inside = clustered[0].partitions[k].cluster == cluster
    assert (told["n"], told["n_events"]) == (inside.sum(), positive[inside].sum())
    row = outcome_table(arm, k, clustered[0].partitions[k], labels).row(cluster, named=True)
    assert (told["low"], told["high"]) == (row["low"], row["high"])
    assert told["name"]
    judged = found.tables["verdicts"].filter(pl.col("k") == k, pl.col("cluster") == cluster)
    assert (told["verdict"], told["reason"]) == judged.select("verdict", "reason").row(0)
    stable = found.tables["stability"].filter(pl.col("k") == k, pl.col("cluster") == cluster)
    assert told["jaccard"] == stable["jaccard"][0]
    # The outcome picks what is told, never the clusters or their number.
    shuffled = labels_of(rng.permutation(positive))
    [other] = results_of(clustered, data, shuffled, settings=settings, lengths={}, described=None)
    assert other.choice == found.choice


def test_an_outcome_that_all_have_has_no_contrast() -> None:
    cohort = simulate_cohort("planted easy", n=100, seed=1)
    settings = PhenotypeSettings(arms=("famd+kmeans",), k=(2, 3), seeds=1)
    [found] = cluster_arms(ArmInput(table=cohort.table), settings=settings)
    assert find_contrast(found, labels_of(np.ones(100, dtype=bool))) is None


def test_intervals_are_wider_where_patients_have_several_samples() -> None:
    rng = np.random.default_rng(2)
    once = rng.random(150) < 0.3
    cluster = np.repeat(rng.integers(0, 2, 150), 2)
    partition = Partition(cluster=cluster, distance=np.zeros(300), model={}, facts={})
    # Both samples of a patient have the same outcome: they count as one.
    table = outcome_table("kmeans", 2, partition, labels_of(np.repeat(once, 2)))
    for row in table.iter_rows(named=True):
        ends = wilson(row["n_events"], row["n"])
        assert row["rate"] == pytest.approx(ends.value)
        honest = wilson(row["n_events"] // 2, row["n"] // 2)
        assert row["high"] - row["low"] == pytest.approx(honest.high - honest.low, rel=0.15)
        assert row["high"] - row["low"] > 1.2 * (ends.high - ends.low)
