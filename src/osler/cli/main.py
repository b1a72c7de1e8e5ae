"""The program `osler`: registers the commands and turns errors into exit codes.

Exit codes: 0 done, 1 our fault, 2 wrong usage or input, 3 `doctor` found something broken.
"""

import os
import sys
import traceback
from typing import Annotated

import typer

from osler import __version__
from osler.base.errors import InputError
from osler.base.offline import go_offline
from osler.cli import (
    demo,
    doctor,
    encode,
    encoders,
    ingest,
    label,
    phenotype,
    predict,
    report,
    run,
    show,
    simulate,
    text,
)

app = typer.Typer(
    name="osler",
    help="Patient records as text, vectors, phenotypes and predictions, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

START = "Start here"
STEPS = "One step at a time"
LOOK = "Look at what is there"


def _version(*, value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda value: _version(value=value),
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Patient records as text, vectors, phenotypes and predictions, on your own machine."""


app.command("demo", rich_help_panel=START)(demo.command)
app.command("run", rich_help_panel=START)(run.command)
app.command("report", rich_help_panel=START)(report.command)
app.command("simulate", rich_help_panel=STEPS)(simulate.command)
app.command("ingest", rich_help_panel=STEPS)(ingest.command)
app.command("label", rich_help_panel=STEPS)(label.command)
app.command("text", rich_help_panel=STEPS)(text.command)
app.command("encode", rich_help_panel=STEPS)(encode.command)
app.add_typer(predict.app, name="predict", rich_help_panel=STEPS)
app.add_typer(phenotype.app, name="phenotype", rich_help_panel=STEPS)
app.command("show", rich_help_panel=LOOK)(show.command)
app.command("doctor", rich_help_panel=LOOK)(doctor.command)
app.add_typer(encoders.app, name="encoders", rich_help_panel=LOOK)


def main() -> None:
    """Run the program and exit."""
    go_offline()
    try:
        app()
    except InputError as error:
        print(f"osler: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output went away (`osler ... | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("OSLER_TRACEBACK") == "1":
            traceback.print_exc()
        print(
            f"osler: internal error: {type(error).__name__}. This is a fault of Osler, not of your input; "
            "set OSLER_TRACEBACK=1 to see where.",
            file=sys.stderr,
        )
        sys.exit(1)
