"""`osler phenotype assign`: new samples are sent to the clusters of a fit."""

from pathlib import Path
from typing import Annotated

import typer

from osler.cli.phenotype_options import (
    AllowAbsent,
    Arm,
    AsJson,
    Model,
    NewVectors,
    Output,
    PoolOption,
    Texts,
    pool_of,
)


def command(
    model: Model,
    dataset: Annotated[Path, typer.Argument(help="Folder of a MEDS dataset.", show_default=False)],
    output: Output,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="Folder of labels: the samples. Without it: each subject's end of record."
        ),
    ] = None,
    vectors: NewVectors = None,
    texts: Texts = None,
    pool: PoolOption = "idf",
    arm: Arm = None,
    k: Annotated[int | None, typer.Option(help="Number of clusters; default: the one chosen.")] = None,
    allow_absent: AllowAbsent = False,
    as_json: AsJson = False,
) -> None:
    """Send new samples to the clusters that were found; nothing is fitted again, no outcome is needed.

    A clustering of variables reads the same variables of the dataset by itself.
    """
    from osler.cli.summary import interval_cell, show_summary, show_table
    from osler.phenotyping.assign import assign_samples
    from osler.phenotyping.inputs import read_new
    from osler.phenotyping.model import load_model
    from osler.record.dataset import open_dataset
    from osler.statements.samples import record_end
    from osler.task.labels import open_labels

    loaded, opened = load_model(model), open_dataset(dataset)
    samples = open_labels(labels).samples if labels is not None else record_end(opened)
    new = read_new(
        loaded,
        opened,
        samples,
        vectors=vectors,
        texts=texts,
        pool=pool_of(pool),
        allow_absent=allow_absent,
    )
    summary = assign_samples(
        loaded, new.given, samples, output, source=new.source, report=new.report, arm=arm, k=k
    )
    if as_json:
        show_summary(summary, as_json=True)
        return
    drift = summary["drift"]
    show_table(
        ["cluster", "share fit", "share new", "typicality fit", "typicality new"],
        [
            [str(one["cluster"])]
            + [interval_cell(one[side]["share"], percent=True) for side in ("fit", "new")]
            + [interval_cell(one[side]["typicality"]) for side in ("fit", "new")]
            for one in drift["clusters"]
        ],
    )
    shown = {name: value for name, value in summary.items() if name != "drift"}
    show_summary({**shown, "same shares": drift["test"]}, as_json=False)
