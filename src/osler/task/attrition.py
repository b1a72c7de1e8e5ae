"""The attrition table: how many samples each step found, excluded and kept, and why.

Steps are `found` (the units that the task starts from), `excluded` (each with its reason; a unit is
counted under the first reason that applies), `kept` (found less excluded) and `noted` (facts that exclude
nothing).
"""

import polars as pl

FOUND, EXCLUDED, KEPT, NOTED = "found", "excluded", "kept", "noted"
SCHEMA: dict[str, pl.DataType] = {
    "step": pl.String(),
    "reason": pl.String(),
    "n_samples": pl.Int64(),
    "n_subjects": pl.Int64(),
}


class Attrition:
    """Collects the rows of one attrition table, in the order in which they are added.

    Examples:
        >>> table = Attrition()
        >>> table.add("found", "admissions", pl.DataFrame({"subject_id": [1, 1, 2]}))
        >>> table.frame().row(0)
        ('found', 'admissions', 3, 2)
    """

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, int, int]] = []

    def add(self, step: str, reason: str, samples: pl.DataFrame) -> None:
        """Add one row that counts `samples` and their distinct `subject_id`."""
        self._rows.append((step, reason, samples.height, samples["subject_id"].n_unique()))

    def frame(self) -> pl.DataFrame:
        """The table: step, reason, n_samples, n_subjects."""
        return pl.DataFrame(self._rows, schema=SCHEMA, orient="row")


def count_reasons(candidates: pl.DataFrame, *, unit: str, reasons: tuple[str, ...]) -> Attrition:
    """Count candidates by the reason that excludes them.

    Args:
        candidates: `subject_id` and `reason` (null: not excluded).
        unit: what one row is, in the plural (`admissions`).
        reasons: every reason that can occur, in the order in which they are tried; each gets a row, also
            at zero.

    Returns:
        The table so far: found and excluded.
    """
    table = Attrition()
    table.add(FOUND, unit, candidates)
    for reason in reasons:
        table.add(EXCLUDED, reason, candidates.filter(pl.col("reason") == reason))
    return table
