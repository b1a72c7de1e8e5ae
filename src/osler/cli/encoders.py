"""`osler encoders`: which encoders there are, and whether one works here."""

from typing import Annotated

import typer

from osler.cli import encoders_fit
from osler.cli.group import group

app = group("List the encoders, or try one.")
app.command("fit")(encoders_fit.command)


@app.command("list")
def list_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Name, size, licence, and whether each encoder can run here."""
    from osler.cli.summary import show_summary
    from osler.models.check import list_encoders

    found = list_encoders()
    if as_json:
        show_summary({"encoders": found}, as_json=True)
        return
    lines = {
        row["name"]: f"{row['parameters_millions']:,} M parameters, {row['memory_gb']} GB as {row['dtype']}, "
        f"dimension {row['dimension']}, context {row['context']:,} tokens, {row['licence']}: "
        f"{row['runs_here']}"
        for row in found
    }
    show_summary(lines, as_json=False)


@app.command("check")
def check_command(
    name: Annotated[
        str,
        typer.Argument(
            help="NAME, NAME@FOLDER, FOLDER or hub:OWNER/MODEL, then :DIMENSION, then +ADAPTER.",
            show_default=False,
        ),
    ],
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16, nf4 or int8.")] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Load an encoder, check its weights, encode three sentences, and say how fast it is."""
    from osler.cli.summary import show_summary
    from osler.models.check import check_encoder

    show_summary(check_encoder(name, dtype=dtype, device=device), as_json=as_json)
