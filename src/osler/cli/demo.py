"""`osler demo`: a simulated hospital group through the whole main job."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of results.")] = Path("demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Simulate a multi-hospital record and run a study on it, from record to report, in a few minutes."""
    from osler.cli.run import show_run
    from osler.study.demo import demo_study
    from osler.study.run import run_study

    show_run(run_study(demo_study(), output, private=True), as_json=as_json)
