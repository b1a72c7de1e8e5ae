"""Options that commands of `osler phenotype` share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from osler.phenotyping.inputs import Pool

Dataset = Annotated[Path, typer.Option("--dataset", help="Folder of the MEDS dataset.", show_default=False)]
Texts = Annotated[
    Path | None,
    typer.Option("--texts", help="Folder of texts: needed for statement vectors, gives text lengths."),
]
PoolOption = Annotated[str, typer.Option("--pool", help="How statement vectors are pooled: mean or idf.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]
Model = Annotated[Path, typer.Argument(help="Folder of `osler phenotype fit`.", show_default=False)]
NewVectors = Annotated[
    Path | None, typer.Option("--vectors", help="Folder of vectors. Without it: counts, or the variables.")
]
Arm = Annotated[str | None, typer.Option(help="Arm; default: the first.")]
AllowAbsent = Annotated[
    bool,
    typer.Option("--allow-absent", help="Assign even where the dataset lacks up to half of the variables."),
]


def pool_of(value: str) -> "Pool":
    """The pooling of a name.

    Raises:
        InputError: there is no such pooling.
    """
    from osler.base.errors import InputError

    if value == "mean":
        return "mean"
    if value == "idf":
        return "idf"
    raise InputError(f"unknown pooling '{value}'", where="--pool", allowed=["mean", "idf"], remedy="name one")
