"""What clusters are called: the name by rule, or that of a language model where it holds no number."""

import re
from collections.abc import Sequence

import polars as pl

from osler.reports.blocks import Block, Column, Row, Table
from osler.reports.runfiles import RunFiles

_BY_RULE = "rule"


def name_blocks(run: RunFiles, folder: str, *, arm: str, k: int, hidden: Sequence[bool]) -> list[Block]:
    """A table of the names of the clusters that an arm chose; nothing where they have none.

    A number in a name could be that of a few patients, so a model's name with one gives way to the rule's.

    Args:
        run: the run.
        folder: of the clustering.
        arm: name of the arm.
        k: number of clusters that it chose.
        hidden: of each cluster, whether it is too small to be described.
    """
    file = f"{folder}/names.parquet"
    found = run.frame(file)
    own = None if found is None else found.filter(pl.col("arm") == arm, pl.col("k") == k)
    rows = [] if own is None else own.sort("cluster").to_dicts()
    if len(rows) != len(hidden):
        return []
    shown = []
    for row, hide in zip(rows, hidden, strict=True):
        by_rule = row["by"] == _BY_RULE or re.search(r"\d", row["name"])
        name, by = (row["by_rule"], _BY_RULE) if by_rule else (row["name"], row["by"])
        shown.append(Row((f"cluster {row['cluster']}", "–" if hide else name, "–" if hide else by)))
    columns = (Column("Cluster", numeric=False), Column("Name", numeric=False), Column("By", numeric=False))
    note = (
        "A name lists the findings that set a cluster apart most. One by a language model is shown only "
        "where all of it is on the cluster's card."
    )
    return [Table("Names of the clusters", columns, tuple(shown), files=(file,), notes=(note,))]
