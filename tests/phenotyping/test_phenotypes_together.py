"""Arms that share a space are repeated together: what is said of each is what is said of it alone."""

from pathlib import Path

import numpy as np
import polars as pl

from osler.phenotyping.clustered import cluster_arms
from osler.phenotyping.cohorts import simulate_cohort
from osler.phenotyping.data import ArmInput
from osler.phenotyping.results import Results, results_of
from osler.phenotyping.settings import PhenotypeSettings
from osler.task.labels import Labels


def labels_of(positive: np.ndarray) -> Labels:
    """Labels of samples of as many subjects, two to a patient."""
    n = len(positive)
    key = {
        "subject_id": np.arange(n),
        "prediction_time": pl.Series([0] * n).cast(pl.Datetime("us")),
    }
    return Labels(
        path=Path("labels"),
        frame=pl.DataFrame({**key, "boolean_value": positive}),
        samples=pl.DataFrame({**key, "group_id": np.arange(n) // 2}),
        attrition=pl.DataFrame(),
        task={"name": "task"},
        hash="",
    )


def _results(arms: tuple[str, ...]) -> list[Results]:
    cohort = simulate_cohort("planted easy", n=100, seed=1)
    settings = PhenotypeSettings(
        arms=arms,
        k=(2, 3),
        seeds=2,
        splits=1,
        bootstraps=3,
        references=19,
        slow_bootstraps=2,
        slow_references=19,
    )
    data = ArmInput(table=cohort.table)
    return results_of(
        cluster_arms(data, settings=settings),
        data,
        labels_of(np.random.default_rng(0).random(100) < 0.2),
        settings=settings,
        lengths={},
        described=cohort.table,
    )


def test_an_arm_is_judged_as_if_it_were_alone() -> None:
    arms = ("famd+kmeans", "kprototypes", "famd+pam")
    together = _results(arms)
    assert tuple(one.name for one in together) == arms
    for one in together:
        [alone] = _results((one.name,))
        assert one.choice == alone.choice
        assert one.supported == alone.supported
        assert one.facts == alone.facts
        assert one.indices.equals(alone.indices)
        for name, table in alone.tables.items():
            assert one.tables[name].equals(table), name
        # Slow arms are repeated at the k chosen and that of the contrast, the others at every k.
        ks = one.tables["stability"]["k"].unique().sort().to_list()
        slow = sorted({one.choice.k, one.facts["contrast"]["k"]})
        assert ks == (slow if one.name == "kprototypes" else [2, 3])
