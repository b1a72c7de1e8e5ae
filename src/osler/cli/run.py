"""`osler run`: a study file in, a folder of results and a report out."""

from pathlib import Path
from typing import Annotated, Any

import typer

from osler.cli.engine import Address, Device, Engine, GpusPerWorker, Workers, engine_settings


def command(
    study: Annotated[Path, typer.Argument(help="The study file (YAML).", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of results; default: the study's name.")
    ] = None,
    private: Annotated[
        bool, typer.Option("--private", help="Also write report-private.html, which holds patient data.")
    ] = False,
    engine: Engine = "local",
    address: Address = None,
    workers: Workers = None,
    gpus_per_worker: GpusPerWorker = 0.0,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Run a study: dataset, labels, texts, vectors, predictions, phenotypes and the report.

    A killed run goes on where it was when the same command is given again; finished steps are not redone.
    """
    from osler.study.run import run_study
    from osler.study.schema import read_study

    parsed = read_study(study)
    place = engine_settings(engine, address, workers, gpus_per_worker, device, where="osler run")
    out = output or Path(parsed.settings.name)
    show_run(run_study(parsed, out, private=private, engine=place), as_json=as_json)


def show_run(summary: dict[str, Any], *, as_json: bool) -> None:
    """Print the summary of a run; for a person, a line for the AUROC of each model."""
    from osler.cli.summary import show_summary

    if as_json:
        show_summary(summary, as_json=True)
        return
    lines: dict[str, Any] = {}
    for name, value in summary.items():
        if name == "auroc":
            for task, models in value.items():
                lines |= {f"auroc {task} {model}": _interval(**one) for model, one in models.items()}
        elif isinstance(value, dict):
            lines |= {f"{name} {task}": one for task, one in value.items()}
        else:
            lines[name.replace("_", " ")] = value
    show_summary(lines, as_json=False)


def _interval(*, value: float, low: float | None, high: float | None) -> str:
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} ({low:.3f}–{high:.3f})"
