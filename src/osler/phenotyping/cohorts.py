"""Simulated typed cohorts: planted phenotypes at three difficulties, and five cohorts without any.

What the gates may call a phenotype is judged on these: a planted one should be found, and on none of the five
without structure should one be supported (METHODS 18). All have the same mixed variables: numbers (some of
them skewed), ordered levels, levels without order, and findings that are there or not, with values missing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from osler.base.errors import InputError
from osler.phenotyping.partition import Array
from osler.represent.typed import TypedTable, Variable

Kind = Literal[
    "planted easy",
    "planted moderate",
    "planted hard",
    "independence",
    "continuum",
    "gradient",
    "skewed",
    "skewed continuum",
]
SHARES = (0.44, 0.30, 0.20, 0.06)  # of the planted phenotypes
SHIFTS = {"planted easy": 2.6, "planted moderate": 1.9, "planted hard": 1.4}
NUMERIC, ORDINAL, CATEGORICAL, FLAGS = 12, 4, 4, 10
SIGNATURE = 10  # latent columns in which a planted phenotype differs
_MISSING = 0.08


@dataclass(frozen=True)
class Cohort:
    """A simulated cohort.

    Attributes:
        table: the variables.
        truth: planted phenotype of each sample, int64 [n], 0 the most frequent; all 0 where there is none.
        length: length of each sample's text in words, float64 [n].
    """

    table: TypedTable
    truth: Array
    length: Array


def simulate_cohort(kind: Kind, *, n: int = 600, seed: int = 0) -> Cohort:
    """One cohort.

    Args:
        kind: `planted easy`, `planted moderate`, `planted hard`: four phenotypes of 44, 30, 20 and 6 % that
            differ from the first in ten latent columns each, beside a weak common factor. Without
            phenotypes: `independence` (no variable says anything about another), `continuum` (one factor,
            severity, behind all of them), `gradient` (long texts have fewer missing values and more
            findings), `skewed` (lognormal numbers and rare findings, correlated in blocks), `skewed
            continuum` (one exponential factor behind all variables to different degrees: most are well, few
            are very ill).
        n: samples.
        seed: seed of everything.

    Raises:
        InputError: another kind.

    Examples:
        >>> cohort = simulate_cohort("planted easy", n=200, seed=1)
        >>> cohort.table.values.shape, np.bincount(cohort.truth).tolist()
        ((200, 30), [88, 60, 40, 12])
    """
    if kind not in _MAKERS:
        raise InputError(f"there is no cohort {kind!r}", allowed=list(_MAKERS), remedy="name one of these")
    return _MAKERS[kind](n, np.random.default_rng([seed, list(_MAKERS).index(kind)]))


def _planted(shift: float) -> Callable[[int, np.random.Generator], Cohort]:
    def make(n: int, rng: np.random.Generator) -> Cohort:
        counts = np.floor(np.array(SHARES) * n + 0.5).astype(int)
        counts[0] += n - counts.sum()
        truth = rng.permutation(np.repeat(np.arange(len(SHARES)), counts))
        latent = _factor(n, rng, loading=0.3)
        for phenotype in range(1, len(SHARES)):
            differ = rng.choice(latent.shape[1], SIGNATURE, replace=False)
            direction = rng.choice([-1.0, 1.0], SIGNATURE)
            latent[np.ix_(truth == phenotype, differ)] += shift * direction
        mask = rng.random((n, _variables())) < _MISSING
        return Cohort(_table(latent, mask), truth.astype(np.int64), _words(mask, rng))

    return make


def _independence(n: int, rng: np.random.Generator) -> Cohort:
    mask = rng.random((n, _variables())) < _MISSING
    return _without(_table(rng.standard_normal((n, _columns())), mask), _words(mask, rng))


def _continuum(n: int, rng: np.random.Generator) -> Cohort:
    mask = rng.random((n, _variables())) < _MISSING
    return _without(_table(_factor(n, rng, loading=0.65), mask), _words(mask, rng))


def _gradient(n: int, rng: np.random.Generator) -> Cohort:
    """Completeness of the record is behind missing values, the number of findings, and words."""
    complete = rng.standard_normal(n)
    latent = rng.standard_normal((n, _columns()))
    latent[:, -FLAGS:] = 0.6 * complete[:, None] + 0.8 * latent[:, -FLAGS:]
    chance = 1 / (1 + np.exp(1.6 + 1.4 * complete))
    mask = rng.random((n, _variables())) < chance[:, None]
    mask[:, -FLAGS:] = False  # a finding that is not written down counts as absent
    words = np.exp(5.0 + 0.5 * complete + 0.1 * rng.standard_normal(n))
    return _without(_table(latent, mask), np.round(words))


def _skewed(n: int, rng: np.random.Generator) -> Cohort:
    latent = np.column_stack([_factor(n, rng, loading=0.6, columns=3) for _ in range(_columns() // 3 + 1)])
    latent = latent[:, rng.permutation(_columns())]
    mask = rng.random((n, _variables())) < _MISSING
    return _without(_table(latent, mask, skew=1.0, rarer=0.9), _words(mask, rng))


def _skewed_continuum(n: int, rng: np.random.Generator) -> Cohort:
    loading = rng.uniform(0.2, 0.85, _columns()) * rng.choice([-1.0, 1.0], _columns())
    factor = rng.standard_exponential((n, 1)) - 1
    latent = loading * factor + np.sqrt(1 - loading**2) * rng.standard_normal((n, _columns()))
    mask = rng.random((n, _variables())) < _MISSING
    return _without(_table(latent, mask), _words(mask, rng))


_MAKERS: dict[str, Callable[[int, np.random.Generator], Cohort]] = {
    **{kind: _planted(shift) for kind, shift in SHIFTS.items()},
    "independence": _independence,
    "continuum": _continuum,
    "gradient": _gradient,
    "skewed": _skewed,
    "skewed continuum": _skewed_continuum,
}
KINDS: tuple[str, ...] = tuple(_MAKERS)
WITHOUT: tuple[str, ...] = ("independence", "continuum", "gradient", "skewed", "skewed continuum")


def _variables() -> int:
    return NUMERIC + ORDINAL + CATEGORICAL + FLAGS


def _columns() -> int:
    return NUMERIC + ORDINAL + 2 * CATEGORICAL + FLAGS


def _factor(n: int, rng: np.random.Generator, *, loading: float, columns: int | None = None) -> Array:
    """Standard normal columns that share one factor: correlations of loading squared."""
    count = _columns() if columns is None else columns
    noise = rng.standard_normal((n, count))
    return np.asarray(loading * rng.standard_normal((n, 1)) + np.sqrt(1 - loading**2) * noise)


def _words(mask: Array, rng: np.random.Generator) -> Array:
    """A sentence of about eight words for each value that is there."""
    return np.asarray(rng.poisson(8.0 * (~mask).sum(axis=1)), dtype=np.float64)


def _without(table: TypedTable, length: Array) -> Cohort:
    return Cohort(table, np.zeros(table.n_samples, dtype=np.int64), length)


def _table(latent: Array, mask: Array, *, skew: float = 0.4, rarer: float = 0.0) -> TypedTable:
    """Observed values of latent ones.

    Args:
        latent: float [n, columns].
        mask: bool [n, variables], what is missing.
        skew: spread of the logarithm of every second number; the others are normal below a skew of 1.
        rarer: by how much findings and extreme levels are rarer.
    """
    columns = iter(latent.T)
    variables: list[Variable] = []
    values: list[Array] = []
    for i in range(NUMERIC):
        value = next(columns)
        logarithmic = i % 2 == 1 or skew >= 1
        variables.append(Variable(f"number_{i}", f"Number {i}", "numeric", section="Measurements"))
        values.append(np.round(np.exp(skew * value) if logarithmic else value, 2))
    levels = ("none", "mild", "moderate", "severe")
    for i in range(ORDINAL):
        place = np.digitize(next(columns), np.array([-0.4, 0.5, 1.3]) + rarer)
        variables.append(Variable(f"grade_{i}", f"Grade {i}", "ordinal", levels, section="Findings"))
        values.append(place.astype(np.float64))
    for i in range(CATEGORICAL):
        scores = np.column_stack([np.full(len(latent), 0.3 + rarer), next(columns), next(columns)])
        variables.append(
            Variable(f"group_{i}", f"Group {i}", "categorical", ("A", "B", "C"), section="History")
        )
        values.append(scores.argmax(axis=1).astype(np.float64))
    for i in range(FLAGS):
        variables.append(Variable(f"finding_{i}", f"Finding {i}", "flag", section="Findings"))
        values.append((next(columns) > 0.2 + 0.1 * i + rarer).astype(np.float64))
    table = np.column_stack(values)
    table[mask] = np.nan
    return TypedTable(tuple(variables), table)
