"""How the numbers were made, and the files that they come from."""

import polars as pl

from osler.reports.blocks import Block, Column, Details, Heading, Point, Points, Row, Section, Table, say
from osler.reports.formats import size
from osler.reports.runfiles import METRICS, STUDY, RunFiles
from osler.reports.words import HEADS, listed, split_words

_SHOWN = (
    "auroc",
    "auroc_difference",
    "auprc",
    "brier",
    "calibration_slope",
    "calibration_in_the_large",
    "ici",
)
_INTERVALS = {
    "bootstrap": "bootstrap of patients",
    "conditional bootstrap": "bootstrap of test patients given the fitted models",
    "cluster-robust": "cluster-robust standard errors",
    "logit-delong": "DeLong's variance on the logit scale",
    "logit-delong-t": "DeLong's variance on the logit scale with t quantiles",
    "logit-obuchowski": "Obuchowski's clustered variance on the logit scale",
    "logit-obuchowski-t": "Obuchowski's clustered variance on the logit scale with t quantiles",
}
_KINDS = {
    "counts": "counts of codes and values in the record, no language model",
    "document": "one vector for the whole text, from a frozen language model",
    "statement": "vectors of single statements from a frozen language model, pooled for each sample",
    "section": "a vector for each section of the text, from a frozen language model, weighted, side by side",
    "joined": "several representations side by side",
}


def section(run: RunFiles) -> Section | None:
    """Methods and provenance; it comes after the sections that read files, so its list of files is whole."""
    points = [*_what(run), *_how(run)]
    blocks: list[Block] = [Points(tuple(points))]
    if run.study.get("representations"):
        blocks.append(_representations(run))
    blocks += _files(run)
    return Section("methods", "Methods and provenance", tuple(blocks))


def _what(run: RunFiles) -> list[Point]:
    points = [
        Point(
            "A sample is a patient at a prediction time. Text, counts and features use what was known at "
            "or before that time, and nothing later."
        )
    ]
    splits = run.study.get("splits")
    if splits:
        points.append(
            Point(
                f"Subjects were divided by {split_words(splits)}; vocabulary, scaling, pooling weights and "
                "models are fitted on training subjects only.",
                (STUDY,),
            )
        )
    return points


def _how(run: RunFiles) -> list[Point]:
    points = []
    predict = run.study.get("predict")
    if predict:
        heads = listed([HEADS.get(str(head), str(head)) for head in predict.get("heads", [])])
        points.append(Point(f"Models on top of the representations: {heads}.", (STUDY,)))
    metrics = run.frame(METRICS)
    if metrics is not None and not metrics.is_empty():
        shown = metrics.filter(pl.col("metric").is_in(_SHOWN) & pl.col("fold").is_in(["mean", "pooled"]))
        made = shown["interval"].drop_nulls().unique().sort().to_list()
        if made:
            words = listed([_INTERVALS.get(str(one), str(one)) for one in made])
            points.append(Point(f"Intervals are 95 % intervals, made by {words}.", (METRICS,)))
    if run.min_cell:
        points.append(
            Point(
                f"Counts of 1 to {run.min_cell} patients are suppressed, however many samples these have, "
                "with the other counts, shares and intervals that they could be worked out from. Curves are "
                "drawn on fixed grids. The page "
                "is made by code that reads aggregate files, and of the texts their lengths alone."
            )
        )
    return points


def _said(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {said:g}" for key, said in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _representations(run: RunFiles) -> Table:
    rows = []
    for name, settings in run.study["representations"].items():
        kind = str((settings or {}).get("kind", "–"))
        details = [
            f"{key} {_said(value)}"
            for key, value in (settings or {}).items()
            if key in ("encoder", "text", "pool", "instruction", "weights", "of")
            and value not in (None, "none", {})
        ]
        rows.append(Row((name, _KINDS.get(kind, kind), "; ".join(details) or "–")))
    return Table(
        "Representations",
        (
            Column("Name", numeric=False),
            Column("What models see", numeric=False),
            Column("Made of", numeric=False),
        ),
        tuple(rows),
        files=(STUDY,),
    )


def _files(run: RunFiles) -> list[Block]:
    rows = tuple(Row((say("<code>{}</code>", name), size(length))) for name, length in run.files_read())
    table = Table(
        "Files of the run that this page was made from",
        (Column("File", numeric=False), Column("Size")),
        rows,
        notes=(
            (
                "The small print after each table, figure and sentence names the file that its numbers come "
                "from."
            ),
        ),
    )
    return [Heading("Provenance"), Details(f"{len(rows)} files of the run stand behind this page", (table,))]
