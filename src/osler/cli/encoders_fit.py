"""`osler encoders fit`: an encoder is adapted to the texts of a cohort."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    texts: Annotated[Path, typer.Argument(help="Folder of texts (osler text).", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the adapter.", show_default=False)
    ],
    encoder: Annotated[
        str, typer.Option(help="Name of an encoder (osler encoders list), or the folder of one.")
    ] = "minilm",
    dataset: Annotated[
        Path | None,
        typer.Option(help="The dataset, whose splits say who trains; else the default division."),
    ] = None,
    objective: Annotated[
        str,
        typer.Option(
            help="contrastive: views of a record find each other; mlm: masked tokens; supervised: a label."
        ),
    ] = "contrastive",
    labels: Annotated[Path | None, typer.Option(help="Folder of labels (supervised).")] = None,
    method: Annotated[
        str, typer.Option(help="lora: small matrices beside the linear layers; full: all weights.")
    ] = "lora",
    rank: Annotated[int | None, typer.Option(help="Rank of LoRA (8).")] = None,
    alpha: Annotated[float | None, typer.Option(help="Scale of LoRA: alpha / rank (32).")] = None,
    target: Annotated[
        list[str] | None, typer.Option(help="Linear layer for LoRA; may be repeated (all of them).")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the texts (1).")] = None,
    steps: Annotated[int | None, typer.Option(help="Most steps, whatever the epochs say.")] = None,
    batch: Annotated[int | None, typer.Option(help="Texts of a step; mlm: windows (32).")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Highest learning rate (0.0002; full: 0.00002).")
    ] = None,
    temperature: Annotated[float | None, typer.Option(help="Divides cosines; contrastive (0.05).")] = None,
    statement_dropout: Annotated[
        float | None, typer.Option(help="Share of statements left out of a view; contrastive (0.5).")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Fixes everything drawn (0).")] = None,
    memory: Annotated[
        float | None, typer.Option(help="GiB for the values of a step; with less, parts are done twice (4).")
    ] = None,
    threads: Annotated[int | None, typer.Option(help="Parts computed at a time (one per core).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Adapt an encoder to the training subjects of a cohort. The encoder itself stays as it is.

    The result is patient data.
    """
    from dataclasses import asdict

    from osler.cli.summary import show_summary
    from osler.models.fit.settings import parse_fit_settings
    from osler.represent.adapt import fit_on_texts

    settings = parse_fit_settings(
        {
            "objective": objective,
            "method": method,
            "rank": rank,
            "alpha": alpha,
            "targets": target or None,
            "epochs": epochs,
            "steps": steps,
            "batch": batch,
            "learning_rate": learning_rate,
            "temperature": temperature,
            "statement_dropout": statement_dropout,
            "seed": seed,
            "memory": memory,
            "threads": threads,
        },
        where="osler encoders fit",
    )
    made = fit_on_texts(texts, output, encoder=encoder, settings=settings, labels=labels, dataset=dataset)
    show_summary(asdict(made), as_json=as_json)
