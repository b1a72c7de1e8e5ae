"""Real patients near the middle of each cluster, with their text: what a card averages away."""

from pathlib import Path

import numpy as np
import polars as pl

from osler.phenotyping.clustered import Clustered
from osler.phenotyping.partition import Array, member_typicality
from osler.record.schema import SAMPLE_KEY
from osler.represent.typed import TypedTable, Variable
from osler.statements.read import open_texts

EXEMPLARS: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "rank": pl.Int64(),
    "subject_id": pl.Int64(),
    "prediction_time": pl.Datetime("us"),
    "typicality": pl.Float64(),
    "written_from": pl.String(),
    "text": pl.String(),
}
TEXT, VARIABLES = "text", "variables"


def nearest_patients(found: Clustered, k: int, *, group: Array, most: int) -> list[tuple[int, int, int]]:
    """The samples nearest to the middle of each cluster, one per patient.

    Nearest is meant as the arm measures it: to the centre, the medoid (which is itself the first), the
    prototype, or the most likely sample of the class. Arms without a place for a middle (UMAP, HDBSCAN) give
    their exemplars, the most central by their mean distance to all members first.

    Args:
        found: the arm.
        k: number of clusters.
        group: patient of each sample [n].
        most: patients of each cluster.

    Returns:
        Cluster, rank from 1, and row of each, by cluster and rank.
    """
    own = found.partitions[k]
    order = np.lexsort((np.arange(len(own.cluster)), own.distance))
    if k in found.exemplars:
        order = found.rows[found.exemplars[k].rows]
    chosen = []
    for number in range(k):
        rows = order[own.cluster[order] == number]
        first = np.sort(np.unique(group[rows], return_index=True)[1])[:most]
        chosen += [(number, rank, int(row)) for rank, row in enumerate(rows[first], 1)]
    return chosen


def exemplar_table(
    found: Clustered,
    k: int,
    samples: pl.DataFrame,
    *,
    group: Array,
    most: int,
    texts: Path | None,
    table: TypedTable | None,
) -> pl.DataFrame:
    """Exemplar patients with what is written about them.

    Args:
        found: the arm.
        k: number of clusters.
        samples: `subject_id, prediction_time`, in the order of the rows.
        group: patient of each sample [n].
        most: patients of each cluster.
        texts: folder of their texts; a sample that has none there is written from its variables.
        table: the variables of the samples; None: only texts are given.

    Returns:
        `EXEMPLARS`, patient data. `written_from` is `text` or `variables`; null, as the text is, where there
        is neither.
    """
    picked = nearest_patients(found, k, group=group, most=most)
    rows = [row for *_, row in picked]
    typical = member_typicality(found.partitions[k])
    made = samples.select(SAMPLE_KEY)[rows].with_columns(
        arm=pl.lit(found.arm.name),
        k=pl.lit(k, dtype=pl.Int64),
        cluster=pl.Series([number for number, *_ in picked], dtype=pl.Int64),
        rank=pl.Series([rank for _, rank, _ in picked], dtype=pl.Int64),
        typicality=pl.Series(typical[rows], dtype=pl.Float64),
        written=pl.Series([None if table is None else as_text(table, row) for row in rows], dtype=pl.String),
    )
    read = pl.DataFrame(schema={**{name: made.schema[name] for name in SAMPLE_KEY}, "text": pl.String()})
    if texts is not None:
        wanted = made.select(SAMPLE_KEY).lazy()
        stored = open_texts(texts).texts().select(*SAMPLE_KEY, "text")
        read = stored.join(wanted, on=SAMPLE_KEY, how="semi").unique(SAMPLE_KEY).collect()
    joined = made.join(read, on=SAMPLE_KEY, how="left", maintain_order="left")
    source = (
        pl.when(pl.col("text").is_not_null())
        .then(pl.lit(TEXT))
        .when(pl.col("written").is_not_null())
        .then(pl.lit(VARIABLES))
    )
    told = joined.with_columns(written_from=source, text=pl.coalesce("text", "written"))
    return told.select(list(EXEMPLARS)).cast(dict(EXEMPLARS))  # type: ignore[arg-type]


def as_text(table: TypedTable, row: int) -> str:
    """What is known of a sample, a line per variable; flags that say no record was made are left out.

    Examples:
        >>> pulse = Variable("HR", "Pulse", "numeric", unit="/min")
        >>> coma, ward = Variable("C", "Coma", "flag"), Variable("W", "Ward", "categorical", ("a", "b"))
        >>> as_text(TypedTable((pulse, coma, ward), np.array([[80.0, 1.0, np.nan]])), 0)
        'Pulse: 80 /min\\nComa: yes'
    """
    lines = []
    for variable, value in zip(table.variables, table.values[row], strict=True):
        if np.isnan(value) or (variable.recorded and value == 0):
            continue
        lines.append(f"{variable.label}: {_said(variable, float(value))}")
    return "\n".join(lines)


def _said(variable: Variable, value: float) -> str:
    if variable.kind == "flag":
        return "yes" if value else "no"
    if variable.kind == "numeric":
        return f"{value:.6g}" + (f" {variable.unit}" if variable.unit else "")
    return variable.levels[int(value)]
