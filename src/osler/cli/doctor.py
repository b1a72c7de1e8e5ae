"""`osler doctor`: is what lies on disk sound?"""

from pathlib import Path
from typing import Annotated, Any

import typer


def command(
    path: Annotated[
        Path,
        typer.Argument(
            help="A dataset, labels, texts, vectors, predictions, phenotypes or a run.", show_default=False
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Examine a folder: ok, warnings, or broken (exit code 3), each with file, column, count and remedy."""
    from osler.checks.doctor import examine
    from osler.checks.finding import BROKEN
    from osler.cli.summary import show_summary

    report = examine(path, dataset=dataset, leakage=leakage)
    if as_json:
        show_summary(report, as_json=True)
    else:
        print("\n".join(_lines(report)))
    if report["status"] == BROKEN:
        raise typer.Exit(3)


def _lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['path']}: {report['kind']}, {report['status']}"]
    place = report["path"]
    for finding in report["findings"]:
        if finding["place"] != place:
            place = finding["place"]
            lines += ["", place]
        lines.append(f"{finding['status']:<8} {finding['check']:<15} {finding['what']}")
        if finding["status"] != "ok":
            facts = {
                "where": finding["file"],
                "column": finding["column"],
                "count": None if finding["count"] is None else f"{finding['count']:,}",
                "remedy": finding["remedy"],
            }
            lines += [f"{'':<24} {name}: {value}" for name, value in facts.items() if value is not None]
    return lines
