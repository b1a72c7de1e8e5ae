"""Which arm separates the held-out outcome most, among those that are stable alike."""

from typing import Any

from osler.reports.blocks import Block, Column, Details, Heading, Paragraph, Row, Table
from osler.reports.compared import Compared, arm_words, k_words
from osler.reports.formats import MISSING, interval, number, p_value

_BANDS = {
    "at least": "Stable: least stable cluster {}",
    "below": "Not stable: least stable cluster {}",
    "not": "Stability not assessed",
}


def separation_blocks(one: Compared) -> list[Block]:
    """The sentence, the table of chosen partitions, and one of every k."""
    table = one.tables.get("separation")
    if table is None or one.hidden:
        return []
    order = {arm: place for place, arm in enumerate(one.arms)}
    rows = sorted(table.iter_rows(named=True), key=lambda row: (order.get(row["arm"], len(order)), row["k"]))
    chosen = [row for row in rows if row["chosen"]]
    if not chosen:
        return []
    return [
        Heading("Separation of the outcome", level=4),
        Paragraph(_lead(one, chosen), (one.file("separation"),)),
        _chosen_table(one, chosen),
        Details("Separation at every k", (_every_table(one, rows),)),
    ]


def _lead(one: Compared, rows: list[dict[str, Any]]) -> str:
    stable = [row for row in rows if row["stability"].startswith("at least") and row["explained"] is not None]
    if not stable:
        return (
            "No arm's chosen partition is stable, so none is said to separate the outcome at equal stability."
        )
    first = max(stable, key=lambda row: row["explained"])
    share = f"{_share(first['explained'])} of its variance lies between the clusters"
    ends = f"95 % interval {interval(100 * first['explained_low'], 100 * first['explained_high'], 1)}"
    name = f"{arm_words(first['arm'])} ({k_words(first['k'])})"
    words = f"Of the stable partitions {name} separates the outcome most: {share} ({ends})"
    if first["p"] is None or first["p"] > 0.05:
        chance = "that is no more than chance gives who looks at every arm and k"
        return f"{words}; {chance} ({p_value(first['p'])})."
    close = [arm_words(row["arm"]) for row in stable if row is not first and not _behind(row)]
    if len(stable) == 1:
        words += "; it is the only stable one."
    elif not close:
        words += ", more than every other stable one."
    else:
        words += f". Not told apart from it: {'; '.join(close)}."
    causes = one.arms.get(first["arm"], {}).get("artefacts")
    return f"{words} An artefact is named for it: {', '.join(causes)}." if causes else words


def _behind(row: dict[str, Any]) -> bool:
    return row["less_low"] is not None and row["less_low"] > 0


def _chosen_table(one: Compared, rows: list[dict[str, Any]]) -> Table:
    shown: list[Row] = []
    for band in dict.fromkeys(row["stability"] for row in sorted(rows, key=_rank)):
        own = [row for row in rows if row["stability"] == band]
        shown.append(Row((_band_words(band),), tone="group"))
        own.sort(key=lambda row: -1.0 if row["explained"] is None else row["explained"], reverse=True)
        shown += [
            Row(
                (
                    f"{arm_words(row['arm'])}, {k_words(row['k'])}",
                    _explained(row),
                    p_value(row["p"]),
                    number(row["jaccard_min"], 2),
                    _less(row),
                ),
                tone="level",
            )
            for row in own
        ]
    return Table(
        "Outcome explained by the chosen partitions, by stability",
        (
            Column("Arm", numeric=False),
            Column("Outcome explained (95 % interval)"),
            Column("Corrected p"),
            Column("Stability (Jaccard)"),
            Column("Less than the first of its group (95 % interval)"),
        ),
        tuple(shown),
        files=(one.file("separation"),),
        notes=(
            "Outcome explained: share of the variance of the outcome between the clusters, without what "
            "chance adds, so that numbers of clusters can be compared; below 0 it is no more than chance. "
            "Corrected p: of the cluster that differs most, by permutation, corrected for every cluster of "
            "every arm and k. Stability: mean bootstrap Jaccard of the least stable cluster.",
            "The first of each group was picked by the number shown, which flatters its lead.",
        ),
    )


def _every_table(one: Compared, rows: list[dict[str, Any]]) -> Table:
    return Table(
        "Outcome explained by every partition",
        (
            Column("Arm and k", numeric=False),
            Column("Outcome explained (95 % interval)"),
            Column("Corrected p"),
            Column("Stability (Jaccard)"),
        ),
        tuple(
            Row(
                (
                    f"{arm_words(row['arm'])}, {k_words(row['k'])}",
                    _explained(row),
                    p_value(row["p"]),
                    number(row["jaccard_min"], 2),
                ),
                tone="strong" if row["chosen"] else "body",
            )
            for row in rows
        ),
        files=(one.file("separation"),),
        notes=("Bold: the k chosen.",),
    )


def _rank(row: dict[str, Any]) -> int:
    return next(place for place, start in enumerate(_BANDS) if str(row["stability"]).startswith(start))


def _band_words(band: str) -> str:
    start = next(start for start in _BANDS if band.startswith(start))
    return _BANDS[start].format(band)


def _share(value: float) -> str:
    return f"{number(100 * value, 1)} %"


def _explained(row: dict[str, Any]) -> str:
    if row["explained"] is None:
        return MISSING
    ends = interval(100 * row["explained_low"], 100 * row["explained_high"], 1)
    return f"{_share(row['explained'])} ({ends})"


def _less(row: dict[str, Any]) -> str:
    if row["less"] is None:
        return ""
    return f"{number(100 * row['less'], 1)} ({interval(100 * row['less_low'], 100 * row['less_high'], 1)})"
