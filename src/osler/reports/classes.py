"""Latent classes: how well each number of classes fits, and what a sound fit lacks."""

import polars as pl

from osler.reports.blocks import Block, Column, Row, Table
from osler.reports.formats import count, number, p_value
from osler.reports.runfiles import RunFiles

_UNMET = {
    "starts": "fewer than 50 starts",
    "best_replicated": "best solution found once",
    "mean_posterior": "a class with mean posterior below .8",
    "smallest_share": "a class below 5 %",
}


def class_blocks(run: RunFiles, folder: str, *, arm: str) -> list[Block]:
    """A table of latent class fits by k; nothing for other arms.

    Args:
        run: the run.
        folder: of the clustering.
        arm: name of the arm.
    """
    file = f"{folder}/classes.parquet"
    found = run.frame(file)
    own = None if found is None else found.filter(pl.col("arm") == arm).sort("k")
    if own is None or own.is_empty():
        return []
    rows = tuple(
        Row(
            (
                f"k = {row['k']}",
                number(row["log_likelihood"], 0),
                count(row["n_parameters"]),
                number(row["bic"], 0),
                number(row["entropy"], 2),
                number(row["mean_posterior"], 2),
                "–" if row["p_of_one_less"] is None else p_value(row["p_of_one_less"]),
                "; ".join(_UNMET[name] for name in row["unmet"].split(", ") if name) or "–",
            )
        )
        for row in own.to_dicts()
    )
    columns = (
        Column("Classes", numeric=False),
        Column("Log likelihood"),
        Column("Parameters"),
        Column("BIC"),
        Column("Entropy"),
        Column("Least mean posterior"),
        Column("p of one class less"),
        Column("Not met", numeric=False),
    )
    note = (
        "BIC: less is better. p of one class less: bootstrap likelihood ratio test, at the number chosen. "
        "Not met: what is asked of a fit before its classes are believed."
    )
    return [Table("Latent classes by number", columns, rows, files=(file,), notes=(note,))]
