"""Mixed variables with planted clusters, for the tests of spaces and methods."""

from collections.abc import Callable

import numpy as np
import pytest

from osler.represent.typed import TypedTable, Variable

Mixed = tuple[TypedTable, np.ndarray]


def _mixed(n: int = 240, *, seed: int = 0, clusters: int = 3, missing: float = 0.0) -> Mixed:
    """Three numeric, two ordinal, three categorical variables and four flags, and the planted clusters."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(clusters, n, p=np.arange(clusters, 0, -1) / (clusters * (clusters + 1) / 2))
    middle = 6 * rng.permuted(np.tile(np.arange(clusters), (3, 1)), axis=1)
    columns = [10.0**j * (middle[j][truth] + rng.normal(size=n)) for j in range(3)]
    variables = [Variable(f"n{j}", f"n{j}", "numeric") for j in range(3)]
    for j in range(2):
        level = (truth + j) % clusters + (rng.random(n) < 0.1)
        columns.append(np.minimum(level, clusters).astype(float))
        names = tuple(f"o{i}" for i in range(clusters + 1))
        variables.append(Variable(f"o{j}", f"o{j}", "ordinal", names))
    for j in range(3):
        told, random = (truth * (j + 1)) % (clusters + 1), rng.integers(0, clusters + 1, n)
        columns.append(np.where(rng.random(n) < 0.1, random, told).astype(float))
        names = tuple(f"c{i}" for i in range(clusters + 1))
        variables.append(Variable(f"c{j}", f"c{j}", "categorical", names))
    for j in range(4):
        columns.append((rng.random(n) < np.where(truth == j % clusters, 0.9, 0.1)).astype(float))
        variables.append(Variable(f"f{j}", f"f{j}", "flag"))
    values = np.array(columns).T
    values[rng.random(values.shape) < missing] = np.nan
    return TypedTable(tuple(variables), values), truth


@pytest.fixture(scope="session")
def mixed() -> Callable[..., Mixed]:
    """`mixed(n, seed=..., clusters=..., missing=...)` makes a table and its planted clusters."""
    return _mixed
