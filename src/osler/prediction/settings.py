"""Settings of predictions."""

from typing import Literal

from pydantic import Field, field_validator

from osler.base.settings import Settings
from osler.measure.compare import MIN_TEST_DRAWS
from osler.prediction.heads import HEADS


class LrSettings(Settings):
    """Logistic regression with a ridge penalty.

    Attributes:
        C: inverse strengths of the penalty to choose from by inner cross-validation on training groups. The
            features are scaled to total variance 1 first, so C is the prior variance of the linear predictor.
        inner_folds: folds of that inner cross-validation.
        max_iter: most steps of the solver.
    """

    C: tuple[float, ...] = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1000.0)
    inner_folds: int = Field(default=3, ge=2)
    max_iter: int = Field(default=1000, ge=1)

    @field_validator("C")
    @classmethod
    def _positive(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or min(value) <= 0:
            raise ValueError("give at least one strength, all above 0")
        return tuple(sorted(set(value)))


class GbmSettings(Settings):
    """Gradient boosted trees, regularised for few events.

    The defaults were chosen on simulated cohorts of 1,900 patients with 4.6 % events; see `num_leaves` and
    `max_trees` first when there are many thousand events.

    Attributes:
        learning_rate: shrinkage of each tree.
        num_leaves: leaves of a tree.
        min_child_samples: fewest training samples in a leaf.
        feature_fraction: share of the features that a tree may use.
        bagging_fraction: share of the training samples that a tree sees.
        lambda_l2: ridge penalty on the leaf values.
        max_bin: bins of a feature.
        max_trees: most trees; how many are kept is chosen by inner cross-validation on training groups.
        patience: trees without a better inner log loss after which the search ends.
        inner_folds: folds of that inner cross-validation.
    """

    learning_rate: float = Field(default=0.05, gt=0, le=1)
    num_leaves: int = Field(default=4, ge=2)
    min_child_samples: int = Field(default=20, ge=1)
    feature_fraction: float = Field(default=0.3, gt=0, le=1)
    bagging_fraction: float = Field(default=0.8, gt=0, le=1)
    lambda_l2: float = Field(default=10.0, ge=0)
    max_bin: int = Field(default=63, ge=2)
    max_trees: int = Field(default=500, ge=1)
    patience: int = Field(default=20, ge=1)
    inner_folds: int = Field(default=3, ge=2)


class PredictSettings(Settings):
    """Which heads are fitted on the representations, and how they are compared.

    Attributes:
        heads: heads to fit on each representation (lr, gbm).
        k: training samples per class; only "all".
        compare_to: the model, as `representation+head`, that all others are compared with; None: none.
        seed: seed of inner folds, trees and draws.
        draws: bootstrap draws of tests and AUROC intervals, at least 10,000.
        lr: settings of the logistic regression.
        gbm: settings of the trees.
    """

    heads: list[str] = Field(default=["lr", "gbm"], min_length=1)
    k: list[Literal["all"]] = Field(default=["all"], min_length=1, max_length=1)
    compare_to: str | None = "counts+gbm"
    seed: int = Field(default=0, ge=0)
    draws: int = Field(default=MIN_TEST_DRAWS, ge=MIN_TEST_DRAWS)
    lr: LrSettings = LrSettings()
    gbm: GbmSettings = GbmSettings()

    @field_validator("heads")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        unknown = [name for name in value if name not in HEADS]
        if unknown:
            raise ValueError(f"unknown head '{unknown[0]}' (allowed: {', '.join(HEADS)})")
        if len(set(value)) < len(value):
            raise ValueError("a head is named twice")
        return value
