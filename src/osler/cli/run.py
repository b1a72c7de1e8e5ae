"""`osler run`: a study file in, a folder of results and a report out."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    study: Annotated[Path, typer.Argument(help="The study file (YAML).", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of results; default: the study's name.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Also write report-private.html, which holds patient data.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Run a study: dataset, labels, texts, vectors, predictions, phenotypes and the report.

    A killed run goes on where it was when the same command is given again; finished steps are not redone.
    """
    from osler.cli.summary import show_summary
    from osler.study.run import run_study
    from osler.study.schema import read_study

    parsed = read_study(study)
    summary = run_study(parsed, output or Path(parsed.settings.name), private=private)
    show_summary(summary, as_json=as_json)
