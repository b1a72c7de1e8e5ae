"""Time and memory of k-means, spherical k-means and mixtures on 200,000 samples of 384 columns.

The samples are simulated: eight groups of unequal size, of which the middles lie in a common cone as those
of embeddings do. Each method runs in a process of its own over k = 2..10 as a study does (fitting the space,
then each k, with the settings' seeds and starts); its peak resident memory is read from outside. Beside the
time stands the processor time, which other work on the machine hardly changes. The clusters of k = 8 are
compared with the groups before a number is printed.

    python benchmarks/cluster_scale.py [--rows 200000] [--columns 384] [--methods kmeans spherical mixture]
"""

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np

from support.peak import run

GROUPS = 8
K = range(2, 11)
LEAST_RAND = 0.9


def simulate(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors float32 [rows, columns] and their groups int64 [rows]."""
    rng = np.random.default_rng(0)
    group = rng.choice(GROUPS, rows, p=np.arange(1, GROUPS + 1) / (GROUPS * (GROUPS + 1) / 2))
    middle = (rng.normal(size=columns) + 0.7 * rng.normal(size=(GROUPS, columns))).astype(np.float32)
    vectors = np.empty((rows, columns), dtype=np.float32)
    for start in range(0, rows, 8192):
        part = group[start : start + 8192]
        vectors[start : start + 8192] = middle[part] + rng.normal(size=(len(part), columns)).astype("f4")
    return vectors, group.astype(np.int64)


def cluster(folder: Path, name: str) -> float:
    """Fit an arm for every k; returns the adjusted Rand index of k = 8 with the groups."""
    from sklearn.metrics import adjusted_rand_score

    from osler.phenotyping.arms import arm
    from osler.phenotyping.data import ArmInput
    from osler.phenotyping.settings import PhenotypeSettings
    from osler.represent.features import dense_features

    vectors = np.load(folder / "vectors.npy")
    settings = PhenotypeSettings(k=(K.start, K.stop - 1))
    features = dense_features("simulated", vectors, [str(i) for i in range(vectors.shape[1])])
    one = arm(name)
    points = one.fit_space(ArmInput(features=features), settings=settings, seed=0).points
    del features, vectors
    agreement = 0.0
    for k in K:
        partition = one.divide(points, k, settings=settings, seed=0)
        if k == GROUPS:
            agreement = float(adjusted_rand_score(np.load(folder / "group.npy"), partition.cluster))
    return agreement


def main() -> None:
    """Measure each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--columns", type=int, default=384)
    parser.add_argument("--methods", nargs="+", default=["kmeans", "spherical", "mixture"])
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.folder:
        print(cluster(chosen.folder, chosen.methods[0]))
        return
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        vectors, group = simulate(chosen.rows, chosen.columns)
        np.save(folder / "vectors.npy", vectors)
        np.save(folder / "group.npy", group)
        del vectors
        for method in chosen.methods:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            ran = run([sys.executable, __file__, "--folder", name, "--methods", method])
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            agreement = float(ran.output)
            if agreement < LEAST_RAND:
                raise SystemExit(f"{method} does not find the groups: adjusted Rand index {agreement:.2f}")
            found[f"{method}_s"] = round(ran.seconds, 1)
            found[f"{method}_cpu_s"] = round(processor, 1)
            found[f"{method}_mb"] = ran.peak_bytes // 10**6
            found[f"{method}_rand"] = round(agreement, 3)
            print(
                method,
                f"{ran.seconds:.0f} s, {processor:.0f} s of processor time,",
                found[f"{method}_mb"],
                "MB",
                file=sys.stderr,
            )
    seconds = max(found[f"{method}_s"] for method in chosen.methods)
    what = f"{chosen.rows:,} samples x {chosen.columns}, k = {K.start}..{K.stop - 1}"
    result = {
        "name": "clustering at scale",
        "value": seconds,
        "unit": f"s, the slowest method; {what}",
        **found,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
