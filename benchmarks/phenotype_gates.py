"""How often the gates support a phenotype where there is none, and where there is one.

Cohorts of `osler.phenotyping.cohorts`, k-means on standardised columns, k by prediction strength, 50
bootstraps and 50 reference data sets each. A supported cluster counts as true when its Jaccard index with a
planted phenotype is at least .5. Budget: a phenotype in at most 8 % of the seeds of each cohort without one,
16 of 200.

    python benchmarks/phenotype_gates.py [--seeds 200] [--samples 600] [--kinds continuum,skewed] [--k 3]
"""

import argparse
import json
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from osler.measure.agreement import agreement
from osler.measure.stability import bootstrap_stability, prediction_strength
from osler.phenotyping.cohorts import KINDS, WITHOUT, simulate_cohort
from osler.phenotyping.evidence import evidence, reference_separations
from osler.phenotyping.gates import Evidence, cluster_verdicts, partition_verdict
from osler.phenotyping.reference import table_reference
from osler.phenotyping.repeat import bootstrap_rows
from osler.phenotyping.separation import table_coordinates

LARGEST_K = 6
DRAWS = 50
STRONG = 0.8
BUDGET = 0.08


def kmeans(table, k, seed):
    """K-means on standardised columns, clusters from the largest to the smallest."""
    found = KMeans(k, n_init=4, random_state=seed).fit_predict(table_coordinates(table))
    return np.argsort(np.argsort(-np.bincount(found, minlength=k), kind="stable"))[found]


def chosen_k(table):
    """The largest k of prediction strength .8 (error included), else 2 (Tibshirani and Walther 2005)."""
    points = table_coordinates(table)

    def pipeline(k):
        def fit(rows, seed):
            model = KMeans(k, n_init=4, random_state=seed).fit(points[rows])
            return model.labels_, lambda others: model.predict(points[others])

        return fit

    best = 2
    for k in range(2, LARGEST_K + 1):
        strength = prediction_strength(table.n_samples, pipeline(k), splits=5, seed=k)
        if strength.mean + strength.error >= STRONG:
            best = k
    return best


def judge(kind, seed, samples, fixed=None):
    """One cohort: what was planted, what was found, the numbers and the verdict."""
    with threadpool_limits(1):
        cohort = simulate_cohort(kind, n=samples, seed=seed)
        table = cohort.table
        k = fixed or chosen_k(table)

        def pipeline(data, draw_seed):
            return kmeans(data, k, draw_seed)

        def bootstrap(draw):
            rows = bootstrap_rows(np.arange(table.n_samples), draw=draw, seed=seed)
            return rows, pipeline(table.take(rows), seed + draw)

        cluster = pipeline(table, seed)
        reference = table_reference(table)
        known = evidence(
            cluster,
            stability=bootstrap_stability(cluster, map(bootstrap, range(DRAWS))),
            coordinates=table_coordinates(table),
            reference=reference_separations(
                reference.draw,
                lambda data, draw_seed: [pipeline(data, draw_seed)],
                table_coordinates,
                draws=DRAWS,
                seed=seed,
            )[0],
            length=cohort.length,
            missing=np.isnan(table.values),
            seed=seed,
        )
    return summary(kind, seed, cohort.truth, cluster, known)


def summary(kind, seed, truth, cluster, known: Evidence):
    """The numbers of one cohort, as JSON takes them."""
    verdicts = cluster_verdicts(known)
    planted = [truth == name for name in np.unique(truth)] if truth.any() else []
    inside = [cluster == number for number in range(len(verdicts))]
    likeness = np.array([[(a & b).sum() / (a | b).sum() for b in planted] for a in inside])
    supported = np.array([verdict.outcome == "supported" for verdict in verdicts])
    hit = likeness >= 0.5 if planted else np.zeros((len(verdicts), 0), dtype=bool)
    return {
        "kind": kind,
        "seed": seed,
        "k": len(verdicts),
        "ari": agreement(truth, cluster).adjusted_rand if planted else None,
        "verdict": partition_verdict(verdicts).outcome,
        "reasons": [verdict.reason for verdict in verdicts],
        "supported": int(supported.sum()),
        "true": int((supported & hit.any(axis=1)).sum()),
        "planted_supported": int(hit[supported].any(axis=0).sum()) if planted else 0,
        "smallest_supported": bool(hit[supported, -1].any()) if planted else False,
        "passes": {
            "jaccard": [round(float(value), 3) for value in known.jaccard],
            "explained": [round(float(value), 3) for value in known.explained],
            "p": [round(float(value), 3) for value in known.p],
            "gap": [round(float(value), 3) for value in known.gap],
            "axis": round(known.axis, 3),
        },
    }


def table_row(kind, rows):
    """One line of the table and the figures of its cohort."""
    n = len(rows)
    share = {
        name: sum(row["verdict"] == name for row in rows) / n for name in ("supported", "severity stratum")
    }
    beyond = sum(min(row["passes"]["p"]) <= 0.05 for row in rows) / n
    figures = {
        "seeds": n,
        "supported": round(share["supported"], 3),
        "stratum": round(share["severity stratum"], 3),
        "beyond": round(beyond, 3),
        "explained": round(float(np.mean([max(row["passes"]["explained"]) for row in rows])), 2),
        "jaccard": round(float(np.mean([np.mean(row["passes"]["jaccard"]) for row in rows])), 2),
        "k": round(float(np.mean([row["k"] for row in rows])), 1),
    }
    if kind not in WITHOUT:
        figures["ari"] = round(float(np.mean([row["ari"] for row in rows])), 2)
        figures["planted_supported"] = round(float(np.mean([row["planted_supported"] for row in rows])), 2)
        figures["smallest_supported"] = round(float(np.mean([row["smallest_supported"] for row in rows])), 2)
        figures["false_supported"] = round(
            float(np.mean([row["supported"] - row["true"] for row in rows])), 2
        )
    print(f"{kind:<18}" + "  ".join(f"{name} {value}" for name, value in figures.items()), flush=True)
    return figures


def main() -> None:
    """Judge every cohort, print a line for each kind and the JSON object at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--k", type=int, default=None, help="a fixed number of clusters")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--rows", default=None, help="file for the numbers of each cohort, one JSON line each"
    )
    asked = parser.parse_args()
    began = time.monotonic()
    found = {}
    with ProcessPoolExecutor(asked.processes) as pool:
        for kind in asked.kinds.split(","):
            seeds = range(asked.seeds)
            columns = [[kind] * asked.seeds, seeds, [asked.samples] * asked.seeds, [asked.k] * asked.seeds]
            rows = list(pool.map(judge, *columns))
            found[kind] = table_row(kind, rows)
            if asked.rows:
                with Path(asked.rows).open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
    empty = [figures["supported"] for kind, figures in found.items() if kind in WITHOUT]
    worst = max(empty, default=None)
    result = {
        "name": "phenotype_gates",
        "value": worst,
        "unit": "largest share of seeds of a cohort without phenotypes in which one is supported",
        "budget": BUDGET,
        "seeds": asked.seeds,
        "samples": asked.samples,
        "seconds": round(time.monotonic() - began),
        **{f"{kind}: {name}": value for kind, figures in found.items() for name, value in figures.items()},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
