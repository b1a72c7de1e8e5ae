"""`osler doctor`: is what lies on disk sound?"""

import shutil
import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

_WIDTH = 20  # of the column that names the check


def command(
    path: Annotated[
        Path,
        typer.Argument(
            help="A dataset, labels, texts, vectors, predictions, phenotypes, a run, or a source before its "
            "ingest.",
            show_default=False,
        ),
    ],
    leakage: Annotated[
        bool,
        typer.Option(
            "--leakage",
            help="Recompute texts and counts with events after the prediction time removed and changed.",
        ),
    ] = False,
    dataset: Annotated[
        Path | None, typer.Option("--dataset", help="The dataset that the folder was made from.")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="Source format that lies there; default: found out by its tables."),
    ] = None,
    spec: Annotated[Path | None, typer.Option("--spec", help="Spec of your own, for a source.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Examine a folder: ok, warning or broken (exit code 3), each with count, example and remedy."""
    from osler.checks.doctor import examine
    from osler.checks.finding import BROKEN
    from osler.cli.summary import show_summary

    report = examine(path, dataset=dataset, leakage=leakage, format_name=format_name, spec=spec)
    if as_json:
        show_summary(report, as_json=True)
    else:
        print("\n".join(_lines(report)))
    if report["status"] == BROKEN:
        raise typer.Exit(3)


def _lines(report: dict[str, Any]) -> list[str]:
    """The report for a person in a hurry: folder by folder, the worst first, what is sound in one line."""
    from osler.checks.finding import SEVERITY

    counts = f"{report['n_broken']} broken, {report['n_warnings']} to look at"
    lines = [f"{report['path']}: {report['kind']}, {report['status']} ({counts})"]
    findings = report["findings"]
    for place in dict.fromkeys(finding["place"] for finding in findings):
        here = [finding for finding in findings if finding["place"] == place]
        if place != report["path"]:
            lines += ["", place]
        for finding in sorted(here, key=lambda one: SEVERITY.index(one["status"])):
            lines += _finding(finding)
    return lines


def _finding(finding: dict[str, Any]) -> list[str]:
    first = f"{finding['status']:<8} {finding['check']:<{_WIDTH}} "
    lines = _wrapped(first, finding["what"])
    if finding["status"] == "ok":
        return lines
    where = finding["file"]
    if where is not None and finding["column"] is not None:
        where += f", column {finding['column']}"
    ids = finding["example"]
    facts = {
        "where": where,
        "count": None if finding["count"] is None else f"{finding['count']:,}",
        "example": None if ids is None else ", ".join(f"{name} {value}" for name, value in ids.items()),
        "remedy": finding["remedy"],
    }
    for name, value in facts.items():
        if value is not None:
            lines += _wrapped(f"{'':<{len(first)}}{name:<8} ", value)
    return lines


def _wrapped(first: str, text: str) -> list[str]:
    """Text in lines of the terminal's width, below each other to the right of what the first begins with."""
    width = max(shutil.get_terminal_size((110, 24)).columns, 80)
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )
