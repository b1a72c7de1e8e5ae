"""The plane of patients: coloured by phenotype, by outcome and by hospital."""

import numpy as np
import polars as pl

from osler.record.schema import SAMPLE_KEY, UNKNOWN
from osler.reports.blocks import Block, Callout, Figure, Figures, Heading, Section
from osler.reports.figures.canvas import SERIES
from osler.reports.figures.scatter import Points, scatter_figure
from osler.reports.formats import count
from osler.reports.runfiles import PrivateFiles, RunFiles
from osler.reports.words import task_title

_MOST_POINTS = 3000
_CAVEAT = (
    "Each point is a patient. A map in two dimensions drops most of what tells patients apart: neighbours "
    "may be far apart in truth, and gaps or islands prove nothing."
)


def section(run: RunFiles, files: PrivateFiles) -> Section | None:
    """Maps of each task and representation."""
    blocks: list[Block] = [Callout(_CAVEAT, tone="caution")]
    for task in run.tasks():
        for name in run.names(f"phenotypes/{task}"):
            figures = _figures(run, files, task, name)
            if figures:
                blocks += [Heading(f"{task_title(run, task)}, {name}"), Figures(tuple(figures))]
    return Section("maps", "Maps of patients", tuple(blocks)) if len(blocks) > 1 else None


def _figures(run: RunFiles, files: PrivateFiles, task: str, name: str) -> list[Figure]:
    folder = f"phenotypes/{task}/{name}"
    places = files.frame(f"{folder}/map.parquet")
    if places is None or places.is_empty():
        return []
    places = _with_clusters(run, files, places, folder)
    places = _joined(places, files.frame(f"labels/{task}/data"), ["boolean_value"])
    places = _joined(places, files.frame(f"labels/{task}/samples.parquet"), ["site"])
    shown = places[_evenly(places.height)]
    caption = (
        "" if shown.height == places.height else f"{count(shown.height)} of {count(places.height)} samples."
    )
    source = (f"{folder}/map.parquet",)
    figures = []
    for column, title in (("cluster", "By cluster"), ("event", "By outcome"), ("site", "By hospital")):
        kinds = _kinds(shown, column)
        if len(kinds) > 1:
            gist = f"{title}: {', '.join(f'{kind.label} ({count(len(kind.x))})' for kind in kinds)}."
            svg = scatter_figure(f"map-{task}-{name}-{column}", kinds, title=title, gist=gist)
            figures.append(Figure(svg, title, gist, caption, source))
    return figures


def _with_clusters(run: RunFiles, files: PrivateFiles, places: pl.DataFrame, folder: str) -> pl.DataFrame:
    members = files.frame(f"{folder}/phenotypes.parquet")
    arms = dict((run.json(f"{folder}/phenotypes.json") or {}).get("arms") or {})
    chosen = [
        (arm, facts.get("chosen_k")) for arm, facts in arms.items() if facts.get("chosen_k") is not None
    ]
    if members is None or not chosen:
        return places
    arm, k = chosen[0]
    return _joined(places, members.filter(pl.col("arm") == arm, pl.col("k") == k), ["cluster"])


def _joined(places: pl.DataFrame, other: pl.DataFrame | None, columns: list[str]) -> pl.DataFrame:
    if other is None or not {*SAMPLE_KEY, *columns} <= set(other.columns):
        return places
    return places.join(
        other.select(*SAMPLE_KEY, *columns), on=list(SAMPLE_KEY), how="left", maintain_order="left"
    )


def _evenly(n: int) -> list[int]:
    """Positions of the samples that are drawn: all, or so many evenly spaced ones."""
    if n <= _MOST_POINTS:
        return list(range(n))
    return [int(place) for place in np.linspace(0, n - 1, _MOST_POINTS)]


def _kinds(shown: pl.DataFrame, column: str) -> list[Points]:
    if column == "event":
        if "boolean_value" not in shown.columns:
            return []
        known = [(False, "without the event", "faint"), (True, "with the event", "bad")]
        parts = [
            (label, colour, shown.filter(pl.col("boolean_value") == value)) for value, label, colour in known
        ]
    elif column not in shown.columns:
        return []
    else:
        values = (
            shown[column]
            .drop_nulls()
            .value_counts()
            .sort("count", column, descending=[True, False])[column]
            .to_list()
        )
        values = [value for value in values if value != UNKNOWN]
        named = sorted(values[: len(SERIES) - 1]) if len(values) > len(SERIES) else sorted(values)
        prefix = "cluster " if column == "cluster" else ""
        parts = [
            (f"{prefix}{value}", SERIES[place % len(SERIES)], shown.filter(pl.col(column) == value))
            for place, value in enumerate(named)
        ]
        others = shown.filter(~pl.col(column).is_in(named) | pl.col(column).is_null())
        parts = [("others", "faint", others), *parts] if others.height else parts
    return [
        Points(label, colour, part["x"].to_numpy().astype(float), part["y"].to_numpy().astype(float))
        for label, colour, part in parts
        if part.height
    ]
