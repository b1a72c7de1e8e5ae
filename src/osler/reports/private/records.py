"""A few patients' texts, each line with the rows of the dataset that it came from."""

from datetime import datetime
from pathlib import Path

import polars as pl

from osler.record.dataset import Dataset, open_dataset
from osler.reports.blocks import Block, Line, Paragraph, Record, Section, Words
from osler.reports.formats import count, percent
from osler.reports.runfiles import PrivateFiles, RunFiles
from osler.reports.scores import scores
from osler.reports.words import task_title

_DEFAULT_PATIENTS = 3
_MOST_ROWS = 20


def section(run: RunFiles, files: PrivateFiles) -> Section | None:
    """Texts of a few patients, in the first text style of the study."""
    names = run.names("texts")
    if not names:
        return None
    name = names[0]
    texts, lines = files.scan(f"texts/{name}/texts"), files.scan(f"texts/{name}/lines")
    if texts is None or lines is None:
        return None
    wanted = run.settings.patients or _DEFAULT_PATIENTS
    keys = texts.select("subject_id", "prediction_time", "n_statements").collect()
    chosen = _chosen(run, files, keys, wanted)
    dataset = _dataset(run)
    undated = dataset is not None and dataset.undated
    blocks: list[Block] = [
        Paragraph(
            "The text that models read, line by line. Open a line to see the rows of the dataset behind it: "
            "their position, time and code."
        )
    ]
    for subject, time, facts in chosen:
        here = (pl.col("subject_id") == subject) & (pl.col("prediction_time") == time)
        text, shown = texts.filter(here).collect(), lines.filter(here).sort("line").collect()
        if text.height:
            events = _events(dataset, subject)
            when = "none: the dataset has no dates" if undated else f"{time:%Y-%m-%d %H:%M}"
            blocks.append(
                Record(
                    f"Subject {subject}",
                    (("Prediction time", when), *facts, *_counts(text)),
                    tuple(_lines(str(text["text"][0]), shown, events)),
                    files=(f"texts/{name}/texts/", f"texts/{name}/lines/"),
                )
            )
    return Section("records", "Texts of patients", tuple(blocks)) if len(blocks) > 1 else None


_Facts = tuple[tuple[str, Words], ...]


def _chosen(
    run: RunFiles, files: PrivateFiles, keys: pl.DataFrame, wanted: int
) -> list[tuple[int, datetime, _Facts]]:
    """Events and non-events at high and low predicted risk in turn; without predictions the first samples."""
    for task in run.tasks():
        found = scores(run, task)
        predictions = files.frame(f"predictions/{task}/{found.models()[0]}/data.parquet") if found else None
        if found is None or predictions is None:
            continue
        risk = "predicted_boolean_probability"
        ranked = predictions.join(keys, on=["subject_id", "prediction_time"], how="semi").sort(
            risk, "subject_id", "prediction_time", descending=[True, False, False]
        )
        event = pl.col("boolean_value")
        queues = [
            ranked.filter(event),
            ranked.filter(~event),
            ranked.filter(event).reverse(),
            ranked.filter(~event).reverse(),
        ]
        rows = [
            queue.row(place, named=True)
            for place in range(wanted)
            for queue in queues
            if place < queue.height
        ]
        unique = {(row["subject_id"], row["prediction_time"]): row for row in reversed(rows)}
        order = list(dict.fromkeys((row["subject_id"], row["prediction_time"]) for row in rows))[:wanted]
        return [
            (
                subject,
                time,
                _prediction(
                    task_title(run, task),
                    found.models()[0],
                    unique[subject, time][risk],
                    unique[subject, time]["boolean_value"],
                ),
            )
            for subject, time in order
        ]
    first = keys.filter(pl.col("n_statements") > 0).sort("subject_id", "prediction_time").head(wanted)
    return [(row[0], row[1], ()) for row in first.iter_rows()]


def _prediction(task: str, model: str, risk: float, event: bool) -> _Facts:  # noqa: FBT001 - a label, not a switch
    return (
        (task, "with the event" if event else "without the event"),
        (f"Predicted by {model} (out of fold)", percent(risk)),
    )


def _counts(text: pl.DataFrame) -> _Facts:
    dropped = int(text["n_dropped"][0])
    words = f"{count(text['n_tokens'][0])} tokens, {count(text['n_statements'][0])} statements"
    return (("Text", words + (f", {count(dropped)} dropped over the budget" if dropped else "")),)


def _dataset(run: RunFiles) -> Dataset | None:
    """The dataset of the run, where it can be found: in the run folder, or at the path of the study."""
    stated = dict(run.study.get("dataset") or {}).get("path")
    for place in (run.path / "dataset", Path(str(stated)) if stated else None):
        if place is not None and place.is_dir() and any(place.rglob("*.parquet")):
            return open_dataset(place)
    return None


def _events(dataset: Dataset | None, subject: int) -> dict[int, tuple[str, str]]:
    """Time and code of each row of one subject."""
    if dataset is None:
        return {}
    rows = dataset.subject(subject).select("row", "time", "code")
    # An undated dataset has times that only put its events in order.
    dated = not dataset.undated
    return {
        int(row): (f"{time:%Y-%m-%d %H:%M}" if time is not None and dated else "no time", str(code))
        for row, time, code in rows.iter_rows()
    }


def _lines(text: str, lines: pl.DataFrame, events: dict[int, tuple[str, str]]) -> list[Line]:
    """Statements with their rows; what stands between them (headings) as lines without rows."""
    shown: list[Line] = []
    at = 0
    for line in lines.sort("char_start").to_dicts():
        shown += _headings(text[at : line["char_start"]])
        origin = [(f"{row:,}", *events.get(int(row), ("–", "–"))) for row in line["rows"][:_MOST_ROWS]]
        if len(line["rows"]) > _MOST_ROWS:
            origin.append((f"and {len(line['rows']) - _MOST_ROWS:,} more", "", ""))
        shown.append(Line(text[line["char_start"] : line["char_end"]], tuple(origin)))
        at = line["char_end"]
    return shown + _headings(text[at:])


def _headings(between: str) -> list[Line]:
    return [Line(part.strip()) for part in between.splitlines() if part.strip()]
