"""Whether predicted risks come true: the flexible curve and its summary numbers."""

from osler.reports.blocks import Block, Column, Figure, Figures, Heading, Paragraph, Row, Section, Table
from osler.reports.figures.curves import calibration_figure
from osler.reports.formats import number, with_interval
from osler.reports.runfiles import METRICS, RunFiles
from osler.reports.scores import Score, Scores, scores
from osler.reports.sections.discrimination import few, model_curves, shown_models
from osler.reports.words import task_title

_METRICS = (
    ("calibration_slope", "Slope", 2),
    ("calibration_in_the_large", "In the large", 2),
    ("ici", "ICI", 3),
    ("brier", "Brier score", 4),
)


def section(run: RunFiles) -> Section | None:
    """Calibration of the models of each task."""
    found = {task: task_scores for task in run.tasks() if (task_scores := scores(run, task))}
    found = {task: one for task, one in found.items() if any(one.any(name) for name, _, _ in _METRICS)}
    if not found:
        return None
    blocks: list[Block] = [
        Paragraph(
            "A calibrated model that says 20 % is right for 20 of 100 such patients: its curve follows "
            "the diagonal, its slope is 1, and its calibration in the large is 0. A slope below 1 means "
            "predictions that are too extreme. ICI is the mean distance between prediction and curve."
        )
    ]
    for task, task_scores in found.items():
        if len(found) > 1:
            blocks.append(Heading(task_title(run, task)))
        blocks += _task(run, task, task_scores)
    return Section("calibration", "Calibration", tuple(blocks))


def _task(run: RunFiles, task: str, found: Scores) -> list[Block]:
    n, events = found.events()
    hide = n is not None and events is not None and few(run, task, n, events)
    metrics = [metric for metric in _METRICS if found.any(metric[0])]
    rows = [
        Row(
            (model, *(_cell(found.get(model, name), digits) for name, _, digits in metrics)),
            tone="strong" if rank == 0 else "body",
        )
        for rank, model in enumerate(found.models())
    ]
    notes = []
    if n and events is not None and not hide and found.any("brier"):
        reference = found.prevalence("brier")
        constant = reference.value if reference else events / n * (1 - events / n)
        rows.append(
            Row(
                (
                    "the prevalence for everyone",
                    *(number(constant, 4) if name == "brier" else "–" for name, _, _ in metrics),
                ),
                tone="muted",
            )
        )
        notes.append(
            "The last row predicts the prevalence for everyone: a model whose Brier score is not below it "
            "gives risks of no use."
        )
    blocks: list[Block] = []
    chosen = shown_models(run, found)
    curves, files = (
        ([], ()) if hide else model_curves(run, task, chosen, "calibration", dict.fromkeys(chosen, ""))
    )
    if curves:
        names = ", ".join(curve.label for curve in curves)
        gist = f"Observed share with the event over predicted risk for {names}."
        figure = Figure(
            calibration_figure(f"calibration-{task}", curves, gist=gist),
            "Calibration curve",
            gist,
            "Restricted cubic spline of the logit of the prediction, between the 1st and the 99th "
            "percentile of the predictions. Dashed: perfect calibration. The best model by AUROC is drawn "
            "thicker, with its 95 % band.",
            files,
        )
        blocks.append(Figures((figure,)))
    blocks.append(
        Table(
            "Calibration on held-out subjects",
            (Column("Model", numeric=False), *(Column(title) for _, title, _ in metrics)),
            tuple(rows),
            files=(METRICS,),
            notes=tuple(notes),
        )
    )
    return blocks


def _cell(score: Score | None, digits: int) -> str:
    return "–" if score is None else with_interval(score.value, score.low, score.high, digits)
