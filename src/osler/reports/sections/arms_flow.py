"""Where the patients of each cluster are in the partition of the next arm; no count shown is small."""

from osler.reports.blocks import Figure
from osler.reports.compared import Compared, arm_words, k_words
from osler.reports.figures.flow import Bar, Ribbon, flow_figure
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import is_small

_NOISE = "none"


def flow(run: RunFiles, one: Compared) -> Figure | None:
    """The figure; None with fewer than two partitions, or where too few patients are left to be shown."""
    table = one.tables.get("flow")
    arms = list(one.chosen)
    if table is None or len(arms) < 2:
        return None
    step = max(1, run.min_cell)
    cells: dict[tuple[str, str, str], int] = {}
    for row in table.iter_rows(named=True):
        few = any(is_small(row[name], min_cell=run.min_cell) for name in ("n", "n_patients"))
        rounded = 0 if few else step * round(row["n"] / step)
        if rounded:
            cells[row["arm"], _name(row["cluster"]), _name(row["other_cluster"])] = rounded
    if not cells:
        return None
    total = max(sum(n for (arm, _, _), n in cells.items() if arm == own) for own in arms)
    sizes = {arm: _sizes(cells, arms, place) for place, arm in enumerate(arms)}
    total = max(total, *(sum(size.values()) for size in sizes.values()))
    bars = [
        Bar(
            f"{arm_words(arm)}, {k_words(one.chosen[arm])}",
            tuple((cluster, n / total) for cluster, n in sorted(sizes[arm].items(), key=_by_number)),
        )
        for arm in arms
    ]
    ribbons = [
        Ribbon(arms.index(arm), cluster, other, n / total) for (arm, cluster, other), n in cells.items()
    ]
    rounding = f" Counts are rounded to {step:,}, smaller flows are left out." if step > 1 else ""
    return Figure(
        flow_figure(f"flow-{one.task}", bars, ribbons, title="Flow between the arms", gist=_gist(one, cells)),
        "Flow between the arms",
        _gist(one, cells),
        "Each bar holds the same samples; a ribbon leads those of a cluster to their cluster in the next "
        "arm. Numbers name the clusters of each arm, from the largest; colours are those of the arm above."
        + rounding,
        (one.file("flow"),),
    )


def _name(cluster: int) -> str:
    return _NOISE if cluster < 0 else str(cluster)


def _by_number(item: tuple[str, int]) -> tuple[bool, int]:
    return item[0] == _NOISE, int(item[0]) if item[0] != _NOISE else 0


def _sizes(cells: dict[tuple[str, str, str], int], arms: list[str], place: int) -> dict[str, int]:
    """Of each cluster of an arm the larger of what flows in and what flows out."""
    leaving: dict[str, int] = {}
    coming: dict[str, int] = {}
    for (arm, cluster, other), n in cells.items():
        if arm == arms[place]:
            leaving[cluster] = leaving.get(cluster, 0) + n
        if place and arm == arms[place - 1]:
            coming[other] = coming.get(other, 0) + n
    return {name: max(leaving.get(name, 0), coming.get(name, 0)) for name in {*leaving, *coming}}


def _gist(one: Compared, cells: dict[tuple[str, str, str], int]) -> str:
    """For each arm, where most of its largest cluster goes."""
    parts = []
    for arm, following in zip(list(one.chosen), list(one.chosen)[1:], strict=False):
        own = {(cluster, other): n for (name, cluster, other), n in cells.items() if name == arm}
        if own:
            (cluster, other), n = max(own.items(), key=lambda item: item[1])
            whole = sum(count for (name, _), count in own.items() if name == cluster)
            parts.append(
                f"{100 * n / whole:.0f} % of cluster {cluster} of {arm_words(arm)} are in cluster {other} of "
                f"{arm_words(following)}"
            )
    return "; ".join(parts) + "."
