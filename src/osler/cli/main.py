"""The program `osler`: registers the commands and turns errors into exit codes.

Exit codes: 0 done, 1 our fault, 2 wrong usage or input, 3 `doctor` found something broken.
"""

import errno
import os
import sys
import traceback
from typing import Annotated, NoReturn

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
from osler.cli.group import group

_INTERRUPTED = 130  # what a program that was told to stop exits with
# What the machine or its owner forbids; any other error of the system is a fault of ours.
_OF_THE_MACHINE = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}

app = group("Patient records as text, vectors, phenotypes and predictions, on your own machine.")


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


app.command("demo", short_help="The whole job on a simulated hospital group.")(demo.command)
app.command("run", short_help="Carry out a study, from the record to the report.")(run.command)
app.command("report", short_help="Write the report of a run again.")(report.command)
app.command("simulate", short_help="Simulate hospitals with known truth, as MEDS.")(simulate.command)
app.command("ingest", short_help="Turn a source into a MEDS dataset.")(ingest.command)
app.command("label", short_help="Who is predicted, when, and what happened.")(label.command)
app.command("text", short_help="Turn records into text under a token budget.")(text.command)
app.command("encode", short_help="Encode texts with a language model.")(encode.command)
app.add_typer(predict.app, name="predict", short_help="Predict an outcome and judge the predictions.")
app.add_typer(phenotype.app, name="phenotype", short_help="Cluster samples; assign new ones.")
app.command("show", short_help="The record of a subject, or its text.")(show.command)
app.command("doctor", short_help="Say what is wrong with a folder, and how to mend it.")(doctor.command)
app.add_typer(encoders.app, name="encoders", short_help="List the encoders, or try one.")


def main() -> None:
    """Run the program and exit."""
    go_offline()
    try:
        app()
    except InputError as error:
        print(f"osler: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            said = "osler: interrupted; what was finished is kept, and the same command goes on from there"
            print(said, file=sys.stderr)
        raise
    except BrokenPipeError:
        # The reader of our output went away (`osler ... | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE:
            _internal(error)
        print(
            f"osler: the system refused: {error.strerror}\n"
            f"  where: {error.filename or 'a file that was written'}\n"
            "  remedy: name another folder, or see to permissions and free space; the same command goes on",
            file=sys.stderr,
        )
        sys.exit(2)
    except Exception as error:
        _internal(error)


def _internal(error: Exception) -> NoReturn:
    """Say that it is our fault, and exit."""
    if os.environ.get("OSLER_TRACEBACK") == "1":
        traceback.print_exc()
    print(
        f"osler: internal error: {type(error).__name__}. This is a fault of Osler, not of your input; "
        "set OSLER_TRACEBACK=1 to see where.",
        file=sys.stderr,
    )
    sys.exit(1)
