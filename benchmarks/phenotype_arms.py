"""How well each arm finds planted phenotypes, by difficulty: adjusted Rand index with what was planted.

Cohorts of `osler.phenotyping.cohorts`: four phenotypes of 44, 30, 20 and 6 % of the samples in 30 mixed
variables, values missing. Every arm on variables is given the number of clusters that was planted (HDBSCAN
finds its own) and its settings as they come; K-means on the standardised columns stands beside them.

    python benchmarks/phenotype_arms.py [--seeds 5] [--samples 600] [--arms famd+pam,lca]
"""

import argparse
import json
import statistics
import time

import numpy as np
from sklearn.cluster import KMeans

from osler.measure.agreement import agreement
from osler.phenotyping.arms import ARMS
from osler.phenotyping.clustered import cluster_arms
from osler.phenotyping.cohorts import SHARES, simulate_cohort
from osler.phenotyping.data import ArmInput
from osler.phenotyping.separation import table_coordinates
from osler.phenotyping.settings import PhenotypeSettings

DIFFICULTIES = ("planted easy", "planted moderate", "planted hard")
PLAIN = "k-means on columns"


def adjusted_rand(arms: tuple[str, ...], kind: str, *, seed: int, samples: int) -> dict[str, float]:
    """Agreement of each arm with what was planted in one cohort."""
    cohort = simulate_cohort(kind, n=samples, seed=seed)
    k = len(SHARES)
    settings = PhenotypeSettings(arms=arms, k=(k, k), seed=seed)
    found = {
        one.arm.name: next(iter(one.partitions.values())).cluster
        for one in cluster_arms(ArmInput(table=cohort.table), settings=settings)
    }
    plain = KMeans(k, n_init=20, random_state=seed).fit_predict(table_coordinates(cohort.table))
    return {
        name: agreement(cohort.truth, cluster).adjusted_rand
        for name, cluster in {PLAIN: plain, **found}.items()
    }


def main() -> None:
    """Print a table of arms by difficulty; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--arms", default=",".join(name for name, one in ARMS.items() if one.needs_table))
    asked = parser.parse_args()
    arms = tuple(asked.arms.split(","))
    began = time.monotonic()
    medians: dict[str, dict[str, float]] = {}
    for kind in DIFFICULTIES:
        runs = [adjusted_rand(arms, kind, seed=seed, samples=asked.samples) for seed in range(asked.seeds)]
        for name in runs[0]:
            values = [run[name] for run in runs]
            medians.setdefault(name, {})[kind] = round(statistics.median(values), 2)
            print(
                f"{kind:<18}{name:<20}{np.median(values):.2f} ({min(values):.2f} to {max(values):.2f})",
                flush=True,
            )
    best = max(arms, key=lambda name: statistics.mean(medians[name].values()))
    print(
        json.dumps(
            {
                "name": "phenotype_arms",
                "value": medians[best]["planted moderate"],
                "unit": f"median adjusted Rand index, planted moderate, {best}",
                "seeds": asked.seeds,
                "samples": asked.samples,
                "seconds": round(time.monotonic() - began),
                "medians": medians,
            }
        )
    )


if __name__ == "__main__":
    main()
