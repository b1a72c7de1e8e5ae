"""Clusters of patients: indices over k, and for one k who is in them and how often the event occurs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from osler.reports.blocks import (
    Block,
    Callout,
    Column,
    Details,
    Figure,
    Figures,
    Heading,
    Point,
    Row,
    Section,
    Table,
)
from osler.reports.classes import class_blocks
from osler.reports.clusters import cluster_names, differences
from osler.reports.contrasts import ArmFacts, contrast_blocks
from osler.reports.effects import effect_blocks
from osler.reports.figures.forest import Estimate, forest_figure
from osler.reports.figures.lines import index_figure
from osler.reports.formats import count, number, percent, percent_interval
from osler.reports.names import name_blocks
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import few_events, hidden_events
from osler.reports.surrogate import surrogate_blocks
from osler.reports.survival import survival_blocks
from osler.reports.words import colours, plural, task_title

_INDICES = {
    "silhouette_micro": ("Silhouette, mean over samples", 3),
    "silhouette_macro": ("Silhouette, mean over clusters", 3),
    "davies_bouldin": ("Davies-Bouldin", 2),
    "calinski_harabasz": ("Calinski-Harabasz", 0),
    "prediction_strength": ("Prediction strength", 2),
    "jaccard_min": ("Bootstrap Jaccard, least stable cluster", 2),
    "seed_agreement": ("Agreement between seeds", 2),
    "length_explained": ("Variance of record length explained", 2),
}
_PATIENTS = ("n_patients", "n_event_patients", "n_other_patients")
_CAVEAT = (
    "A high silhouette proves nothing by itself: a continuum of severity, cut into pieces, has one too. "
    "Silhouettes are read within one space and never ranked across spaces. A cluster is called supported "
    "only if it comes back in bootstraps of the whole method, is not explained by the length of records or "
    "by missing values, and stands apart more than clusters of data with the same margins and correlations "
    "and no groups. The outcome was held out of the clustering; it describes the clusters and does not test "
    "them."
)


@dataclass(frozen=True)
class _Clustering:
    """The files of one representation or of the variables, and the arm and k that are shown in full."""

    name: str
    folder: str
    indices: pl.DataFrame
    outcomes: pl.DataFrame
    arm: str
    k: int | None
    rule: str
    facts: dict[str, Any]
    title: str

    @property
    def key(self) -> str:
        """What its figures are called."""
        return f"{self.name}-{self.arm.replace('+', '-')}"

    @property
    def arm_facts(self) -> ArmFacts:
        """What `phenotypes.json` says of the arm."""
        facts = dict(dict(self.facts.get("arms") or {}).get(self.arm) or {})
        return ArmFacts(self.name, self.arm, self.title, self.folder, facts)

    @property
    def verdict(self) -> str | None:
        """The verdict on the partition; None where it was not judged."""
        found = self.arm_facts.facts.get("verdict")
        return None if found in (None, "not assessed") else str(found)

    @property
    def chosen(self) -> pl.DataFrame:
        """Outcomes of the clusters that are shown in full."""
        return self.outcomes.filter(pl.col("arm") == self.arm, pl.col("k") == self.k).sort("cluster")


def section(run: RunFiles) -> Section | None:
    """Phenotypes of each task and representation."""
    found = {task: _clusterings(run, task) for task in run.tasks()}
    found = {task: clusterings for task, clusterings in found.items() if clusterings}
    if not found:
        return None
    blocks: list[Block] = [Callout(_CAVEAT, tone="caution")]
    for task, clusterings in found.items():
        if len(found) > 1:
            blocks.append(Heading(task_title(run, task)))
        blocks += contrast_blocks(run, task, [clustering.arm_facts for clustering in clusterings])
        for clustering in clusterings:
            blocks += _blocks(run, task, clustering)
    return Section("phenotypes", "Phenotypes", tuple(blocks))


def summary_point(run: RunFiles, task: str) -> Point | None:
    """One sentence for the summary: how far the event rate differs between clusters, and the caveat."""
    for clustering in _clusterings(run, task):
        if clustering.k is None:
            continue
        rows = clustering.chosen
        _, hidden = _hidden(run, clustering, rows)
        rates = [rate for rate, hide in zip(rows["rate"], hidden, strict=True) if not hide]
        if len(rates) < 2:
            continue
        said = {
            None: "Whether the clusters are more than parts of a continuum has not been assessed.",
            "supported": "At least one of the clusters passes the gates of a phenotype.",
            "severity stratum": "The clusters are stable slices of a continuum, no phenotypes.",
            "not supported": "No cluster passes the gates of a phenotype.",
        }
        return Point(
            f"Clustering {clustering.name} into {plural(clustering.k, 'group')} ({clustering.arm}): the "
            f"event occurs in {percent(min(rates))} of the samples of one cluster and in "
            f"{percent(max(rates))} of another. {said[clustering.verdict]}",
            (f"{clustering.folder}/outcomes.parquet",),
        )
    return None


def _clusterings(run: RunFiles, task: str) -> list[_Clustering]:
    found = []
    names = run.names(f"phenotypes/{task}")
    declared = [name for name in run.study.get("representations", {}) if name in names]
    for name in declared + sorted(set(names) - set(declared)):
        folder = f"phenotypes/{task}/{name}"
        indices, outcomes = run.frame(f"{folder}/indices.parquet"), run.frame(f"{folder}/outcomes.parquet")
        if indices is None or outcomes is None or indices.is_empty() or outcomes.is_empty():
            continue
        facts = run.json(f"{folder}/phenotypes.json") or {}
        arms = indices["arm"].unique(maintain_order=True).to_list()
        for arm in arms:
            # An arm that looks for the number of clusters itself may find none: 0.
            k = dict(dict(facts.get("arms") or {}).get(arm) or {}).get("chosen_k") or None
            title = name if len(arms) == 1 else f"{name}, {arm}"
            own = pl.col("arm") == arm
            found.append(
                _Clustering(
                    name=name,
                    folder=folder,
                    indices=indices.filter(own),
                    outcomes=outcomes.filter(own),
                    arm=arm,
                    k=k,
                    rule=str(facts.get("rule") or ""),
                    facts=facts,
                    title=title,
                )
            )
    return found


def _blocks(run: RunFiles, task: str, clustering: _Clustering) -> list[Block]:
    title = "no k chosen" if clustering.k is None else plural(clustering.k, "cluster")
    blocks: list[Block] = [Heading(f"{clustering.title}: {title}", level=4)]
    for sentence in clustering.facts.get("cautions") or []:
        words = f"{sentence[:1].upper()}{sentence[1:]}."
        blocks.append(Callout(words, tone="caution", files=(f"{clustering.folder}/phenotypes.json",)))
    figures = [_index_figure(run, task, clustering)]
    if clustering.k is not None:
        figures.append(_outcome_figure(run, task, clustering))
    drawn = tuple(figure for figure in figures if figure is not None)
    if drawn:
        blocks.append(Figures(drawn))
    if clustering.k is not None:
        blocks.append(_chosen_table(run, clustering))
        hide_n, _ = _hidden(run, clustering, clustering.chosen)
        blocks += name_blocks(
            run, clustering.folder, arm=clustering.arm, k=clustering.k, hidden=hide_n.tolist()
        )
        blocks += effect_blocks(
            run, f"{task}-{clustering.key}", clustering.folder, arm=clustering.arm, k=clustering.k,
            hidden=hide_n.tolist(), facts=clustering.facts,
        )  # fmt: skip
        blocks += surrogate_blocks(
            clustering.arm_facts.facts, folder=clustering.folder, min_cell=run.min_cell
        )
        blocks += survival_blocks(
            run, f"{task}-{clustering.key}", clustering.folder, arm=clustering.arm, k=clustering.k,
            facts=dict(clustering.facts.get("survival") or {}),
        )  # fmt: skip
    inside = (
        _index_table(clustering),
        *class_blocks(run, clustering.folder, arm=clustering.arm),
        _all_outcomes(run, clustering),
    )
    blocks.append(Details(f"{clustering.title}: every k", inside))
    return blocks


def _index_figure(run: RunFiles, task: str, clustering: _Clustering) -> Figure | None:
    rows = clustering.indices.filter(
        pl.col("arm") == clustering.arm, pl.col("silhouette_micro").is_not_null()
    ).sort("k")
    if rows.height < 2:
        return None
    ks, values = rows["k"].to_list(), rows["silhouette_micro"].to_list()
    listed = ", ".join(f"{number(y)} at {x}" for x, y in zip(ks, values, strict=True))
    gist = f"Silhouette by number of clusters: {listed}."
    svg = index_figure(
        f"silhouette-{task}-{clustering.key}", ks, values,
        colour=colours(run, [clustering.name])[clustering.name], chosen=clustering.k,
        title="Silhouette by number of clusters", gist=gist, axis="Silhouette (mean over samples)",
    )  # fmt: skip
    rule = f" Ring: the k shown, by the rule “{clustering.rule}”." if clustering.rule and clustering.k else ""
    caption = f"Comparable along this line only.{rule}"
    return Figure(
        svg, "Silhouette by number of clusters", gist, caption, (f"{clustering.folder}/indices.parquet",)
    )


def _outcome_figure(run: RunFiles, task: str, clustering: _Clustering) -> Figure | None:
    rows = clustering.chosen
    _, hidden = _hidden(run, clustering, rows)
    overall = float(rows["n_events"].sum()) / float(rows["n"].sum())
    estimates = [
        Estimate(
            f"cluster {row['cluster']}", percent_interval(row["rate"], row["low"], row["high"]),
            100 * row["rate"], 100 * row["low"], 100 * row["high"],
        )
        for row, hide in zip(rows.to_dicts(), hidden, strict=True)
        if not hide and row["low"] is not None
    ]  # fmt: skip
    if len(estimates) < 2:
        return None
    gist = f"Share with the event; all samples {percent(overall)}; " + "; ".join(
        f"{one.label} {one.numbers}" for one in estimates
    )
    svg = forest_figure(
        f"clusters-{task}-{clustering.key}", estimates, title="Event by cluster", gist=gist,
        reference=100 * overall, axis="Share with the event, %",
    )  # fmt: skip
    caption = f"Wilson's 95 % intervals. Line: all samples, {percent(overall)}."
    caption += " Clusters with suppressed numbers are left out." if hidden.any() else ""
    return Figure(svg, "Event by cluster", gist, caption, (f"{clustering.folder}/outcomes.parquet",))


def _chosen_table(run: RunFiles, clustering: _Clustering) -> Table:
    """Cluster by cluster: how many, how often the event, and what sets it apart."""
    file = f"{clustering.folder}/describe.parquet"
    described = run.frame(file)
    hide_n, hidden = _hidden(run, clustering, clustering.chosen)
    cells = _outcome_cells(clustering.chosen, hide_n, hidden)
    columns = [*_OUTCOME_COLUMNS]
    files, notes = [f"{clustering.folder}/outcomes.parquet"], []
    if described is not None and described.height:
        own = described.filter(pl.col("arm") == clustering.arm, pl.col("k") == clustering.k)
        names = cluster_names(run.frame("dataset/metadata/codes.parquet"))
        for place, row in enumerate(clustering.chosen.to_dicts()):
            words = (
                "–"
                if hide_n[place]
                else differences(own, int(row["cluster"]), names=names, min_cell=run.min_cell)
            )
            cells[place] = (*cells[place], words)
        columns.append(Column("Sets it apart (standardised difference to the rest)", numeric=False))
        files.append(file)
        notes.append(
            "Clusters were made from these variables or from text about them, so their differences have "
            "no p-values. Variables carried by few patients are left out."
        )
    verdicts = run.frame(f"{clustering.folder}/verdicts.parquet")
    if verdicts is not None:
        judged = verdicts.filter(pl.col("arm") == clustering.arm, pl.col("k") == clustering.k).sort("cluster")
        if judged.height == len(cells):
            reasons = [f"{row['verdict']}: {row['reason']}" for row in judged.to_dicts()]
            cells = [
                (*cell, "–" if hide else said)
                for cell, said, hide in zip(cells, reasons, hide_n, strict=True)
            ]
            columns.append(Column("Verdict of the gates", numeric=False))
            files.append(f"{clustering.folder}/verdicts.parquet")
    rows = clustering.chosen
    total, events = int(rows["n"].sum()), int(rows["n_events"].sum())
    last: tuple[Any, ...] = ("all", count(total), count(events), percent(events / total))
    if few_events(total, events, clustering.facts, min_cell=run.min_cell):
        last = (*last[:2], None, None)
    last += ("",) * (len(columns) - len(last))
    shown = [*(Row(one) for one in cells), Row(last, tone="strong")]
    return Table(
        f"Clusters of {clustering.title}",
        tuple(columns),
        tuple(shown),
        files=tuple(files),
        notes=tuple(notes),
    )


_OUTCOME_COLUMNS = (
    Column("Cluster", numeric=False),
    Column("Samples"),
    Column("With the event"),
    Column("Share (95 % interval)"),
)


def _hidden(run: RunFiles, clustering: _Clustering, rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    given = set(_PATIENTS) <= set(rows.columns)
    known = set(_PATIENTS) <= set(clustering.facts)
    return hidden_events(
        rows["n"].to_numpy(),
        rows["n_events"].to_numpy(),
        min_cell=run.min_cell,
        patients=rows.select(_PATIENTS).to_numpy() if given else None,
        patient_totals=[clustering.facts[name] for name in _PATIENTS] if known else None,
    )


def _outcome_cells(rows: pl.DataFrame, hide_n: np.ndarray, hidden: np.ndarray) -> list[tuple[Any, ...]]:
    return [
        (
            f"cluster {row['cluster']}",
            None if no_n else count(row["n"]),
            None if hide else count(row["n_events"]),
            None if hide else percent_interval(row["rate"], row["low"], row["high"]),
        )
        for row, no_n, hide in zip(rows.to_dicts(), hide_n, hidden, strict=True)
    ]


def _all_outcomes(run: RunFiles, clustering: _Clustering) -> Table:
    rows: list[Row] = []
    ordered = clustering.outcomes.sort("arm", "k", "cluster")
    for (arm, k), part in ordered.group_by("arm", "k", maintain_order=True):
        rows.append(Row((f"{arm}, k = {k}",), tone="group"))
        rows += [Row(cells, tone="level") for cells in _outcome_cells(part, *_hidden(run, clustering, part))]
    files = (f"{clustering.folder}/outcomes.parquet",)
    return Table(
        f"Event by cluster at every k, {clustering.title}", _OUTCOME_COLUMNS, tuple(rows), files=files
    )


def _index_table(clustering: _Clustering) -> Table:
    shown = {column: words for column, words in _INDICES.items() if column in clustering.indices.columns}
    rows = tuple(
        Row(
            (
                f"{row['arm']}, k = {row['k']}",
                *(number(row[name], digits) for name, (_, digits) in shown.items()),
            )
        )
        for row in clustering.indices.sort("arm", "k").to_dicts()
    )
    columns = (Column("Arm and k", numeric=False), *(Column(title) for title, _ in shown.values()))
    notes = ["Agreement between seeds: 1 when runs from different starts give the same clusters."]
    if "length_explained" in shown:
        notes.append(
            "Variance of record length explained: near 1, the clusters are little more than short and long "
            "records."
        )
    files = (f"{clustering.folder}/indices.parquet",)
    return Table(f"Cluster indices, {clustering.title}", columns, rows, files=files, notes=tuple(notes))
