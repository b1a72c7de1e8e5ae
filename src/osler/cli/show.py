"""`osler show`: one subject, as a timeline or as the text that a model sees."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from osler.record.dataset import Dataset

_LONGEST = 200


def command(
    dataset: Annotated[Path, typer.Argument(help="Folder of a MEDS dataset.", show_default=False)],
    subject: Annotated[str, typer.Argument(help="subject_id, or the source's id.", show_default=False)],
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="Only what was known at this time (2020-03-01T08:30; a date means the end of that day; in "
            "an undated dataset the number of a moment).",
        ),
    ] = None,
    style: Annotated[
        str | None,
        typer.Option("--style", help="Show the text in this style, each line with its source rows."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Show a subject: what was recorded and when, or the text that a model sees at that time.

    The output is patient data.
    """
    from osler.cli.summary import show_summary
    from osler.record.dataset import open_dataset
    from osler.record.timeline import find_subject, parse_moment, timeline

    opened = open_dataset(dataset)
    subject_id = find_subject(opened, subject)
    events = opened.subject(subject_id)
    moment = None if at is None else parse_moment(opened, events["time"], at)
    head = {"dataset": opened.name, "subject_id": subject_id, "at": at}
    if style is None:
        rows = timeline(opened, events, at=moment)
        body: dict[str, Any] = {
            "n_events": rows.height,
            "n_all": events.height,
            "events": _plain(rows, opened),
        }
        lines = _timeline_lines(body)
    else:
        body = _as_text(opened, events, moment, style)
        lines = _text_lines(body)
    if as_json:
        show_summary({**head, **body}, as_json=True)
        return
    named = "moment " if opened.undated and at is not None and at.isdigit() else ""
    known = "" if at is None else f", known at {named}{at}"
    print(f"{opened.name}, subject {subject_id}{known}")
    print("\n".join(lines))


def _plain(rows: "pl.DataFrame", dataset: "Dataset") -> list[dict[str, Any]]:
    """Rows as JSON: the time, or in an undated dataset the number of the moment."""
    shown = []
    for row in rows.iter_rows(named=True):
        time = row.pop("time")
        moment = row.pop("moment")
        when = (
            moment
            if dataset.undated
            else None
            if time is None
            else time.isoformat(sep=" ", timespec="seconds")
        )
        shown.append({"row": row.pop("row"), "moment" if dataset.undated else "time": when, **row})
    return shown


def _timeline_lines(body: dict[str, Any]) -> list[str]:
    events = body["events"]
    lines = [f"{body['n_events']:,} of {body['n_all']:,} events", ""]
    when = "moment" if events and "moment" in events[0] else "time"
    table = [["row", when, "section", "what", "value"]]
    for event in events:
        number = " ".join(part for part in (_short(event["value"]), event["unit"]) if part)
        value = ", ".join(part for part in (number, _short(event["words"])) if part)
        time = "-" if event[when] is None else str(event[when])
        table.append([str(event["row"]), time, event["section"], event["description"], value])
    widths = [min(max(len(row[column]) for row in table), 60) for column in range(4)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append("  ".join([*cells, row[4]]).rstrip())
    return lines


def _short(value: str | None) -> str:
    """A value on one line; what is left out is counted."""
    text = " ".join((value or "").split())
    left_out = len(text) - _LONGEST
    return text if left_out <= 0 else f"{text[:_LONGEST]} (and {left_out:,} more characters)"


def _as_text(
    dataset: "Dataset", events: "pl.DataFrame", moment: "datetime | None", style: str
) -> dict[str, Any]:
    """The text of the sample, and for each line the rows that it came from."""
    import polars as pl

    from osler.base.errors import InputError
    from osler.models.tokenizer import load_tokenizer
    from osler.record.timeline import last_moment
    from osler.statements.render import render_shard
    from osler.statements.settings import TextSettings

    settings = TextSettings.parse({"style": style}, where="--style")
    time = moment or last_moment(events)
    if time is None:
        raise InputError("no event of this subject has a time", remedy="name a time with --at")
    samples = pl.DataFrame(
        {"subject_id": [events["subject_id"][0]], "prediction_time": [time]},
        schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")},
    )
    tokenizer = load_tokenizer(settings.tokenizer)
    made = render_shard(events, dataset.codes, samples, settings, tokenizer, undated=dataset.undated)
    text = made.frame("texts").row(0, named=True)
    lines = [
        {
            "line": line["line"],
            "text": text["text"][line["char_start"] : line["char_end"]],
            "section": line["section"],
            "rows": line["rows"],
        }
        for line in made.frame("lines").sort("line").iter_rows(named=True)
    ]
    counts = {name: text[name] for name in ("n_tokens", "n_statements", "n_dropped")}
    return {"style": style, **counts, "text": text["text"], "lines": lines}


def _text_lines(body: dict[str, Any]) -> list[str]:
    facts = (
        f"{body['n_tokens']:,} tokens, {body['n_statements']:,} statements, {body['n_dropped']:,} left out"
    )
    lines = [f"style {body['style']}: {facts}", "", body["text"], "", "line  rows  statement"]
    for line in body["lines"]:
        rows = ",".join(map(str, line["rows"]))
        lines.append(f"{line['line']:<4}  {rows}  {_short(line['text'])}")
    return lines
