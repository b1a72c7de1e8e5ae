"""How well the models tell patients with the event from those without: table, ROC and precision-recall."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from osler.reports.blocks import (
    Block,
    Column,
    Figure,
    Figures,
    Files,
    Heading,
    Paragraph,
    Row,
    Section,
    Table,
    Words,
)
from osler.reports.figures.curves import Curve, pr_figure, roc_figure
from osler.reports.formats import number, p_value, percent, with_interval
from osler.reports.runfiles import METRICS, RunFiles
from osler.reports.scores import Score, Scores, scores
from osler.reports.suppress import few_events
from osler.reports.words import colours, shareable, split_words, task_title

_MOST_CURVES = 6


def section(run: RunFiles) -> Section | None:
    """Discrimination of the models of each task."""
    found = {task: task_scores for task in run.tasks() if (task_scores := scores(run, task))}
    if not found:
        return None
    blocks: list[Block] = []
    for task, task_scores in found.items():
        if len(found) > 1:
            blocks.append(Heading(task_title(run, task)))
        blocks.append(_table(run, task, task_scores))
        n, events = task_scores.events()
        hidden = {events, n - events} if n and events is not None and few(run, task, n, events) else set()
        file = predictions_file(task)
        for note in (run.json(file) or {}).get("notes") or []:
            words = shareable(str(note), min_cell=run.min_cell, hidden=hidden)
            if words:
                blocks.append(Paragraph(f"{words[:1].upper()}{words[1:]}.", files=(file,), tone="note"))
        figures = _figures(run, task, task_scores)
        if figures:
            blocks.append(Figures(tuple(figures)))
    return Section("discrimination", "Discrimination", tuple(blocks))


def _table(run: RunFiles, task: str, found: Scores) -> Table:
    rows = []
    baseline = (run.study.get("predict") or {}).get("compare_to")
    for rank, model in enumerate(found.models()):
        auroc, auprc, gap = (
            found.get(model, "auroc"),
            found.get(model, "auprc"),
            found.difference(model, "auroc"),
        )
        versus: Words = "baseline" if model == baseline else "–"
        if gap is not None:
            versus = with_interval(gap.value, gap.low, gap.high, 3, signed=True)
        cells = (model, _cell(auroc, 3), _cell(auprc, 3), versus, p_value(gap.p_holm) if gap else "–")
        rows.append(Row(cells, tone="strong" if rank == 0 else "body"))
    columns = [
        "AUROC (95 % interval)",
        "AUPRC (95 % interval)",
        "AUROC against the baseline",
        "p after Holm",
    ]
    return Table(
        "Discrimination on held-out subjects, best first",
        (Column("Model", numeric=False), *(Column(title) for title in columns)),
        tuple(rows),
        files=(METRICS,),
        notes=tuple(_notes(run, task, found)),
    )


def _notes(run: RunFiles, task: str, found: Scores) -> list[str]:
    n, events = found.events()
    notes = []
    if n and events is not None and not few(run, task, n, events):
        notes.append(
            f"A model that knows nothing has AUROC 0.5 and AUPRC {number(events / n, 3)} (the prevalence)."
        )
    first = found.get(found.models()[0], "auroc")
    if first is not None:
        folds = {"mean": "mean over the test folds", "pooled": "out-of-fold predictions taken together"}
        where = folds.get(str(first.fold), "held-out subjects")
        how = f"; intervals: {first.interval}" if first.interval else ""
        notes.append(f"AUROC: {where} ({split_words(run.study.get('splits') or {})}){how}.")
        if first.fold == "mean":
            notes.append(
                "Intervals are conditional on the models that were fitted; they hold the uncertainty of "
                "the test subjects, not that of drawing new training data."
            )
    return notes


def _figures(run: RunFiles, task: str, found: Scores) -> list[Figure]:
    n, events = found.events()
    if n and events is not None and few(run, task, n, events):
        return []
    chosen = shown_models(run, found)
    prevalence = events / n if n and events is not None else None
    figures = []
    roc, files = model_curves(
        run, task, chosen, "roc", {model: _label(found.get(model, "auroc")) for model in chosen}
    )
    if roc:
        gist = f"Area under the curve: {'; '.join(curve.label for curve in roc)}."
        svg = roc_figure(f"roc-{task}", roc, gist=gist)
        figures.append(Figure(svg, "ROC", gist, _caption("Numbers: AUROC. Dashed: chance."), files))
    pr, files = model_curves(
        run, task, chosen, "pr", {model: _label(found.get(model, "auprc")) for model in chosen}
    )
    if pr:
        base = (
            ""
            if prevalence is None
            else f" A model that knows nothing stays at the prevalence, {percent(prevalence)}."
        )
        gist = f"Area under the curve: {'; '.join(curve.label for curve in pr)}.{base}"
        svg = pr_figure(f"pr-{task}", pr, prevalence=prevalence, gist=gist)
        figures.append(
            Figure(svg, "Precision and recall", gist, _caption("Numbers: AUPRC. Dashed: prevalence."), files)
        )
    return figures


def predictions_file(task: str) -> str:
    """Name of the file that sums the predictions of a task up."""
    return f"predictions/{task}/predictions.json"


def few(run: RunFiles, task: str, n: int, events: int) -> bool:
    """Whether so few held-out patients have the event, or do not, that neither number may be shown."""
    return few_events(n, events, run.json(predictions_file(task)) or {}, min_cell=run.min_cell)


def shown_models(run: RunFiles, found: Scores) -> list[str]:
    """The models that figures show: the best head of each representation, and the baseline; best first."""
    baseline = (run.study.get("predict") or {}).get("compare_to")
    models = found.models()
    best: dict[str, str] = {}
    for model in models:
        best.setdefault(model.rpartition("+")[0], model)
    chosen = list(best.values())[:_MOST_CURVES]
    if baseline in models and baseline not in chosen:
        chosen = [*chosen[: _MOST_CURVES - 1], baseline]
    return [model for model in models if model in chosen]


def model_curves(
    run: RunFiles, task: str, models: Sequence[str], kind: str, labels: dict[str, str]
) -> tuple[list[Curve], Files]:
    """Curves of one kind from the files of the predictions; the first model is the chief one.

    Args:
        run: the run.
        task: the task.
        models: `representation+head`, best first.
        kind: roc, pr or calibration.
        labels: what stands behind the model's name, by model.
    """
    roles = colours(run, [model.rpartition("+")[0] for model in models])
    curves: list[Curve] = []
    taken: set[str] = set()
    for model in models:
        name = f"predictions/{task}/{model}/curves.parquet"
        frame = run.frame(name)
        if frame is None:
            continue
        points = frame.filter(pl.col("kind") == kind, pl.col("x").is_not_null(), pl.col("y").is_not_null())
        if points.height < 2:
            continue
        representation = model.rpartition("+")[0]
        curves.append(
            Curve(
                label=f"{model} {labels[model]}".strip(),
                colour=roles[representation],
                x=points["x"].to_numpy().astype(np.float64),
                y=points["y"].to_numpy().astype(np.float64),
                low=_band(points, "low"),
                high=_band(points, "high"),
                chief=not curves,
                dashed=representation in taken,
            )
        )
        taken.add(representation)
    return curves, (f"predictions/{task}/*/curves.parquet",)


def _band(points: pl.DataFrame, name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]] | None":
    if name not in points.columns or points[name].null_count():
        return None
    return points[name].to_numpy().astype(np.float64)


def _cell(score: Score | None, digits: int) -> str:
    return "–" if score is None else with_interval(score.value, score.low, score.high, digits)


def _label(score: Score | None) -> str:
    return "" if score is None else number(score.value, 3)


def _caption(words: str) -> str:
    return f"{words} The best model is drawn thicker, with its pointwise 95 % band where there is one."
