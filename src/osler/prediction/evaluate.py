"""From predictions to the rows of the metrics table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osler.measure.calibration import (
    Curve,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
    observed_minus_expected,
)
from osler.measure.compare import holm, paired_difference
from osler.measure.discrimination import auroc
from osler.measure.intervals import (
    FEW_EVENTS,
    Interval,
    auroc_interval,
    logit_auroc_interval,
    observed_expected,
)
from osler.measure.probability import squared_error, surprise
from osler.measure.ranking import Floats, Ranking
from osler.measure.resample import bootstrap, percentile_interval
from osler.measure.table import MetricRow
from osler.prediction.curves import stacked
from osler.prediction.files import ALL, DATA, REPLICATES
from osler.prediction.plan import Plan
from osler.prediction.scoring import Part, averaged, make_parts, mean_over_parts, ranked, statistics
from osler.record.schema import HELD_OUT

MIN_EVENTS = 10  # below it nothing is ranked and nothing is fitted to the predictions
INTERVAL_DRAWS = 2_000  # enough for the percentiles of an interval; tests and AUROC use all draws
CONDITIONAL = "conditional bootstrap"  # given the fitted models: training is not repeated in a draw
MEAN, POOLED = "mean", "pooled"
ECE_BINS = 10
ORDER = ("auroc", "auprc", "brier", "log_loss")


@dataclass(frozen=True)
class ModelPredictions:
    """Held-out predictions of one model.

    Attributes:
        representation: what the head read; head: the model on top.
        probabilities: one array per split of the plan.
        pooled: one probability per held-out sample (mean over repeats).
    """

    representation: str
    head: str
    probabilities: list[Floats]
    pooled: Floats

    @property
    def name(self) -> str:
        """`representation+head`, also the name of its folder."""
        return f"{self.representation}+{self.head}"


class Evaluation:
    """All numbers of one task.

    Args:
        plan: outcomes, groups and splits.
        task: name of the task.
        draws: bootstrap draws of AUROC intervals and tests.
        seed: seed of the draws, the same for all models, so that comparisons are paired.
    """

    def __init__(self, plan: Plan, *, task: str, draws: int, seed: int) -> None:
        self.plan, self.task, self.draws, self.seed = plan, task, draws, seed
        self.rows = plan.held_out
        self.y, self.group = plan.y[self.rows], plan.group[self.rows]
        self.n, self.n_events = len(self.rows), int(self.y.sum())
        self.rankable = min(self.n_events, self.n - self.n_events) >= MIN_EVENTS
        self.several = len(plan.splits) > 1
        self.measures = ORDER if self.rankable else ORDER[2:]
        self._mean_auroc: dict[str, tuple[float, Floats]] = {}

    def notes(self) -> list[str]:
        """What was left out, and why."""
        if not self.rankable:
            least = min(self.n_events, self.n - self.n_events)
            return [f"{least} events among the held-out samples: below {MIN_EVENTS} no AUROC is reported"]
        parts = make_parts(self.plan, [np.zeros(len(split.test)) for split in self.plan.splits])
        single = [part for part in parts if not part.both_classes]
        few = [part for part in parts if part.both_classes and _events(part) < MIN_EVENTS]
        said = []
        if single:
            said.append(f"{len(single)} of {len(parts)} folds have one class only: no AUROC")
        if few and self.several:
            said.append(
                f"{len(few)} of {len(parts)} folds have fewer than {MIN_EVENTS} events: they enter the mean "
                "over folds but have no AUROC of their own"
            )
        return said

    def model_rows(self, models: Mapping[str, ModelPredictions]) -> Iterator[MetricRow]:
        """Rows of each model: folds, mean over folds, pooled; all models share the draws."""
        parts = {name: make_parts(self.plan, model.probabilities) for name, model in models.items()}
        full: dict[str, Any] = {}
        short: dict[str, Any] = {}
        for name, of_model in parts.items():
            if self.rankable:
                full[name] = ranked(of_model, Ranking.auroc)
            for measure, statistic in statistics(of_model, self.n).items():
                if measure in self.measures and measure != "auroc":
                    short[f"{name}/{measure}"] = statistic
        drawn = bootstrap(self.group, full, draws=self.draws, seed=self.seed)
        fewer = bootstrap(self.group, short, draws=INTERVAL_DRAWS, seed=self.seed)
        for name, model in models.items():
            values = {"auroc": drawn.get(name)} | {m: fewer.get(f"{name}/{m}") for m in ORDER[1:]}
            yield from self._over_folds(model, parts[name], values)
            yield from self._pooled(model)

    def difference_rows(self, models: Mapping[str, ModelPredictions], *, against: str) -> Iterator[MetricRow]:
        """Paired differences in the mean AUROC of each model to one of them, Holm-corrected together."""
        others = [name for name in models if name != against and self.rankable]
        reference, reference_draws = self._mean_auroc.get(against, (float("nan"), np.empty(0)))
        found = [
            paired_difference(
                self._mean_auroc[name][1], reference_draws, value=self._mean_auroc[name][0] - reference
            )
            for name in others
        ]
        corrected = holm([one.p for one in found])
        for name, one, p_holm in zip(others, found, corrected, strict=True):
            yield self._row(
                models[name],
                "auroc_difference",
                Interval(one.value, one.low, one.high, CONDITIONAL if self.several else "bootstrap"),
                fold=MEAN,
                file=REPLICATES,
                against=against,
                p=one.p,
                p_holm=float(p_holm),
            )

    def prevalence_rows(self) -> Iterator[MetricRow]:
        """Brier score and log loss of the training prevalence, which every model must beat."""
        constant = [
            np.full(len(split.test), float(self.plan.y[split.train].mean())) for split in self.plan.splits
        ]
        parts = make_parts(self.plan, constant)
        losses = {"brier": squared_error, "log_loss": surprise}
        drawn = bootstrap(
            self.group,
            {name: averaged(parts, loss, self.n) for name, loss in losses.items()},
            draws=INTERVAL_DRAWS,
            seed=self.seed,
        )
        for name, loss in losses.items():
            value = float(np.mean([loss(part.y, part.p).mean() for part in parts]))
            low, high = percentile_interval(mean_over_parts(drawn[name]))
            method = CONDITIONAL if self.several else "bootstrap"
            yield self._row(None, name, Interval(value, low, high, method), fold=MEAN, file=None)

    def _over_folds(
        self, model: ModelPredictions, parts: list[Part], drawn: Mapping[str, Floats | None]
    ) -> Iterator[MetricRow]:
        ones = np.ones((self.n, 1))
        at = {name: statistic(ones)[:, 0] for name, statistic in statistics(parts, self.n).items()}
        for measure in self.measures:
            draws = drawn[measure]
            if draws is None:
                continue
            mean, mean_draws = float(mean_over_parts(at[measure])), mean_over_parts(draws)
            low, high = percentile_interval(mean_draws)
            whole = Interval(mean, low, high, CONDITIONAL if self.several else "bootstrap")
            if measure == "auroc":
                self._mean_auroc[model.name] = (mean, mean_draws)
                if not self.several:
                    whole = self._auroc_of(parts[0], draws[0])
            yield self._row(model, measure, whole, fold=MEAN, file=REPLICATES)
            if not self.several:
                continue
            for number, part in enumerate(parts):
                if measure in ("auroc", "auprc") and (not part.both_classes or _events(part) < MIN_EVENTS):
                    continue
                low, high = percentile_interval(draws[number])
                interval = Interval(float(at[measure][number]), low, high, "bootstrap")
                if measure == "auroc":
                    interval = self._auroc_of(part, draws[number])
                yield self._row(model, measure, interval, fold=str(part.fold), file=REPLICATES, part=part)

    def _auroc_of(self, part: Part, draws: Floats) -> Interval:
        groups = self.group[part.rows]
        if min(len(np.unique(groups[part.y])), len(np.unique(groups[~part.y]))) < FEW_EVENTS:
            return logit_auroc_interval(part.y, part.p, group=groups)
        return Interval(auroc(part.y, part.p), *percentile_interval(draws), "bootstrap")

    def _pooled(self, model: ModelPredictions) -> Iterator[MetricRow]:
        y, p = self.y, model.pooled
        found: dict[str, Interval] = {}
        if self.rankable:
            found["auroc"] = auroc_interval(y, p, group=self.group, draws=INTERVAL_DRAWS, seed=self.seed)
        whole = [Part(0, 0, np.arange(self.n), y, p)]
        measured = statistics(whole, self.n)
        names = [name for name in self.measures if name != "auroc"]
        drawn = bootstrap(
            self.group, {name: measured[name] for name in names}, draws=INTERVAL_DRAWS, seed=self.seed
        )
        for name in names:
            value = float(measured[name](np.ones((self.n, 1)))[0, 0])
            found[name] = Interval(value, *percentile_interval(drawn[name][0]), "bootstrap")
        found["oe_ratio"] = observed_expected(self.n_events, float(p.sum()))
        for name, interval in found.items():
            yield self._row(model, name, interval, fold=POOLED, file=DATA)
        if self.rankable:
            error = expected_calibration_error(y, p, bins=ECE_BINS, seed=self.seed)
            bins = f"{error.bins} bins of equal count"
            alone = Interval(error.value, float("nan"), float("nan"), "see ece_null")
            null = Interval(error.null_mean, error.null_low, error.null_high, "simulated perfect model")
            yield self._row(model, "ece", alone, fold=POOLED, file=DATA, level=bins)
            yield self._row(model, "ece_null", null, fold=POOLED, file=DATA, level=bins)

    def calibration_rows(self, model: ModelPredictions, curve: Curve | None) -> Iterator[MetricRow]:
        """Rows of the calibration of single fits (all repeats stacked).

        Args:
            model: the predictions.
            curve: their calibration curve, if there is one.
        """
        y, p, group = stacked(self.plan, model.probabilities)
        found = {"observed_minus_expected": observed_minus_expected(y, p, group=group)}
        if self.rankable:
            found["calibration_in_the_large"] = calibration_intercept(y, p, group=group)
            found["calibration_slope"] = calibration_slope(y, p, group=group)
        if curve is not None:
            found |= {"ici": curve.ici, "e90": curve.e90}
        for name, interval in found.items():
            yield self._row(model, name, interval, fold=POOLED, file=REPLICATES)

    def _row(
        self,
        model: ModelPredictions | None,
        metric: str,
        interval: Interval,
        *,
        fold: str,
        file: str | None,
        part: Part | None = None,
        **more: Any,
    ) -> MetricRow:
        return MetricRow(
            task=self.task,
            split=HELD_OUT,
            fold=fold,
            k=ALL,
            replicate=None if part is None else part.replicate,
            representation="none" if model is None else model.representation,
            head="prevalence" if model is None else model.head,
            metric=metric,
            value=interval.value,
            low=interval.low,
            high=interval.high,
            interval=interval.method or None,
            n=self.n if part is None else len(part.y),
            n_events=self.n_events if part is None else int(part.y.sum()),
            file=None if model is None or file is None else f"{model.name}/{file}",
            **more,
        )


def _events(part: Part) -> int:
    return int(min(part.y.sum(), len(part.y) - part.y.sum()))
