"""Who is in the study: the task in words, the flow from all units to the samples kept, the split."""

import numpy as np
import polars as pl

from osler.reports.blocks import (
    Block,
    Callout,
    Column,
    Details,
    Facts,
    Flow,
    Heading,
    Paragraph,
    Row,
    Section,
    Step,
    Table,
    say,
)
from osler.reports.formats import count, percent
from osler.reports.runfiles import STUDY, RunFiles
from osler.reports.suppress import few_events, hidden_removals, is_small
from osler.reports.words import shareable, split_words, task_title

_SENSITIVITY_NUMBERS = ("n", "n_subjects", "n_events", "prevalence", "chosen", "most_per_subject")
_HEADINGS = {
    "cohort": "Cohort",
    "prediction_time": "Prediction time",
    "window": "Window",
    "label": "Event",
    "exclusions": "Exclusions",
    "why": "Why so",
}


def section(run: RunFiles) -> Section | None:
    """The cohort of each task."""
    tasks = run.names("labels")
    if not tasks:
        return None
    blocks: list[Block] = []
    ordered = [task for task in run.tasks() if task in tasks]
    for task in ordered:
        if len(ordered) > 1:
            blocks.append(Heading(task_title(run, task)))
        blocks += _task(run, task)
    splits = run.study.get("splits") or {}
    unit = splits.get("unit", "subject")
    blocks.append(
        Paragraph(
            f"Training and test data: {split_words(splits)}. No {unit} is on both sides of a split; "
            "everything that is fitted is fitted on the training side alone.",
            files=(STUDY,),
        )
    )
    return Section("cohort", "Cohort", tuple(blocks))


def _task(run: RunFiles, task: str) -> list[Block]:
    blocks: list[Block] = []
    task_file, attrition_file = run.cohort(task, "task.json"), run.cohort(task, "attrition.parquet")
    described = run.json(task_file) or {}
    words = described.get("description") or {}
    facts = [(title, str(words[name])) for name, title in _HEADINGS.items() if words.get(name)]
    if facts:
        blocks.append(Facts(tuple(facts), files=(task_file,)))
    attrition = run.frame(attrition_file)
    hidden: set[int] = set()
    if attrition is not None and attrition.height:
        flow, hidden = _flow(attrition, described, min_cell=run.min_cell, files=(attrition_file, task_file))
        blocks.append(flow)
    for warning in described.get("warnings") or []:
        words = shareable(str(warning), min_cell=run.min_cell, hidden=hidden)
        if words:
            blocks.append(Callout(f"{words[:1].upper()}{words[1:]}.", tone="caution", files=(task_file,)))
    sensitivity_file = f"labels/{task}/sensitivity.parquet"
    sensitivity = run.frame(sensitivity_file)
    if sensitivity is not None and sensitivity.height:
        table = _sensitivity(sensitivity, min_cell=run.min_cell, file=sensitivity_file)
        blocks.append(Details("The same task under other choices", (table,)))
    return blocks


def _flow(
    attrition: pl.DataFrame, described: dict[str, object], *, min_cell: int, files: tuple[str, ...]
) -> tuple[Flow, set[int]]:
    """The flow, and the counts of samples that it hides."""
    rows = attrition.to_dicts()
    removed = [row for row in rows if row["step"] == "excluded" and row["n_samples"]]
    left = [row["n_subjects"] for row in rows if row["step"] in ("found", "kept")]
    hidden, hide_start = hidden_removals(
        np.array([[row["n_samples"]] for row in removed], dtype=np.int64),
        min_cell=min_cell,
        patients=np.array([[row["n_subjects"]] for row in removed], dtype=np.int64),
        patient_totals=[max(left, default=0) - min(left, default=0)],
    )
    secret = {int(row["n_samples"]) for row, hide in zip(removed, hidden, strict=True) if hide}
    steps: list[Step] = []
    places = iter(hidden)
    for row in rows:
        samples, subjects = row["n_samples"], row["n_subjects"]
        if row["step"] == "excluded":
            if samples:
                shown = None if next(places) else count(samples)
                steps.append(Step(str(row["reason"]), shown, tone="leave"))
        elif row["step"] == "noted":
            if samples:
                hide = is_small(samples, min_cell=min_cell) or is_small(subjects, min_cell=min_cell)
                secret |= {samples} if hide else set()
                shown = None if hide else count(samples)
                steps.append(Step(str(row["reason"]), shown, "(noted, not excluded)", tone="noted"))
        else:
            hide = row["step"] == "found" and hide_start
            hide = hide or is_small(samples, min_cell=min_cell) or is_small(subjects, min_cell=min_cell)
            label = "kept for the study" if row["step"] == "kept" else str(row["reason"])
            lost = subjects - min(left)
            quiet = hide or subjects == samples or is_small(lost, min_cell=min_cell)
            detail = "" if quiet else f"of {count(subjects)} subjects"
            steps.append(Step(label, None if hide else count(samples), detail))
    steps.append(_events(described, min_cell=min_cell))
    shown_steps = tuple(step for step in steps if step.label)
    return Flow("Who came in, who left and why", shown_steps, files=files), secret


def _sensitivity(frame: pl.DataFrame, *, min_cell: int, file: str) -> Table:
    """Samples and events under other choices, rounded: exact ones would differ by a handful.

    The step is what `min_cell` patients can hold together, so no difference tells how few make it.
    """
    choices = [name for name in frame.columns if name not in _SENSITIVITY_NUMBERS]
    most = (
        int(frame["most_per_subject"].to_numpy().max(initial=1)) if "most_per_subject" in frame.columns else 1
    )
    step = max(1, min_cell * most)
    rows = []
    for row in frame.to_dicts():
        n, events = (step * round(row[name] / step) for name in ("n", "n_events"))
        words = ["–" if row[name] is None else str(row[name]) for name in choices]
        # A rounded 0 is no share of 0 %.
        share = percent(events / n, 0) if n and (events or not row["n_events"]) else "–"
        shown = (count(n), count(events) if events or not row["n_events"] else f"under {count(step)}", share)
        rows.append(Row((*words, *shown), tone="strong" if row.get("chosen") else "body"))
    columns = (
        *(Column(name.replace("_", " "), numeric=False) for name in choices),
        *(Column(title) for title in ("Samples", "With the event", "Share")),
    )
    notes = ("Bold: the choice of this study.",)
    if min_cell:
        notes = (f"{notes[0]} Counts are rounded to {count(step)}, so no difference is small.",)
    return Table("Samples and events by choice", columns, tuple(rows), files=(file,), notes=notes)


def _events(described: dict[str, object], *, min_cell: int) -> Step:
    n, events = described.get("n_samples"), described.get("n_events")
    if not isinstance(n, int) or not isinstance(events, int) or not n:
        return Step("", None)
    if few_events(n, events, described, min_cell=min_cell):
        return Step("with the event", None)
    return Step("with the event", count(events), say("({})", percent(events / n)))
