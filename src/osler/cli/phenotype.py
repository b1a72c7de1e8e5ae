"""`osler phenotype`: clusters of samples, side by side, and new samples assigned to them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osler.cli.group import group

if TYPE_CHECKING:
    from osler.phenotyping.inputs import Pool

app = group("Cluster the samples of a task; set clusters side by side; assign new samples to them.")

Dataset = Annotated[Path, typer.Option("--dataset", help="Folder of the MEDS dataset.", show_default=False)]
Texts = Annotated[
    Path | None,
    typer.Option("--texts", help="Folder of texts: needed for statement vectors, gives text lengths."),
]
PoolOption = Annotated[str, typer.Option("--pool", help="How statement vectors are pooled: mean or idf.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")]


@app.command("fit")
def fit(
    labels: Annotated[Path, typer.Argument(help="Folder of labels.", show_default=False)],
    dataset: Dataset,
    output: Output,
    vectors: Annotated[
        list[Path] | None,
        typer.Option(
            "--vectors", help="Folder of vectors; may be repeated. Without it: counts of the dataset."
        ),
    ] = None,
    texts: Texts = None,
    pool: PoolOption = "idf",
    arms: Annotated[
        list[str] | None,
        typer.Option(
            "--arm",
            help="Way of clustering; may be repeated. On vectors or counts: kmeans, spherical, mixture. "
            "On variables: famd+kmeans, famd+pam, umap2+kmeans, umap2+pam, umap10+kmeans, umap10+pam, "
            "gower+pam, kprototypes, lca, hdbscan. Default: kmeans.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", help="Pattern of codes that are no variables; may be repeated."),
    ] = None,
    k: Annotated[tuple[int, int], typer.Option("--k", help="Smallest and largest number of clusters.")] = (
        2,
        10,
    ),
    bootstraps: Annotated[int, typer.Option(help="Bootstraps in which an arm is refitted; 0: none.")] = 50,
    references: Annotated[
        int, typer.Option(help="Data sets without clusters that clusters are set against; 0: none.")
    ] = 50,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Cluster samples over a range of k, judge and describe the clusters, set them beside the outcome.

    Several folders of vectors, or arms on vectors and on variables, give several clusterings, each in a
    folder of its name.
    """
    from osler.cli.summary import show_summary
    from osler.phenotyping.arms import arm
    from osler.phenotyping.fit import VARIABLES, fit_phenotypes
    from osler.phenotyping.inputs import make_features, text_lengths
    from osler.phenotyping.settings import PhenotypeSettings
    from osler.record.dataset import open_dataset
    from osler.represent.counts import count_features
    from osler.represent.typed_read import typed_table
    from osler.task.labels import open_labels

    given = {"k": list(k), "seed": seed, "bootstraps": bootstraps, "references": references}
    given |= {"arms": arms or ["kmeans"], "table": {"exclude": exclude or []}}
    settings = PhenotypeSettings.parse(given, where="osler phenotype fit")
    opened = open_dataset(dataset)
    found = open_labels(labels, dataset=opened)
    lengths = {"tokens of the text": text_lengths(texts, found.samples)} if texts is not None else None
    counts = count_features(opened, found.samples)
    table, _ = typed_table(opened, found.samples, settings=settings.table)
    on_table = tuple(name for name in settings.arms if arm(name).needs_table)
    on_vectors = tuple(name for name in settings.arms if name not in on_table)
    jobs: list[tuple[str, Path | None]] = []
    if on_vectors:
        folders = _distinct(vectors) or [None]
        jobs += [("counts" if folder is None else folder.name, folder) for folder in folders]
    if on_table:
        jobs.append((VARIABLES, None))
    results = {}
    for name, folder in jobs:
        if name == VARIABLES:
            features, source, own = None, {"kind": VARIABLES}, on_table
        elif folder is None:
            features, source, own = counts, {"kind": "counts"}, on_vectors
        else:
            features, source = make_features(
                opened, found.samples, vectors=folder, texts=texts, pool=_pool(pool)
            )
            own = on_vectors
        out = output / name if len(jobs) > 1 else output
        results[out] = fit_phenotypes(
            found,
            features,
            out,
            settings=settings.model_copy(update={"arms": own}),
            table=table,
            variables=counts,
            lengths=lengths,
            source=source,
        )
    show_summary(
        {
            "phenotypes": [str(out) for out in results],
            "samples": found.frame.height,
            "representations": [result.representation for result in results.values()],
            "k chosen": [result.chosen for result in results.values()],
            "silhouette": [
                {arm: None if value is None else round(value, 4) for arm, value in result.silhouette.items()}
                for result in results.values()
            ],
            "sizes": [result.sizes for result in results.values()],
            "verdict": [result.verdict for result in results.values()],
            "caution": next(iter(results.values())).caution,
        },
        as_json=as_json,
    )


@app.command("assign")
def assign(
    model: Annotated[Path, typer.Argument(help="Folder of `osler phenotype fit`.", show_default=False)],
    dataset: Annotated[Path, typer.Argument(help="Folder of a MEDS dataset.", show_default=False)],
    output: Output,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", help="Folder of labels: the samples. Without it: each subject's end of record."
        ),
    ] = None,
    vectors: Annotated[
        Path | None, typer.Option("--vectors", help="Folder of vectors. Without it: counts.")
    ] = None,
    texts: Texts = None,
    pool: PoolOption = "idf",
    arm: Annotated[str | None, typer.Option(help="Arm; default: the first.")] = None,
    k: Annotated[int | None, typer.Option(help="Number of clusters; default: the one chosen.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send new samples to the clusters that were found; nothing is fitted again."""
    from osler.cli.summary import show_summary
    from osler.phenotyping.assign import assign_samples
    from osler.phenotyping.inputs import make_features
    from osler.phenotyping.model import load_model
    from osler.record.dataset import open_dataset
    from osler.statements.samples import record_end
    from osler.task.labels import open_labels

    loaded, opened = load_model(model), open_dataset(dataset)
    samples = open_labels(labels).samples if labels is not None else record_end(opened)
    # What was weighed when the clusters were found is weighed again.
    by_section = {name: (loaded.source or {}).get(name) for name in ("weights", "sections")}
    features, source = make_features(
        opened, samples, vectors=vectors, texts=texts, pool=_pool(pool), **by_section
    )
    show_summary(
        assign_samples(loaded, features, samples, output, source=source, arm=arm, k=k), as_json=as_json
    )


@app.command("compare")
def compare(
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
        pool=_pool(pool),
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


def _distinct(folders: list[Path] | None) -> list[Path | None]:
    from osler.base.errors import InputError

    names = [folder.name for folder in folders or []]
    if len(set(names)) < len(names):
        raise InputError(
            "two folders of vectors have the same name", allowed=names, remedy="rename one of them"
        )
    return list(folders or [])


def _pool(value: str) -> "Pool":
    from osler.base.errors import InputError

    if value == "mean":
        return "mean"
    if value == "idf":
        return "idf"
    raise InputError(f"unknown pooling '{value}'", where="--pool", allowed=["mean", "idf"], remedy="name one")
