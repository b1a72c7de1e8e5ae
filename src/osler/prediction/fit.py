"""Fitting: one representation and head over all splits; everything that is fitted sees training rows only."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.base.parallel import cores
from osler.measure.ranking import Floats
from osler.prediction.heads import HEADS, make_head
from osler.prediction.plan import Plan, Split

if TYPE_CHECKING:
    from osler.prediction.settings import PredictSettings
    from osler.represent.features import Features


@dataclass(frozen=True)
class Fitted:
    """What a head said of one split.

    Attributes:
        probability: of the held-out rows, in the order of `Split.test`, [n_test].
        chosen: what inner cross-validation chose, JSON-ready.
    """

    probability: Floats
    chosen: dict[str, Any]


def fit_split(
    features: "Features", head: str, plan: Plan, split: Split, *, settings: "PredictSettings"
) -> Fitted:
    """Fit the transformer and the head on the training rows of a split, predict its held-out rows.

    Args:
        features: one representation of all samples.
        head: a key of `HEADS`.
        plan: outcomes and groups.
        split: the rows.
        settings: settings of the heads.
    """
    transformer = features.make_linear() if HEADS[head].view == "linear" else features.make_trees()
    train = transformer.fit_transform(features.matrix[split.train])
    estimator = make_head(head, settings).fit(train, plan.y[split.train], plan.group[split.train])
    test = transformer.transform(features.matrix[split.test])
    return Fitted(estimator.predict_proba(test)[:, 1].astype(np.float64), estimator.chosen_)


def fit_splits(
    features: "Features",
    head: str,
    plan: Plan,
    *,
    settings: "PredictSettings",
    done: Callable[[int], None],
) -> list[Fitted]:
    """Fit all splits of one model, several at a time.

    Args:
        features: one representation.
        head: a key of `HEADS`.
        plan: outcomes, groups, splits.
        settings: settings of the heads.
        done: called with 1 after each split.
    """

    def work(split: Split) -> Fitted:
        fitted = fit_split(features, head, plan, split, settings=settings)
        done(1)
        return fitted

    with ThreadPoolExecutor(max_workers=workers()) as pool:
        return list(pool.map(work, plan.splits))


def workers() -> int:
    """Fits at a time: the cores that this process may use, at most 8."""
    return min(8, cores())
