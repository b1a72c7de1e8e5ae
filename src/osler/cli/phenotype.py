"""`osler phenotype`: clusters of samples; its other commands are in files of their own."""

from pathlib import Path
from typing import Annotated

import typer

from osler.cli import phenotype_assign, phenotype_compare, phenotype_replicate
from osler.cli.group import group
from osler.cli.phenotype_options import AsJson, Dataset, Output, PoolOption, Texts, pool_of

app = group("Cluster the samples of a task; set clusters side by side; assign new samples to them.")
app.command("assign")(phenotype_assign.command)
app.command("replicate")(phenotype_replicate.command)
app.command("compare")(phenotype_compare.command)


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
    bootstraps: Annotated[
        int,
        typer.Option(
            help="Bootstraps in which an arm is refitted (on UMAP and k-prototypes at most 20); 0: none."
        ),
    ] = 50,
    references: Annotated[
        int,
        typer.Option(
            help="Data sets without clusters that clusters are set against (on UMAP and k-prototypes at "
            "most 19); 0: none."
        ),
    ] = 50,
    names: Annotated[
        str,
        typer.Option(
            help="Names of clusters: rule, or a chat model as http://HOST:PORT/v1#MODEL, "
            "accepted only where all of it is on the card.",
        ),
    ] = "rule",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Cluster samples over a range of k, judge and describe the clusters, set them beside the outcome.

    Several folders of vectors, or arms on vectors and on variables, give several clusterings, each in a
    folder of its name.
    """
    from osler.cli.summary import show_summary
    from osler.phenotyping.arms import arm
    from osler.phenotyping.cautions import cautions
    from osler.phenotyping.fit import fit_phenotypes
    from osler.phenotyping.follow_up import follow_up
    from osler.phenotyping.inputs import make_features, text_lengths, text_traces
    from osler.phenotyping.settings import VARIABLES, PhenotypeSettings
    from osler.record.dataset import open_dataset
    from osler.represent.counts import count_features
    from osler.represent.typed_read import typed_table
    from osler.task.labels import open_labels

    slow = PhenotypeSettings()
    given = {"k": list(k), "seed": seed, "bootstraps": bootstraps, "references": references}
    given |= {
        "slow_bootstraps": min(bootstraps, slow.slow_bootstraps),
        "slow_references": min(references, slow.slow_references),
    }
    given |= {"names": names, "arms": arms or ["kmeans"], "table": {"exclude": exclude or []}}
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
                opened, found.samples, vectors=folder, texts=texts, pool=pool_of(pool)
            )
            own = on_vectors
        traces = {}
        if texts is not None and folder is not None:
            traces = text_traces(texts, found.samples, folder)
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
            follow=follow_up(opened, found.samples),
            texts=texts,
            cautions=cautions(opened, found.samples, source=source, traces=traces),
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


def _distinct(folders: list[Path] | None) -> list[Path | None]:
    from osler.base.errors import InputError

    names = [folder.name for folder in folders or []]
    if len(set(names)) < len(names):
        raise InputError(
            "two folders of vectors have the same name", allowed=names, remedy="rename one of them"
        )
    return list(folders or [])
