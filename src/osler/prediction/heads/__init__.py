"""Heads: what predicts from a representation. One file each; the registry names module, class and view.

A head is a scikit-learn classifier whose `fit` also takes the groups of the rows, so that its inner
cross-validation never parts a patient, and whose `chosen_` says in JSON-ready values what was chosen.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

if TYPE_CHECKING:
    from osler.prediction.settings import PredictSettings


@dataclass(frozen=True)
class HeadEntry:
    """Where a head is and which view of the features it reads.

    Attributes:
        module: module to import when the head is used.
        estimator: class in it, made with `settings` and `seed`.
        view: "linear" (scaled, nothing missing) or "trees" (NaN where nothing was measured).
    """

    module: str
    estimator: str
    view: Literal["linear", "trees"]


HEADS: dict[str, HeadEntry] = {
    "lr": HeadEntry("osler.prediction.heads.lr", "LogisticHead", "linear"),
    "gbm": HeadEntry("osler.prediction.heads.gbm", "TreesHead", "trees"),
}


class Head(Protocol):
    """What all heads can do."""

    chosen_: dict[str, Any]

    def fit(self, X: Any, y: np.ndarray, groups: np.ndarray) -> "Head":
        """Fit on training rows."""

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of no event and event, [n, 2]."""


def make_head(name: str, settings: "PredictSettings") -> Head:
    """An unfitted head.

    Args:
        name: a key of `HEADS`.
        settings: settings of the predictions; the block of the same name goes to the head.
    """
    entry = HEADS[name]
    head: Head = getattr(import_module(entry.module), entry.estimator)(
        settings=getattr(settings, name), seed=settings.seed
    )
    return head
