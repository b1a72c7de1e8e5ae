"""`osler report`: the report of a finished run, made again from its files."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    run: Annotated[Path, typer.Argument(help="Folder of results of `osler run`.", show_default=False)],
    private: Annotated[
        bool, typer.Option("--private", help="Also write report-private.html, which holds patient data.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Write RUN/report.html, one self-contained page that can be shared."""
    from osler.cli.summary import show_summary
    from osler.reports.report import report_summary, write_report

    summary = report_summary(write_report(run))
    if private:
        summary["private"] = report_summary(write_report(run, private=True))
    show_summary(summary, as_json=as_json)
