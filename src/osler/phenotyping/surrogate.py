"""A surrogate tree: a few questions about variables that tell most samples' clusters, with its fidelity."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.measure.agreement import NOISE
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable

DEPTH = 3
_FOLDS = 5


@dataclass(frozen=True)
class Surrogate:
    """A tree that imitates a partition.

    Attributes:
        fidelity: balanced accuracy on samples that the tree was not fitted on: mean over folds of the mean
            share of each cluster's samples that it sends there. 1 / k is what chance gives.
        chance: 1 / k.
        nodes: from the root, depth first: `depth`, `question` ("" at a leaf), `cluster` of a leaf, `n`
            samples, `share` of them in that cluster. The first branch of a question is "yes".
    """

    fidelity: float
    chance: float
    nodes: list[dict[str, Any]]


def surrogate(cluster: Array, table: TypedTable, *, seed: int = 0, depth: int = DEPTH) -> Surrogate | None:
    """Fit the tree (Craven, Shavlik 1996: a tree as the explanation of another model).

    Missing values go the way that fits better at each question, which the question says ("or not known").

    Args:
        cluster: int [n], -1 noise, which takes no part.
        table: the variables.
        seed: seed of the folds.
        depth: most questions one after the other.

    Returns:
        None where there are fewer than two clusters of five samples.

    Examples:
        >>> from osler.represent.typed import Variable
        >>> age = Variable("age", "Age", "numeric", unit="years")
        >>> values = np.arange(40.0)[:, None]
        >>> found = surrogate((values[:, 0] > 19).astype(int), TypedTable((age,), values))
        >>> found.nodes[0]["question"], found.fidelity > 0.9
        ('Age at most 19.5 years', True)
    """
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold
    from sklearn.tree import DecisionTreeClassifier

    kept = cluster != NOISE
    labels, values = cluster[kept], table.values[kept]
    names, size = np.unique(labels, return_counts=True)
    if len(names) < 2 or size.min() < _FOLDS:
        return None
    matrix, questions = _matrix(table, values)

    def tree() -> Any:
        return DecisionTreeClassifier(
            max_depth=depth,
            min_samples_leaf=max(5, len(labels) // 100),
            class_weight="balanced",
            random_state=0,
        )

    scores = [
        balanced_accuracy_score(labels[test], tree().fit(matrix[train], labels[train]).predict(matrix[test]))
        for train, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(matrix, labels)
    ]
    fitted = tree().fit(matrix, labels)
    return Surrogate(float(np.mean(scores)), 1 / len(names), _nodes(fitted, matrix, labels, questions))


def _matrix(table: TypedTable, values: Array) -> tuple[Array, list[tuple[str, str]]]:
    """Columns for a tree, and what a question about each says: its label, and its unit or "no"."""
    columns, said = [], []
    for variable, value in zip(table.variables, values.T, strict=True):
        if variable.kind == "categorical":
            for number, level in enumerate(variable.levels):
                columns.append(np.where(np.isnan(value), np.nan, value == number))
                said.append((f"{variable.label}: {level}", "no"))
        elif variable.kind == "flag":
            columns.append(value)
            said.append((variable.label, "no"))
        else:
            columns.append(value)
            said.append((variable.label, f" {variable.unit}" if variable.unit else ""))
    return np.column_stack(columns).astype(np.float64), said


def _nodes(fitted: Any, matrix: Array, labels: Array, said: list[tuple[str, str]]) -> list[dict[str, Any]]:
    inner = fitted.tree_
    passed = np.asarray(fitted.decision_path(matrix).todense(), dtype=bool)
    found: list[dict[str, Any]] = []

    def visit(node: int, depth: int) -> None:
        here = labels[passed[:, node]]
        left, right = int(inner.children_left[node]), int(inner.children_right[node])
        if left == right:
            values = inner.value[node][0]
            cluster = int(fitted.classes_[int(np.argmax(values))])
            share = float((here == cluster).mean()) if len(here) else 0.0
            found.append({"depth": depth, "question": "", "cluster": cluster, "n": len(here), "share": share})
            return
        label, unit = said[int(inner.feature[node])]
        threshold = float(inner.threshold[node])
        question = f"not {label}" if unit == "no" else f"{label} at most {threshold:.4g}{unit}"
        # All that are known go left: the tree asks whether there is a value.
        question = question if np.isfinite(threshold) else f"{label} known"
        column = matrix[:, int(inner.feature[node])]
        if np.isnan(column).any() and inner.missing_go_to_left[node]:
            question += ", or not known"
        found.append({"depth": depth, "question": question, "cluster": None, "n": len(here), "share": None})
        visit(left, depth + 1)
        visit(right, depth + 1)

    visit(0, 0)
    return found
