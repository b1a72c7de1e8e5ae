"""Every model against the baseline: a forest plot of paired differences in AUROC."""

from osler.reports.blocks import Block, Figure, Figures, Heading, Paragraph, Section
from osler.reports.figures.forest import Estimate, forest_figure
from osler.reports.formats import p_value, with_interval
from osler.reports.runfiles import METRICS, RunFiles
from osler.reports.scores import Score, Scores, scores
from osler.reports.words import plural, task_title


def section(run: RunFiles) -> Section | None:
    """The comparison with the baseline for each task."""
    found = {task: task_scores for task in run.tasks() if (task_scores := scores(run, task))}
    found = {task: one for task, one in found.items() if _drawn(one)}
    if not found:
        return None
    blocks: list[Block] = []
    for task, task_scores in found.items():
        if len(found) > 1:
            blocks.append(Heading(task_title(run, task)))
        blocks += _task(task, task_scores)
    return Section("comparison", "Comparison with the baseline", tuple(blocks))


def _task(task: str, found: Scores) -> list[Block]:
    rows = _drawn(found)
    baseline = str(rows[0].against)
    better = [row.model for row in rows if verdict(row) == "better"]
    worse = [row.model for row in rows if verdict(row) == "worse"]
    open_ = [row.model for row in rows if verdict(row) == "open"]
    gist = (
        f"Difference in AUROC to {baseline}: {len(better)} better, {len(worse)} worse, {len(open_)} with "
        "an interval that "
        f"holds zero. " + "; ".join(f"{row.model} {_numbers(row)}" for row in rows)
    )
    svg = forest_figure(
        f"forest-{task}",
        [
            Estimate(
                row.model, _numbers(row), row.value, row.low or 0.0, row.high or 0.0, _COLOUR[verdict(row)]
            )
            for row in rows
        ],
        title=f"Difference in AUROC to {baseline}",
        gist=gist,
        reference=0.0,
        axis=f"Difference in AUROC to {baseline}",
        left="worse than the baseline",
        right="better",
        signed=True,
    )
    first = rows[0]
    how = f" ({first.interval})" if first.interval else ""
    caption = (
        f"Paired differences on the same samples, with 95 % intervals{how} and p-values corrected by Holm "
        f"over {plural(len(rows), 'comparison')}. Coloured: the interval leaves zero out and the corrected p "
        "is below 0.05."
    )
    figure = Figure(svg, f"Difference in AUROC to {baseline}", gist, caption, (METRICS,))
    return [Paragraph(_words(baseline, better, worse, open_), files=(METRICS,)), Figures((figure,))]


def verdict(row: Score) -> str:
    """`better`, `worse` or `open`.

    A difference counts when its interval leaves zero out and its p-value, corrected for all comparisons, is
    below 0.05.
    """
    if row.low is None or row.high is None or (row.p_holm is not None and row.p_holm >= ALPHA):
        return "open"
    if row.low > 0:
        return "better"
    return "worse" if row.high < 0 else "open"


ALPHA = 0.05
_COLOUR = {"better": "good", "worse": "bad", "open": "muted"}


def _words(baseline: str, better: list[str], worse: list[str], open_: list[str]) -> str:
    total = len(better) + len(worse) + len(open_)
    if not better:
        start = f"None of {plural(total, 'other model')} is better than {baseline} beyond its interval"
    else:
        start = (
            f"{', '.join(better)} {'is' if len(better) == 1 else 'are'} better than the baseline {baseline}"
        )
    parts = []
    if worse:
        parts.append(f"{plural(len(worse), 'model is', 'models are')} worse")
    if open_:
        parts.append(f"for {plural(len(open_), 'model')} the data cannot tell")
    return f"{start}{'; ' if parts else ''}{'; '.join(parts)}."


def _numbers(row: Score) -> str:
    p = "" if row.p_holm is None else f", {p_value(row.p_holm)}"
    return with_interval(row.value, row.low, row.high, 3, signed=True) + p


def _drawn(found: Scores) -> list[Score]:
    return [row for row in found.differences("auroc") if row.low is not None and row.high is not None]
