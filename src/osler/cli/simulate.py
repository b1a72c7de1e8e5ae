"""`osler simulate`: a multi-hospital record with known truth."""

from pathlib import Path
from typing import Annotated

import typer


def command(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the dataset; the truth goes to truth/ beside it."),
    ],
    subjects: Annotated[int | None, typer.Option(help="Number of subjects (2,000 by default).")] = None,
    events: Annotated[int | None, typer.Option(help="Number of events to come near to, instead.")] = None,
    hospitals: Annotated[int, typer.Option(help="Number of hospitals.")] = 6,
    seed: Annotated[int, typer.Option(help="Fixes hospitals and patients.")] = 0,
    patient_seed: Annotated[
        int | None, typer.Option(help="Fixes the patients alone: the same hospitals, fresh patients.")
    ] = None,
    cause: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=STRENGTH",
            help="Strength of a cause by which hospitals differ: 0 off, 1 moderate, up to 3; repeatable. "
            "Causes: case_mix, prevalence, mechanism, coding, missingness, note_style.",
        ),
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="CAUSE", help="Switch off every cause but this one.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Threads; the result does not depend on it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Simulate hospitals that differ by named causes, as a MEDS dataset with the truth beside it."""
    from osler.cli.summary import show_summary
    from osler.simulate.settings import SimulateSettings, parse_causes
    from osler.simulate.simulate import simulate

    settings = SimulateSettings.parse(
        {
            "subjects": subjects,
            "events": events,
            "hospitals": hospitals,
            "seed": seed,
            "patient_seed": patient_seed,
            "causes": parse_causes(cause or [], only=only),
        },
        where="options of osler simulate",
    )
    show_summary(simulate(output, settings=settings, workers=workers).plain(), as_json=as_json)
