"""How far the length of a text and what is missing tell which cluster a sample is in.

The measure is the AUROC of each cluster against the rest, cross-validated, of a logistic regression on
length, number of missing values (both also squared and on a logarithmic scale, for a cluster in the middle)
and one indicator per variable that is missing somewhere. Half is chance, 1 is a cluster made of nothing
else. Unlike the share of variance of length that clusters explain, it sees a cluster made by one missing
panel, and is the same measure for a small cluster as for a large one.
"""

import numpy as np

from osler.measure.discrimination import auroc
from osler.phenotyping.partition import Array

FOLDS = 5
MOST = 5_000  # samples that enter; a larger cohort is drawn from
FEWEST = 10  # samples of a cluster, and of the rest, below which nothing is measured
_PENALTY = 0.1


def explained_by_traces(cluster: Array, *, length: Array, missing: Array, seed: int = 0) -> Array:
    """AUROC of each cluster from length and missing values alone.

    Args:
        cluster: int [n], labels 0..k-1, -1 noise.
        length: length of each sample's text or record, [n], 0 or more.
        missing: which values are missing, bool [n, p]; p may be 0.
        seed: seed of the folds and of the samples drawn.

    Returns:
        float64 [k], at least 0.5 where measured (a model worse than chance has found nothing); NaN where a
        cluster or its rest has fewer than 10 samples.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> cluster, nothing = np.repeat([0, 1], 100), np.zeros((200, 0), dtype=bool)
        >>> told = explained_by_traces(cluster, length=10.0 + 100 * cluster, missing=nothing)
        >>> told.round(2).tolist(), bool(
        ...     explained_by_traces(cluster, length=rng.random(200), missing=nothing).max() < 0.65)
        ([1.0, 1.0], True)
    """
    from sklearn.model_selection import StratifiedKFold
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    k = int(cluster.max(initial=-1)) + 1
    found = np.full(k, np.nan)
    rows = np.arange(len(cluster))
    if len(rows) > MOST:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), MOST, replace=False))
    traces = _traces(np.asarray(length, dtype=np.float64)[rows], np.asarray(missing, dtype=bool)[rows])
    for number in range(k):
        inside = cluster[rows] == number
        if min(inside.sum(), (~inside).sum()) < FEWEST:
            continue
        if traces.shape[1] == 0:
            found[number] = 0.5
            continue
        with threadpool_limits(limits=1):  # the same numbers however many threads there are
            areas = [
                _area(traces, inside, train, test)
                for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(
                    traces, inside
                )
            ]
        found[number] = max(0.5, float(np.mean(areas)))
    return found


def _area(traces: Array, inside: Array, train: Array, test: Array) -> float:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=_PENALTY, class_weight="balanced", max_iter=500)
    return auroc(inside[test], model.fit(traces[train], inside[train]).decision_function(traces[test]))


def _traces(length: Array, missing: Array) -> Array:
    """Standardised columns [n, q]; those without spread are left out."""
    count = missing.sum(axis=1).astype(np.float64)
    scales = [f for x in (length, count) for f in (x, np.log1p(x), (x - x.mean()) ** 2)]
    columns = np.column_stack([*scales, missing.astype(np.float64)])
    spread = columns.std(axis=0)
    varies = spread > 1e-9 * np.maximum(np.abs(columns).max(axis=0, initial=0.0), 1.0)
    return np.asarray(
        (columns[:, varies] - columns[:, varies].mean(axis=0)) / spread[varies], dtype=np.float64
    )
