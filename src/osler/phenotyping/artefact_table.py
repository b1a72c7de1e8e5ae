"""The artefact tests of the partitions that are chosen or have the highest silhouette, as one long table."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.measure.agreement import agreement
from osler.phenotyping.arms import Arm
from osler.phenotyping.arms import arm as load_arm
from osler.phenotyping.artefacts import (
    REMOVED,
    explained_traces,
    leading_directions,
    order_test,
    remade_partitions,
)
from osler.phenotyping.compare import Key
from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.shared import drawn_rows, vector_space
from osler.phenotyping.sources import Source
from osler.phenotyping.spaces.vectors import VectorsSpace
from osler.phenotyping.traces import followed, ranked, without_traces

ARTEFACTS: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "test": pl.String(),
    "what": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "removed": pl.Float64(),
    "n": pl.Int64(),
}
# Names of the tests: what `value` is.
TRACE = "between clusters"  # share of the variance of the ranks of a trace that lies between the clusters
REMADE = "made again"  # adjusted Rand index with the partition made again from changed vectors
DIRECTION = "direction 1 follows"  # squared rank correlation of the first principal direction with a trace
ORDER = "another order"  # of the statements: see `order_rows`
MISSING = "missing values"
WITHOUT = "without what traces predict"
CONTROL = (
    "without what shuffled traces predict"  # tells a partition that little would change from one by traces
)
CHANGED = "samples in another cluster"

Row = tuple[str, float, float | None, float | None, float | None, int]


def artefact_table(
    sources: Sequence[Source],
    partitions: Mapping[Key, Array],
    *,
    order: int,
    seed: int,
    scratch: Path,
) -> pl.DataFrame:
    """Every test of the partitions that are chosen, or have the highest silhouette: `ARTEFACTS`.

    Partitions of variables and counts meet the traces only; their coordinates are no vectors of an encoder.

    Args:
        sources: what was clustered.
        partitions: by arm and k, cluster of each sample, int [n], -1 noise.
        order: texts that are encoded again in another order; 0: none.
        seed: seed of the sub-samples.
        scratch: folder for what is temporary.
    """
    rows: list[tuple[Any, ...]] = []
    for source in sources:
        traces = traces_of(source)
        tests = _Vectors(source, traces, order=order, seed=seed, scratch=scratch) if source.embedded else None
        for label, k in source.tested:
            cluster = partitions[label, k]
            found = [(TRACE, row) for row in trace_rows(cluster, traces)]
            if tests is not None:
                found += tests.of(load_arm(label.partition("/")[2]), k, cluster)
            rows += [(label, k, test, *row) for test, row in found]
    table = pl.DataFrame(rows, schema=ARTEFACTS, orient="row")
    return table.with_columns(pl.col(pl.Float64).fill_nan(None))


def traces_of(source: Source) -> dict[str, Array]:
    """The traces of a source that vary, and the number of missing values where it has variables."""
    found = {name: np.asarray(trace, dtype=np.float64) for name, trace in source.traces.items()}
    if source.data.table is not None:
        found[MISSING] = np.isnan(source.data.table.values).sum(axis=1).astype(np.float64)
    return {name: trace for name, trace in found.items() if np.nanmax(trace) > np.nanmin(trace)}


def trace_rows(cluster: Array, traces: Mapping[str, Array]) -> list[Row]:
    """Share of each trace between the clusters, with its interval.

    Examples:
        >>> trace_rows(np.array([0, 0, 1, 1]), {"tokens": np.array([5.0, 5.0, 90.0, 90.0])})[0][:2]
        ('tokens', 1.0)
    """
    found = explained_traces(cluster, {name: ranked(trace) for name, trace in traces.items()})
    return [(name, one.value, one.low, one.high, None, one.n_inside) for name, one in found.items()]


class _Vectors:
    """The tests of one representation; the space is fitted once, and texts are encoded again once."""

    def __init__(
        self, source: Source, traces: Mapping[str, Array], *, order: int, seed: int, scratch: Path
    ) -> None:
        self._settings = source.settings
        self._traces = dict(traces)
        space = vector_space(source.data, source.settings)
        points = space.points.euclidean()
        self._rows = drawn_rows(len(points), source.settings.sample_limit, seed)
        self._points = points[self._rows].astype(np.float64)
        self._own = {name: trace[self._rows] for name, trace in self._traces.items()}
        self._moved = None
        if source.reorder is not None and order > 0:
            self._moved = _moved(source, space, drawn_rows(len(points), order, seed), scratch)

    def of(self, arm: Arm, k: int, cluster: Array) -> list[tuple[str, Row]]:
        """All tests of one partition."""
        divide = partial(_divide, arm, k, self._settings)
        whole = len(self._rows) == len(cluster)
        original = cluster if whole else divide(self._points)
        n = len(self._points)
        total = float(((self._points - self._points.mean(axis=0)) ** 2).sum())
        found: list[tuple[str, Row]] = [
            (REMADE, (one.change, one.adjusted_rand, None, None, one.removed, n))
            for one in remade_partitions(self._points, divide, original=original, removed=REMOVED)
        ]
        if self._own:
            order = np.random.default_rng(self._settings.seed).permutation(n)
            shuffled = {name: trace[order] for name, trace in self._own.items()}
            for what, traces in ((WITHOUT, self._own), (CONTROL, shuffled)):
                left = without_traces(self._points, traces)
                taken = 1 - float((left**2).sum()) / total if total > 0 else 0.0
                rand = agreement(original, divide(left)).adjusted_rand
                found.append((REMADE, (what, rand, None, None, taken, n)))
        first = leading_directions(self._points, 1)
        found += [
            (DIRECTION, (name, float(share[0]), None, None, None, n))
            for name, share in followed(first, self._own).items()
        ]
        if self._moved is not None:
            found += [(ORDER, row) for row in order_rows(*self._moved, divide)]
        return found


def order_rows(matrix: Array, moved: Array, divide: Any) -> list[Row]:
    """What another order of the statements does to a partition of some samples.

    Args:
        matrix: vectors of the texts, float [m, d].
        moved: vectors of the same texts in another order, float [m, d].
        divide: takes vectors, gives clusters.
    """
    test, n = order_test(matrix, moved, divide), len(matrix)
    return [
        (CHANGED, test.changed, None, None, None, n),
        ("adjusted Rand index", test.adjusted_rand, None, None, None, n),
        ("distance moved, of that between samples", test.ratio, None, None, None, n),
        (
            "variance of the distance moved, between clusters",
            *(test.explained.value, test.explained.low, test.explained.high),
            None,
            n,
        ),
    ]


def _divide(arm: Arm, k: int, settings: PhenotypeSettings, points: Array) -> Array:
    found = arm.divide(Points(coordinates=points), k, settings=settings, seed=settings.seed)
    return found.cluster


def _moved(source: Source, space: VectorsSpace, rows: Array, scratch: Path) -> tuple[Array, Array]:
    """Some samples in a space, by their texts as they are and by the same texts in another order."""
    assert source.reorder is not None
    again = ArmInput(features=source.reorder(rows, scratch))
    return space.points.euclidean()[rows], space.place(again).euclidean()
