"""Whether clusters come from the encoder and the text instead of what the text says: in words, by arm."""

from dataclasses import dataclass
from typing import Any

from osler.reports.blocks import Block, Column, Details, Heading, Paragraph, Point, Points, Row, Table, say
from osler.reports.compared import Compared, arm_words, k_words
from osler.reports.formats import interval, number, percent
from osler.reports.words import listed

_TRACE, _REMADE, _DIRECTION, _ORDER = "between clusters", "made again", "direction 1 follows", "another order"
_CHANGED = "samples in another cluster"


@dataclass(frozen=True)
class _Tested:
    """A partition that met the tests: what it is called, and what they say."""

    arm: str
    k: int
    title: str
    facts: dict[str, Any]


def artefact_blocks(one: Compared) -> list[Block]:
    """Sentences and the numbers behind them."""
    tested = _tested(one)
    if "artefacts" not in one.tables or not tested:
        return []
    points = tuple(Point(say("<strong>{}</strong>. {}", row.title, row.facts["sentence"])) for row in tested)
    caught = [
        f"{row.title} ({', '.join(row.facts['artefacts'])})" for row in tested if row.facts["artefacts"]
    ]
    lead = (
        f"An artefact is named for {listed(caught)}."
        if caught
        else "No test names length, cut-off text, missing values or the order of statements as what made the "
        "clusters of an arm."
    )
    embedded = [row for row in tested if _rows(one, row, _REMADE)]
    inside = (_trace_table(one, tested), *([_vector_table(one, embedded)] if embedded else []))
    return [
        Heading("Artefacts", level=4),
        Paragraph(lead, (one.file("artefacts"), f"{one.folder}/compare.json")),
        Points(points),
        Details("Artefact tests in numbers", inside),
    ]


def _tested(one: Compared) -> list[_Tested]:
    """The chosen partition of each arm, and the one of the highest silhouette where it is another."""
    found = []
    for arm, facts in one.arms.items():
        for k, own, words in (
            (facts.get("k"), facts, ""),
            ((facts.get("highest") or {}).get("k"), facts.get("highest") or {}, ", highest silhouette"),
        ):
            if k is not None and own.get("sentence"):
                found.append(_Tested(arm, int(k), f"{arm_words(arm)}, {k_words(k)}{words}", own))
    return found


def _rows(one: Compared, row: _Tested, test: str) -> dict[str, dict[str, Any]]:
    found = one.tables["artefacts"].filter(arm=row.arm, k=row.k, test=test)
    return {each["what"]: each for each in found.iter_rows(named=True)}


def _whats(one: Compared, test: str) -> list[str]:
    found = one.tables["artefacts"].filter(test=test)["what"].unique(maintain_order=True)
    return [str(what) for what in found]


def _trace_table(one: Compared, tested: list[_Tested]) -> Table:
    whats = _whats(one, _TRACE)
    rows = []
    for row in tested:
        found = _rows(one, row, _TRACE)
        rows.append(Row((row.title, *(_with_interval(found.get(what)) for what in whats))))
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


def _vector_table(one: Compared, tested: list[_Tested]) -> Table:
    whats = _whats(one, _REMADE)
    rows = []
    for row in tested:
        remade, order = _rows(one, row, _REMADE), _rows(one, row, _ORDER)
        cells = [number(remade[what]["value"], 2) if what in remade else "–" for what in whats]
        moved = order.get(_CHANGED)
        rows.append(Row((row.title, *cells, percent(moved["value"]) if moved else "–")))
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
