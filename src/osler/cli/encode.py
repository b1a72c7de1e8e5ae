"""`osler encode`: texts become vectors, one per document or one per distinct statement."""

from pathlib import Path
from typing import Annotated

import typer

from osler.cli.engine import Address, Device, Engine, GpusPerWorker, Workers, engine_settings


def command(
    texts: Annotated[Path, typer.Argument(help="Folder of texts (osler text).", show_default=False)],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the vectors.", show_default=False)
    ],
    encoder: Annotated[
        str, typer.Option(help="Name of an encoder (osler encoders list), or the folder of one.")
    ] = "minilm",
    unit: Annotated[
        str, typer.Option(help="document: one vector per sample; statement: one per distinct statement.")
    ] = "document",
    instruction: Annotated[
        str, typer.Option(help="none, generic, task:NAME, or a text file; only for encoders that follow one.")
    ] = "none",
    dtype: Annotated[
        str, typer.Option(help="auto (what is fastest here), float32, bfloat16, nf4 or int8.")
    ] = "auto",
    on_overflow: Annotated[
        str,
        typer.Option(help="Texts longer than a window: window (encode all, average), truncate, or error."),
    ] = "window",
    engine: Engine = "local",
    address: Address = None,
    workers: Workers = None,
    gpus_per_worker: GpusPerWorker = 0.0,
    device: Device = "auto",
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps vectors between runs.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Encode texts with a language model on your machines. A long record is never cut silently."""
    from dataclasses import asdict

    from osler.cli.summary import show_summary
    from osler.represent.encode import make_vectors
    from osler.represent.settings import EncodeSettings

    settings = EncodeSettings.parse(
        {
            "encoder": encoder,
            "unit": unit,
            "instruction": instruction,
            "dtype": dtype,
            "on_overflow": on_overflow,
        },
        where="osler encode",
    )
    place = engine_settings(engine, address, workers, gpus_per_worker, device, where="osler encode")
    made = make_vectors(texts, output, settings=settings, cache=cache, engine=place)
    show_summary(asdict(made), as_json=as_json)
