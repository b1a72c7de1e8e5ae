"""Logistic regression under many sets of weights at once: the engine of the calibration measures."""

import numpy as np

from osler.measure.ranking import Floats

MAX_STEPS = 30
TOLERANCE = 1e-6
LONGEST_STEP = 5.0
# Keeps a fit finite when a bootstrap draw separates the classes; far below the information in ten events.
RIDGE = 1e-6


def expit(value: Floats) -> Floats:
    """Inverse of the logit, without overflow."""
    from scipy.special import expit as stable

    return np.asarray(stable(value))


def fit_weighted(
    X: Floats, y: Floats, weight: Floats, *, offset: Floats | None = None, start: Floats | None = None
) -> Floats:
    """Coefficients by Newton's method, one fit per column of weights.

    Args:
        X: columns of the model, the intercept among them, [n, k].
        y: outcomes 0 or 1, [n].
        weight: weights, [n, b].
        offset: fixed part of the linear predictor, [n].
        start: coefficients to begin with, [k]; default 0.

    Returns:
        Coefficients [k, b]; NaN where the steps did not settle.
    """
    k, draws = X.shape[1], weight.shape[1]
    beta = np.zeros((k, draws)) if start is None else np.repeat(start[:, None], draws, axis=1)
    products = (X[:, :, None] * X[:, None, :]).reshape(len(X), k * k)
    active = np.arange(draws)  # most draws settle after a few steps; only the others go on
    for _ in range(MAX_STEPS):
        used = weight if len(active) == draws else weight[:, active]
        p = X @ beta[:, active]
        if offset is not None:
            p += offset[:, None]
        p = expit(p)
        residual = (y[:, None] - p) * used
        p *= 1 - p
        p *= used
        gradient = X.T @ residual - RIDGE * beta[:, active]
        curvature = (products.T @ p).T.reshape(len(active), k, k) + RIDGE * np.eye(k)
        step = np.linalg.solve(curvature, gradient.T[:, :, None])[:, :, 0].T
        # Long steps come from nearly separated draws, where the full step would overshoot.
        length = np.abs(step).max(axis=0)
        beta[:, active] += step * np.minimum(1.0, LONGEST_STEP / np.maximum(length, LONGEST_STEP))
        active = active[length >= TOLERANCE]
        if len(active) == 0:
            break
    beta[:, active] = np.nan
    return beta


def robust_covariance(
    X: Floats, y: Floats, beta: Floats, position: np.ndarray, n_groups: int, *, offset: Floats | None = None
) -> Floats:
    """Sandwich covariance of the coefficients, with rows of a group taken together, [k, k].

    Liang and Zeger, Biometrika 1986;73:13, with the factor g / (g - 1) for g groups.

    Args:
        X: columns, [n, k].
        y: outcomes, [n].
        beta: coefficients, [k].
        position: group of each row as 0 ... n_groups - 1, [n].
        n_groups: number of groups.
        offset: fixed part of the linear predictor, [n].
    """
    p = expit(X @ beta + (0.0 if offset is None else offset))
    bread = np.linalg.inv(X.T @ (X * (p * (1 - p))[:, None]) + RIDGE * np.eye(X.shape[1]))
    scores = X * (y - p)[:, None]
    sums = np.stack(
        [np.bincount(position, scores[:, column], minlength=n_groups) for column in range(X.shape[1])], axis=1
    )
    factor = n_groups / (n_groups - 1) if n_groups > 1 else np.nan
    return np.asarray(bread @ (sums.T @ sums) @ bread * factor)
