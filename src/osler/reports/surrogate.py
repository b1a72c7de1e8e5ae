"""The tree that imitates a partition, question by question, with how far it does."""

from collections.abc import Mapping
from typing import Any

from osler.reports.blocks import Block, Column, Details, Row, Table
from osler.reports.formats import count, percent
from osler.reports.suppress import is_small

_STEP = "\N{NO-BREAK SPACE}" * 4


def surrogate_blocks(facts: Mapping[str, Any], *, folder: str, min_cell: int) -> list[Block]:
    """The tree folded away; nothing where an arm has none.

    Args:
        facts: of the arm, as `phenotypes.json` has them.
        folder: of the clustering.
        min_cell: samples of a leaf, in its cluster or out of it, that are hidden up to this number.
    """
    tree = facts.get("surrogate")
    if not tree:
        return []
    fidelity = (
        f"Balanced accuracy {percent(tree['fidelity'])} on samples that the tree was not fitted on; chance "
        f"gives {percent(tree['chance'])}. The first branch below a question is that of yes. A tree that "
        "imitates a partition badly explains nothing."
    )
    rows = tuple(_row(node, min_cell=min_cell) for node in tree["nodes"])
    columns = (Column("Question, or cluster", numeric=False), Column("Samples"), Column("Of that cluster"))
    table = Table(
        "A tree that tells the clusters",
        columns,
        rows,
        files=(f"{folder}/phenotypes.json",),
        notes=(fidelity,),
    )
    return [Details("A few questions that tell the clusters", (table,))]


def _row(node: Mapping[str, Any], *, min_cell: int) -> Row:
    n, step = int(node["n"]), _STEP * int(node["depth"])
    small = is_small(n, min_cell=min_cell)
    if node["question"]:
        return Row((f"{step}{node['question']}?", None if small else count(n), ""))
    inside = round(n * float(node["share"]))
    hidden = small or any(is_small(one, min_cell=min_cell) for one in (inside, n - inside))
    return Row(
        (
            f"{step}cluster {node['cluster']}",
            None if small else count(n),
            None if hidden else percent(float(node["share"])),
        )
    )
