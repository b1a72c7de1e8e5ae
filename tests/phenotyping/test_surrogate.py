"""The tree that imitates a partition: its fidelity on samples it has not seen, and what its questions say."""

import numpy as np
import pytest

from osler.phenotyping.surrogate import surrogate
from osler.represent.typed import TypedTable, Variable

AGE = Variable("age", "Age", "numeric", unit="years")
COMA = Variable("coma", "Coma", "flag")
SITE = Variable("site", "Site", "categorical", ("north", "south", "west"))


def _table(n: int = 300, seed: int = 0) -> TypedTable:
    rng = np.random.default_rng(seed)
    columns = [
        rng.uniform(0, 10, n),
        (rng.random(n) < 0.3).astype(float),
        rng.integers(0, 3, n).astype(float),
    ]
    return TypedTable((AGE, COMA, SITE), np.column_stack(columns))


def test_a_partition_by_two_questions_is_imitated() -> None:
    table = _table()
    age, coma = table.values[:, 0], table.values[:, 1]
    cluster = np.where(coma == 1, 2, (age > 4).astype(int))
    found = surrogate(cluster, table)
    assert found is not None
    assert found.fidelity > 0.95
    assert found.chance == pytest.approx(1 / 3)
    asked = {node["question"] for node in found.nodes if node["question"]}
    assert "not Coma" in asked
    assert any(question.startswith("Age at most 4") and question.endswith("years") for question in asked)
    leaves = [node for node in found.nodes if node["cluster"] is not None]
    assert {leaf["cluster"] for leaf in leaves} == {0, 1, 2}
    assert sum(leaf["n"] for leaf in leaves) == 300


def test_fidelity_to_a_random_partition_is_that_of_chance() -> None:
    cluster = np.random.default_rng(3).integers(0, 3, 300)
    found = surrogate(cluster, _table())
    assert found is not None
    assert abs(found.fidelity - found.chance) < 0.12


def test_levels_and_missing_values_are_spelled() -> None:
    table = _table()
    by_site = surrogate((table.values[:, 2] == 1).astype(int), table)
    assert by_site is not None
    assert by_site.nodes[0]["question"] == "not Site: south"
    known = table.values.copy()
    cluster = np.repeat([0, 1], 150)
    known[cluster == 0, 0] = np.nan
    of_missing = surrogate(cluster, TypedTable(table.variables, known))
    assert of_missing is not None
    assert of_missing.nodes[0]["question"] == "Age known"


def test_noise_and_small_clusters() -> None:
    table = _table()
    cluster = (table.values[:, 1] == 1).astype(int)
    noisy = cluster.copy()
    noisy[:50] = -1
    found = surrogate(noisy, table)
    assert found is not None
    assert found.nodes[0]["n"] == 250
    assert surrogate(np.zeros(300, dtype=int), table) is None
    small = np.zeros(300, dtype=int)
    small[:2] = 1
    assert surrogate(small, table) is None
