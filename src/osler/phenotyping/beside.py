"""The partitions of all sources and arms of a task beside each other.

A silhouette in an arm's own space cannot be compared with that of another arm in another space. So every
partition is scored in every space. How far partitions agree, what artefacts made those of vectors, and how
far each separates the outcome that was held out, at which stability, is told for all arms in the same tables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json, write_json, write_parquet
from osler.base.output import Output
from osler.phenotyping.artefact_table import artefact_table
from osler.phenotyping.beside_facts import arm_facts, source_facts, work_key
from osler.phenotyping.compare import SCORES, Key, agreement_table, flow_table, score_everywhere
from osler.phenotyping.gain import permutation_table, separation_table
from osler.phenotyping.partition import Array
from osler.phenotyping.points import Points
from osler.phenotyping.settings import CompareSettings
from osler.phenotyping.shared import drawn_rows, shared_spaces
from osler.phenotyping.sources import Source
from osler.task.labels import Labels
from osler.task.samples import count_patients

FACTS = "compare.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class CompareSummary:
    """What a comparison came to.

    Attributes:
        path: the folder.
        arms: labels of the arms, `SOURCE/ARM`, with the k chosen.
        spaces: names of the spaces in which all were scored.
        n_samples: samples.
        artefacts: by arm, what made its clusters rather than the patients; empty where no test names it.
        separation: by chosen arm, share of the variance of the outcome between its clusters.
    """

    path: Path
    arms: dict[str, int | None]
    spaces: list[str]
    n_samples: int
    artefacts: dict[str, list[str]]
    separation: dict[str, float | None]


def compare_phenotypes(
    labels: Labels,
    sources: Sequence[Source],
    out: Path,
    *,
    settings: CompareSettings | None = None,
    seed: int = 0,
) -> CompareSummary:
    """Set all partitions of some sources beside each other; a folder that holds this work is only read.

    Writes `scores.parquet` (silhouette of every partition in every space), `agreement.parquet` and
    `flow.parquet` (chosen partitions, pair by pair and one after the other), `artefacts.parquet`,
    `permutation.parquet` (a test of the outcome for each cluster, corrected over all), `separation.parquet`
    and `compare.json`.

    Args:
        labels: the samples that were clustered, and the outcome, which enters here only.
        sources: what was clustered, in the order in which it is shown.
        out: folder of the results.
        settings: how; defaults when None.
        seed: seed of sub-samples, orders and permutations.

    Returns:
        The summary, read back from the folder.

    Raises:
        InputError: no sources, two of one name, other samples than those of the labels.
    """
    settings = settings or CompareSettings()
    names = [source.name for source in sources]
    if not names or len(set(names)) < len(names):
        raise InputError(
            "nothing to compare" if not names else "two sources have the same name",
            allowed=names,
            remedy="name fitted phenotypes, each of another representation",
        )
    job = Output(out, key=work_key(labels, sources, settings, seed))
    if not job.complete:
        partitions = {key: own for source in sources for key, own in source.partitions(labels).items()}
        with job as part:
            _write(part, labels, sources, partitions, settings=settings, seed=seed)
    return read_comparison(out)


def read_comparison(path: Path) -> CompareSummary:
    """The summary of a folder of `compare_phenotypes`."""
    facts = read_json(path / FACTS)
    table = pl.read_parquet(path / "separation.parquet").filter("chosen")
    return CompareSummary(
        path=path,
        arms={name: one["k"] for name, one in facts["arms"].items()},
        spaces=facts["spaces"],
        n_samples=facts["n_samples"],
        artefacts={name: one["artefacts"] for name, one in facts["arms"].items() if one["k"]},
        separation=dict(table.select("arm", "explained").iter_rows()),
    )


def _write(
    part: Path,
    labels: Labels,
    sources: Sequence[Source],
    partitions: Mapping[Key, Array],
    *,
    settings: CompareSettings,
    seed: int,
) -> None:
    n = labels.frame.height
    outcome = labels.frame["boolean_value"].to_numpy()
    group = labels.samples["group_id"].to_numpy()
    order = [key for source in sources for key in source.chosen]
    chosen = {key: partitions[key] for key in order}
    rows = drawn_rows(n, settings.scored, seed)
    spaces = shared_spaces(sources, rows=rows)
    tested = {key: own for key, own in partitions.items() if (own >= 0).any()}
    permutation = permutation_table(
        tested, outcome.astype(float), group=group, draws=settings.draws, seed=seed
    )
    tables = {
        "scores": _scores(sources, partitions, spaces, rows),
        "agreement": agreement_table(chosen),
        "flow": flow_table(chosen, group=group),
        "artefacts": artefact_table(sources, partitions, order=settings.order, seed=seed, scratch=part),
        "permutation": permutation,
        "separation": separation_table(
            tested,
            outcome.astype(float),
            group=group,
            chosen=order,
            stability=_stability(sources),
            permutation=permutation,
        ),
    }
    for name, table in tables.items():
        write_parquet(part / f"{name}.parquet", table)
    write_json(
        part / FACTS,
        {
            "format_version": FORMAT_VERSION,
            "task": labels.name,
            "settings": {**settings.plain(), "seed": seed},
            "n_samples": n,
            "n_events": labels.n_events,
            **count_patients(group, outcome),
            "n_scored": len(rows),
            "spaces": list(spaces),
            "sources": {source.name: source_facts(source, settings, n) for source in sources},
            "arms": arm_facts(sources, tables["artefacts"]),
        },
    )


def _scores(
    sources: Sequence[Source], partitions: Mapping[Key, Array], spaces: Mapping[str, Points], rows: Array
) -> pl.DataFrame:
    """Silhouettes in the shared spaces; of arms whose own space is not among them, those of their fit."""
    own = {source.label(arm): source.space_of(arm) for source in sources for arm in source.facts["arms"]}
    named = {label: space for label, space in own.items() if space is not None}
    taken = {key: cluster[rows] for key, cluster in partitions.items()}
    shared = score_everywhere(taken, spaces, named, rows=np.arange(len(rows)))
    more = []
    for source in sources:
        for row in source.indices.iter_rows(named=True):
            label, space = source.label(row["arm"]), source.space_of(row["arm"])
            if space is not None and space not in spaces:
                more.append((label, row["k"], space, row["silhouette_micro"], row["silhouette_macro"], True))
    return pl.concat([shared, pl.DataFrame(more, schema=SCORES, orient="row")]).sort("arm", "k", "space")


def _stability(sources: Sequence[Source]) -> dict[Key, tuple[float | None, float | None]]:
    return {
        (source.label(row["arm"]), row["k"]): (row["jaccard_min"], row["jaccard_mean"])
        for source in sources
        for row in source.indices.iter_rows(named=True)
    }
