"""`osler phenotype compare`: the clusters of several fits side by side."""

from pathlib import Path
from typing import Annotated

import typer

from osler.cli.phenotype_options import AsJson, Dataset, Output, PoolOption, pool_of


def command(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of `osler phenotype fit`, or one that holds several.", show_default=False
        ),
    ],
    labels: Annotated[Path, typer.Option("--labels", help="Folder of labels.", show_default=False)],
    dataset: Dataset,
    output: Output,
    vectors: Annotated[
        list[Path] | None,
        typer.Option("--vectors", help="Folder of vectors that was clustered; may be repeated."),
    ] = None,
    texts: Annotated[
        list[Path] | None,
        typer.Option("--texts", help="Folder of the texts behind the vectors; may be repeated."),
    ] = None,
    pool: PoolOption = "idf",
    encoder: Annotated[
        str | None, typer.Option(help="Encoder of document vectors, where its name alone does not find it.")
    ] = None,
    scored: Annotated[int, typer.Option(help="Most samples that enter the silhouettes.")] = 2000,
    order: Annotated[
        int, typer.Option(help="Most texts that are encoded again in another order; 0: none.")
    ] = 500,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Set the clusters of several fits beside each other: same spaces, agreement, artefacts, the outcome."""
    from osler.cli.summary import show_summary
    from osler.phenotyping.beside import compare_phenotypes
    from osler.phenotyping.opened import open_sources
    from osler.phenotyping.settings import CompareSettings
    from osler.record.dataset import open_dataset
    from osler.task.labels import open_labels

    settings = CompareSettings.parse({"scored": scored, "order": order}, where="osler phenotype compare")
    opened = open_dataset(dataset)
    found = open_labels(labels, dataset=opened)
    sources = open_sources(
        folders,
        opened,
        found.samples,
        vectors=vectors or [],
        texts=texts or [],
        pool=pool_of(pool),
        encoder=encoder,
        seed=seed,
    )
    told = compare_phenotypes(found, sources, output, settings=settings, seed=seed)
    show_summary(
        {
            "comparison": str(told.path),
            "samples": told.n_samples,
            "k chosen": told.arms,
            "spaces": told.spaces,
            "artefacts": told.artefacts,
            "outcome explained": {
                arm: None if value is None else round(value, 4) for arm, value in told.separation.items()
            },
        },
        as_json=as_json,
    )
