"""The minimum of a ridge-penalised logistic loss: Newton's method for few columns, L-BFGS for many.

Both minimise |w|^2 / 2 + C * sum(log-loss), the intercept unpenalised, as scikit-learn's LogisticRegression
does. They may start where the neighbouring C ended, and hold no state outside their arguments: fits may
run in threads (scikit-learn's Newton solver changes the warning filters of the process while it runs).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]

NEWTON_COLUMNS = 1000  # above it a Hessian costs more than the steps that it saves
_HALVINGS = 30


@dataclass(frozen=True)
class RidgeFit:
    """A fitted model.

    Attributes:
        beta: coefficients, the intercept last, [p + 1].
        steps: steps of the solver.
        converged: whether the gradient fell below the tolerance.
    """

    beta: Floats
    steps: int
    converged: bool

    def probability(self, X: Any) -> Floats:
        """Probability of the event for each row, [n]."""
        return np.asarray(expit(X @ self.beta[:-1] + self.beta[-1]))


def solver_for(columns: int) -> str:
    """The solver for a number of columns: newton or lbfgs."""
    return "newton" if columns <= NEWTON_COLUMNS else "lbfgs"


def fit_ridge(
    X: Any, y: NDArray[np.bool_], *, C: float, max_iter: int, tolerance: float, start: Floats | None = None
) -> RidgeFit:
    """Fit one model.

    Args:
        X: dense or csr float64, [n, p]; dense when p is at most 1,000.
        y: outcomes, bool [n], both classes present.
        C: inverse strength of the penalty.
        max_iter: most steps.
        tolerance: largest absolute component of the gradient, over C * n, at which to stop.
        start: coefficients to begin with, [p + 1]; default: the intercept alone.
    """
    share = float(y.mean())
    beta = np.zeros(X.shape[1] + 1)
    beta[-1] = np.log(share / (1 - share))
    if start is not None:
        beta = start
    solve = _newton if solver_for(X.shape[1]) == "newton" else _lbfgs
    return solve(X, y.astype(np.float64), beta, C, max_iter, tolerance * C * len(y))


def _loss(X: Any, y: Floats, beta: Floats, C: float) -> tuple[float, Floats, Floats]:
    """Penalised loss, its gradient, and the probabilities."""
    w = beta[:-1]
    eta = X @ w + beta[-1]
    p = expit(eta)
    residual = p - y
    value = w @ w / 2 + C * float(np.logaddexp(0, eta).sum() - y @ eta)
    return float(value), np.append(w + C * (X.T @ residual), C * residual.sum()), p


def _newton(X: Floats, y: Floats, beta: Floats, C: float, max_iter: int, smallest: float) -> RidgeFit:
    # The Hessian only points the way: single precision halves its cost and does not move the minimum.
    single = X.astype(np.float32)
    value, gradient, p = _loss(X, y, beta, C)
    for step in range(max_iter):
        if np.abs(gradient).max() <= smallest:
            return RidgeFit(beta, step, converged=True)
        direction = _direction(single, p, gradient, C)
        length = 1.0
        for _ in range(_HALVINGS):
            candidate = beta - length * direction
            found, new_gradient, new_p = _loss(X, y, candidate, C)
            if found <= value - 1e-4 * length * float(gradient @ direction):
                break
            length /= 2
        else:
            # No step lowers the loss any more: the minimum up to rounding.
            return RidgeFit(beta, step, converged=bool(np.abs(gradient).max() <= 100 * smallest))
        beta, value, gradient, p = candidate, found, new_gradient, new_p
    return RidgeFit(beta, max_iter, converged=bool(np.abs(gradient).max() <= smallest))


def _direction(X: NDArray[np.float32], p: Floats, gradient: Floats, C: float) -> Floats:
    for precision in (np.float32, np.float64):
        weight: NDArray[Any] = np.sqrt(C * p * (1 - p)).astype(precision)[:, None]
        columns = np.hstack([X * weight, weight])
        hessian = columns.T @ columns
        penalised = np.arange(X.shape[1])
        hessian[penalised, penalised] += 1
        try:
            return np.asarray(cho_solve(cho_factor(hessian), gradient.astype(precision)), dtype=np.float64)
        except LinAlgError:
            continue
    # Probabilities of 0 and 1 only: no curvature is left, follow the gradient.
    return gradient / (1 + C)


def _lbfgs(X: Any, y: Floats, beta: Floats, C: float, max_iter: int, smallest: float) -> RidgeFit:
    found = minimize(
        lambda at: _loss(X, y, at, C)[:2],
        beta,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": max_iter, "maxfun": 2 * max_iter, "gtol": smallest, "ftol": 1e-12, "maxls": 50},
    )
    return RidgeFit(np.asarray(found.x), int(found.nit), converged=bool(found.success))
