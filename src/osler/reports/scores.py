"""The metrics of a run as sections want them: a score per model and metric, differences to the baseline."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from osler.reports.runfiles import METRICS, RunFiles

PREVALENCE = "none+prevalence"
# The summary over folds comes first; then out-of-fold predictions taken together; then a single held-out set.
_FOLDS = ("mean", "pooled")


@dataclass(frozen=True)
class Score:
    """One number of the metrics table with its interval.

    Attributes:
        model: `representation+head`.
        value: the estimate; `low` and `high` end its interval, made by the method `interval`.
        n: samples it was computed on; `n_events` of them with the event.
        against: the model it is compared with, for a difference.
        p: p-value of the comparison; `p_holm` corrected for all comparisons of the task.
        file: the run file it was computed from.
    """

    model: str
    metric: str
    value: float
    low: float | None
    high: float | None
    interval: str | None
    fold: str | None
    n: int | None
    n_events: int | None
    against: str | None
    p: float | None
    p_holm: float | None
    file: str

    @property
    def representation(self) -> str:
        """What the model sees."""
        return self.model.rpartition("+")[0]

    @property
    def head(self) -> str:
        """What predicts from it."""
        return self.model.rpartition("+")[2]


class Scores:
    """The scores of one task on held-out subjects, all training data, all patients together."""

    def __init__(self, metrics: pl.DataFrame, task: str) -> None:
        frame = metrics.filter(
            (pl.col("task") == task)
            & (pl.col("split").is_null() | (pl.col("split") == "held_out"))
            & pl.col("group").is_null()
            & (pl.col("k").is_null() | pl.col("k").cast(pl.String).is_in(["all", "-1"]))
            & pl.col("value").is_not_null()
            & pl.col("value").is_not_nan()
        )
        self._scores: dict[tuple[str, str], Score] = {}
        self._differences: dict[tuple[str, str], Score] = {}
        self._prevalence: dict[tuple[str, str], Score] = {}
        for row in _preferred(frame).to_dicts():
            score = _score(row, task)
            if score.model == PREVALENCE:
                place = self._prevalence
            else:
                place = self._scores if score.against is None else self._differences
            place.setdefault((score.model, score.metric), score)

    def models(self) -> list[str]:
        """Models, the highest AUROC first."""
        found = dict.fromkeys(model for model, _ in self._scores)
        return sorted(found, key=lambda model: (-self._auroc(model), model))

    def get(self, model: str, metric: str) -> Score | None:
        """One score, or None when it was not computed."""
        return self._scores.get((model, metric))

    def prevalence(self, metric: str) -> Score | None:
        """The score of predicting the training prevalence for everyone."""
        return self._prevalence.get((PREVALENCE, metric))

    def differences(self, metric: str) -> list[Score]:
        """Differences to the baseline in one metric, the largest first."""
        found = [score for (_, name), score in self._differences.items() if name == metric]
        return sorted(found, key=lambda score: (-score.value, score.model))

    def difference(self, model: str, metric: str) -> Score | None:
        """The difference of one model to the baseline."""
        return self._differences.get((model, metric))

    def any(self, metric: str) -> bool:
        """Whether any model has this metric."""
        return any(name == metric for _, name in self._scores)

    def events(self) -> tuple[int | None, int | None]:
        """Samples and events behind the scores, from the model with the most."""
        sizes = [
            (score.n, score.n_events)
            for score in self._scores.values()
            if score.n and score.n_events is not None
        ]
        return max(sizes, default=(None, None), key=lambda pair: pair[0] or 0)

    def _auroc(self, model: str) -> float:
        score = self.get(model, "auroc")
        return score.value if score else float("-inf")


def scores(run: RunFiles, task: str) -> Scores | None:
    """The scores of a task, or None when the run predicted nothing for it."""
    metrics = run.frame(METRICS)
    if metrics is None or metrics.is_empty() or task not in metrics["task"]:
        return None
    found = Scores(metrics, task)
    return found if found.models() else None


def predicted_tasks(run: RunFiles) -> list[str]:
    """Tasks with scores."""
    return [task for task in run.tasks() if scores(run, task) is not None]


def is_simple(run: RunFiles, model: str) -> bool:
    """Whether a model sees counts only, no language model."""
    kinds = run.study.get("representations", {})
    return dict(kinds.get(model.rpartition("+")[0]) or {}).get("kind") == "counts"


def _preferred(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows in order of preference: summaries over folds first; single folds only where there is one alone."""
    fold = pl.col("fold").cast(pl.String)
    rank = pl.when(fold == _FOLDS[0]).then(0).when(fold == _FOLDS[1]).then(1).otherwise(2)
    frame = frame.with_columns(fold.alias("fold"), rank.alias("rank"))
    key = ["representation", "head", "metric", "against"]
    single = pl.col("fold").n_unique().over(key) == 1
    kept = frame.filter((pl.col("rank") < 2) | single)
    return kept.sort([*key, "rank"], nulls_last=False, maintain_order=True)


def _score(row: dict[str, Any], task: str) -> Score:
    return Score(
        model=f"{row['representation']}+{row['head']}",
        metric=str(row["metric"]).removesuffix("_difference"),
        value=float(row["value"]),
        low=row["low"],
        high=row["high"],
        interval=row["interval"],
        fold=row["fold"],
        n=row["n"],
        n_events=row["n_events"],
        against=row["against"],
        p=row["p"],
        p_holm=row["p_holm"],
        file=row["file"] or METRICS,
    )
