"""Options that say where encoding runs, the same for every command that encodes."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from osler.represent.engine import EngineSettings

Engine = Annotated[str, typer.Option(help="local, or ray: one model per worker of a cluster.")]
Address = Annotated[
    str | None,
    typer.Option(help="HOST:PORT of a Ray cluster, or auto; none: one on this machine.", show_default=False),
]
Workers = Annotated[
    int | None, typer.Option(help="Batches computed at a time; none: all cores.", show_default=False)
]
GpusPerWorker = Annotated[float, typer.Option(help="Graphics processors of each Ray worker.")]
Device = Annotated[
    str, typer.Option(help="auto, cpu or cuda: where this process computes; auto takes a GPU where one is.")
]


def engine_settings(
    engine: str, address: str | None, workers: int | None, gpus_per_worker: float, device: str, *, where: str
) -> "EngineSettings":
    """The options as settings; `where` is the command, for errors."""
    from osler.represent.engine import EngineSettings

    given = {
        "engine": engine,
        "address": address,
        "workers": workers,
        "gpus_per_worker": gpus_per_worker,
        "device": device,
    }
    return EngineSettings.parse(given, where=where)
