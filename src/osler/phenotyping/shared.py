"""The spaces in which every partition is scored: variables, their factor analysis, each representation."""

from collections.abc import Sequence

import numpy as np

from osler.phenotyping.data import ArmInput
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import PhenotypeSettings
from osler.phenotyping.sources import FAMD, GOWER, Source
from osler.phenotyping.spaces import famd, gower, vectors
from osler.phenotyping.spaces.vectors import VectorsSpace


def shared_spaces(sources: Sequence[Source], *, rows: Array) -> dict[str, Points]:
    """Some samples in each space, fitted on all samples with the settings of the source.

    Args:
        sources: what was clustered; the first with variables gives Gower's distance and the factor analysis.
        rows: samples that are scored [m].

    Returns:
        `gower` (distances [m, m]), `famd` and the name of each representation (coordinates [m, d]).
    """
    found: dict[str, Points] = {}
    for source in sources:
        table = source.data.table
        if table is not None and GOWER not in found and table.variables:
            measure = gower.fit_measure(table)
            found[GOWER] = Points(distances=measure.within(table.values[rows])[0])
            fitted = famd.fit(ArmInput(table=table), settings=source.settings, seed=source.settings.seed)
            found[FAMD] = Points(coordinates=fitted.points.euclidean()[rows])
        if source.data.features is not None:
            space = vector_space(source.data, source.settings)
            found[source.name] = Points(coordinates=space.points.euclidean()[rows])
    return found


def vector_space(data: ArmInput, settings: PhenotypeSettings) -> VectorsSpace:
    """The space of a representation, as its arms were fitted in it."""
    return vectors.fit(data, settings=settings, seed=settings.seed)


def drawn_rows(n: int, most: int, seed: int) -> Array:
    """At most so many samples, drawn once, ascending: int64 [m].

    Examples:
        >>> drawn_rows(3, 5, 0).tolist(), len(drawn_rows(9, 5, 0))
        ([0, 1, 2], 5)
    """
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng([seed, n]).choice(n, most, replace=False))
