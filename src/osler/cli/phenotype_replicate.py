"""`osler phenotype replicate`: the cards of a fit beside those of a second cohort."""

from pathlib import Path
from typing import Annotated, Any

import typer

from osler.cli.phenotype_options import (
    AllowAbsent,
    Arm,
    AsJson,
    Dataset,
    Model,
    NewVectors,
    Output,
    PoolOption,
    Texts,
    pool_of,
)


def command(
    model: Model,
    labels: Annotated[
        Path, typer.Argument(help="Folder of labels of the second cohort.", show_default=False)
    ],
    dataset: Dataset,
    output: Output,
    vectors: NewVectors = None,
    texts: Texts = None,
    pool: PoolOption = "idf",
    arm: Arm = None,
    allow_absent: AllowAbsent = False,
    as_json: AsJson = False,
) -> None:
    """Assign a second cohort to the clusters of a fit, and set effects, shares and outcomes side by side.

    Apart from that, the same arm is fitted on the second cohort alone and compared with what was assigned.
    """
    from osler.base.errors import InputError
    from osler.cli.summary import show_summary, show_table
    from osler.phenotyping.inputs import make_table, read_new
    from osler.phenotyping.model import load_model
    from osler.phenotyping.replicate import replicate
    from osler.record.dataset import open_dataset
    from osler.represent.typed import TypedTable
    from osler.task.labels import open_labels

    loaded, opened = load_model(model), open_dataset(dataset)
    found = open_labels(labels, dataset=opened)
    new = read_new(
        loaded,
        opened,
        found.samples,
        vectors=vectors,
        texts=texts,
        pool=pool_of(pool),
        allow_absent=allow_absent,
    )
    if loaded.described is None:
        raise InputError(
            "the clustering has no cards", where=model, remedy="fit it with the variables of the dataset"
        )
    described = new.given
    if not isinstance(described, TypedTable):
        described, _ = make_table(opened, found.samples, loaded.described, allow_absent=allow_absent)
    told = replicate(model, found, new.given, described, output, source=new.source, arm=arm)
    if as_json:
        show_summary({"replicated": str(output), **told}, as_json=True)
        return
    show_table(
        ["cluster", "share fit", "share new", "typicality fit", "new", "card correlation", "findings",
         "same sign", "in interval", "event fit", "event new", "jaccard"],
        [_row(one) for one in told["clusters"]],
    )  # fmt: skip
    drift = told["drift"]
    shown = {name: told[name] for name in told if name not in ("clusters", "format_version", "drift")}
    test, typical = drift["test"], {side: drift["typicality"][side]["value"] for side in ("fit", "new")}
    show_summary(
        {"replicated": str(output), **shown, "typicality": typical, "same shares": test}, as_json=False
    )


def _row(one: dict[str, Any]) -> list[str]:
    from osler.cli.summary import interval_cell, number_cell

    fit, new, rate = one["fit"], one["new"], one["rate"]
    return [
        str(one["cluster"]),
        interval_cell(fit["share"], percent=True),
        interval_cell(new["share"], percent=True),
        number_cell(fit["typicality"]["value"]),
        number_cell(new["typicality"]["value"]),
        interval_cell(one["correlation"]),
        str(one["findings"]),
        number_cell(one["same_sign"], percent=True),
        number_cell(one["in_interval"], percent=True),
        interval_cell({"value": rate["fit"]["rate"], **rate["fit"]}, percent=True),
        interval_cell({"value": rate["new"]["rate"], **rate["new"]}, percent=True),
        number_cell(one["jaccard"]),
    ]
