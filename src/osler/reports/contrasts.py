"""Of each arm the cluster, at any k, whose outcome differs most, and what the gates say of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from osler.reports.blocks import Block, Column, Paragraph, Row, Table
from osler.reports.formats import MISSING, count, number, p_value, percent_interval
from osler.reports.runfiles import RunFiles
from osler.reports.suppress import few_events, is_small

_LEAD = (
    "The number of clusters is chosen without the outcome, so a small group of patients who fare much worse "
    "may lie in a partition that was not chosen. For each arm, the cluster of any number of clusters whose "
    "outcome differs most is judged by the same gates. The outcome picked it, so its rate flatters; the "
    "corrected p takes every cluster of every arm into account."
)


@dataclass(frozen=True)
class ArmFacts:
    """What `phenotypes.json` says of one arm.

    Attributes:
        source: the representation, or the variables.
        arm: name of the arm.
        words: what it is called on the page.
        folder: of the clustering.
        facts: of the arm.
    """

    source: str
    arm: str
    words: str
    folder: str
    facts: dict[str, Any]


def contrast_blocks(run: RunFiles, task: str, arms: Sequence[ArmFacts]) -> list[Block]:
    """The table; nothing where no arm has such a cluster.

    Args:
        run: the run.
        task: name of the task.
        arms: of all clusterings of the task.
    """
    told = [(one, one.facts["contrast"]) for one in arms if one.facts.get("contrast")]
    if not told:
        return []
    tested = run.frame(f"phenotypes/{task}/compare/permutation.parquet")
    rows = [_row(one, of, _corrected(tested, one, of), min_cell=run.min_cell) for one, of in told]
    files = tuple(dict.fromkeys(f"{one.folder}/phenotypes.json" for one, _ in told))
    columns = (
        Column("Arm and k", numeric=False),
        Column("Samples"),
        Column("With the event (95 % interval)"),
        Column("Corrected p"),
        Column("Jaccard"),
        Column("What sets it apart", numeric=False),
        Column("Verdict of the gates", numeric=False),
    )
    return [
        Paragraph(_LEAD, files),
        Table("The cluster whose outcome differs most, by arm", columns, tuple(rows), files=files),
    ]


def _row(one: ArmFacts, of: dict[str, Any], p: float | None, *, min_cell: int) -> Row:
    patients = {
        "n_event_patients": of.get("n_event_patients"),
        "n_other_patients": of.get("n_other_patients"),
    }
    small = is_small(of["n"], min_cell=min_cell) or is_small(of.get("n_patients"), min_cell=min_cell)
    hidden = small or few_events(of["n"], of["n_events"], patients, min_cell=min_cell)
    verdict = MISSING if of["verdict"] is None else f"{of['verdict']}: {of['reason']}"
    return Row(
        (
            f"{one.words}, k = {of['k']}",
            None if small else count(of["n"]),
            None if hidden else percent_interval(of["rate"], of["low"], of["high"]),
            p_value(p),
            number(of["jaccard"], 2),
            MISSING if small or not of["name"] else str(of["name"]),
            MISSING if small else verdict,
        )
    )


def _corrected(tested: pl.DataFrame | None, one: ArmFacts, of: dict[str, Any]) -> float | None:
    """The p of that cluster by the test of the largest statistic; None where there was none."""
    if tested is None:
        return None
    found = tested.filter(
        pl.col("arm") == f"{one.source}/{one.arm}", pl.col("k") == of["k"], pl.col("cluster") == of["cluster"]
    )
    return float(found["p"][0]) if found.height and found["p"][0] is not None else None
