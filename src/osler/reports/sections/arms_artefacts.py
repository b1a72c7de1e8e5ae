"""Whether clusters come from the encoder and the text instead of what the text says: in words, by arm."""

from typing import Any

from osler.reports.blocks import Block, Column, Details, Heading, Paragraph, Point, Points, Row, Table, say
from osler.reports.compared import Compared, arm_words
from osler.reports.formats import interval, number, percent
from osler.reports.words import listed

_TRACE, _REMADE, _DIRECTION, _ORDER = "between clusters", "made again", "direction 1 follows", "another order"
_CHANGED = "samples in another cluster"


def artefact_blocks(one: Compared) -> list[Block]:
    """Sentences and the numbers behind them."""
    table = one.tables.get("artefacts")
    if table is None:
        return []
    points = tuple(
        Point(say("<strong>{}</strong>. {}", arm_words(arm), facts["sentence"]))
        for arm, facts in one.arms.items()
        if facts.get("sentence")
    )
    caught = [
        f"{arm_words(arm)} ({', '.join(facts['artefacts'])})"
        for arm, facts in one.arms.items()
        if facts.get("artefacts")
    ]
    lead = (
        f"An artefact is named for {listed(caught)}."
        if caught
        else "No test names length, cut-off text, missing values or the order of statements as what made the "
        "clusters of an arm."
    )
    inside = (_trace_table(one), *([_vector_table(one)] if _embedded(one) else []))
    return [
        Heading("Artefacts", level=4),
        Paragraph(lead, (one.file("artefacts"), f"{one.folder}/compare.json")),
        Points(points),
        Details("Artefact tests in numbers", inside),
    ]


def _rows(one: Compared, arm: str, test: str) -> dict[str, dict[str, Any]]:
    found = one.tables["artefacts"].filter(arm=arm, test=test)
    return {row["what"]: row for row in found.iter_rows(named=True)}


def _whats(one: Compared, test: str) -> list[str]:
    found = one.tables["artefacts"].filter(test=test)["what"].unique(maintain_order=True)
    return [str(what) for what in found]


def _embedded(one: Compared) -> list[str]:
    return [arm for arm in one.chosen if _rows(one, arm, _REMADE)]


def _trace_table(one: Compared) -> Table:
    whats = _whats(one, _TRACE)
    rows = []
    for arm in one.chosen:
        found = _rows(one, arm, _TRACE)
        cells = [_with_interval(found.get(what)) for what in whats]
        rows.append(Row((arm_words(arm), *cells)))
    return Table(
        "Share of what should not matter that lies between the clusters (95 % interval)",
        (Column("Arm", numeric=False), *(Column(_first_upper(what)) for what in whats)),
        tuple(rows),
        files=(one.file("artefacts"),),
        notes=(
            "Eta squared of ranks: 0 nothing, 1 all of it. Chance adds to the value and not to the interval, "
            "which may lie below it.",
        ),
    )


def _vector_table(one: Compared) -> Table:
    whats = _whats(one, _REMADE)
    rows = []
    for arm in _embedded(one):
        remade, order = _rows(one, arm, _REMADE), _rows(one, arm, _ORDER)
        cells = [number(remade[what]["value"], 2) if what in remade else "–" for what in whats]
        moved = order.get(_CHANGED)
        rows.append(Row((arm_words(arm), *cells, percent(moved["value"]) if moved else "–")))
    return Table(
        "Agreement with the partition made again from changed vectors (adjusted Rand index)",
        (
            Column("Arm", numeric=False),
            *(Column(_first_upper(what)) for what in whats),
            Column("Change cluster when statements stand in another order"),
        ),
        tuple(rows),
        files=(one.file("artefacts"),),
        notes=(
            "1: the same clusters; 0: what chance gives. A difference between patients may lie along one "
            "direction, so that losing it proves nothing by itself. Traces: length, cut-off text, missing "
            "values. Vectors pooled from statements know no order.",
        ),
    )


def _with_interval(row: dict[str, Any] | None) -> str:
    if row is None or row["value"] is None:
        return "–"
    return f"{number(row['value'], 2)} ({interval(row['low'], row['high'], 2)})"


def _first_upper(words: str) -> str:
    return words[:1].upper() + words[1:]
