"""What sets a cluster apart, in words, without what only few patients carry."""

import math
from collections.abc import Mapping
from typing import Any

import polars as pl

from osler.reports.formats import number
from osler.reports.suppress import is_small

_MOST = {"over": 4, "under": 2}


def cluster_names(codes: pl.DataFrame | None) -> dict[str, str]:
    """Description by code, where the run has a code book."""
    if codes is None or not {"code", "description"} <= set(codes.columns):
        return {}
    known = codes.filter(pl.col("description").is_not_null())
    return dict(zip(known["code"], known["description"], strict=True))


def differences(described: pl.DataFrame, cluster: int, *, names: Mapping[str, str], min_cell: int) -> str:
    """The variables that are higher and lower in a cluster than in the rest, largest difference first.

    Args:
        described: rows of one arm and k (`describe.parquet`).
        cluster: the cluster.
        names: description by code.
        min_cell: variables that so few patients carry, inside or outside, are left out.
    """
    rows = described.filter(pl.col("cluster") == cluster).sort("direction", "rank").to_dicts()
    safe = [row for row in rows if _is_safe(row, min_cell=min_cell)]
    parts = []
    for direction, words in (("over", "more"), ("under", "less")):
        chosen = [row for row in safe if row["direction"] == direction][: _MOST[direction]]
        if chosen:
            listed = "; ".join(
                f"{variable_words(str(row['variable']), names)} {number(row['smd'], 2, signed=True)}"
                for row in chosen
            )
            parts.append(f"{words}: {listed}")
    return ". ".join(part[:1].upper() + part[1:] for part in parts) or "–"


def variable_words(variable: str, names: Mapping[str, str]) -> str:
    """Words for a column of counts, `code|window|aggregation` with `code=value` for text values.

    Examples:
        >>> variable_words("LAB//lactate|24h|max", {"LAB//lactate": "Lactate"})
        'Lactate (max, 24h)'
        >>> variable_words("COL//hiv=Positive|ever|count", {})
        'hiv: Positive'
        >>> variable_words("age", {})
        'age'
    """
    code, _, rest = variable.partition("|")
    window, _, aggregation = rest.partition("|")
    code, _, value = code.partition("=")
    words = names.get(code) or code.partition("//")[2] or code
    said = [part for part in (aggregation, window) if part not in ("count", "last", "ever", "")]
    joint = " " if words.endswith("?") else ": "
    return words + (f"{joint}{value}" if value else "") + (f" ({', '.join(said)})" if said else "")


def _is_safe(row: Mapping[str, Any], *, min_cell: int) -> bool:
    """Whether more than `min_cell` patients carry a variable on each side (or none does).

    A cell may be stored that is 0, so samples with another value are bounded too: by Cauchy and Schwarz
    they are at least (sum x)^2 / sum x^2, and the standardised difference bounds the sum of squares.
    """
    if any(is_small(row.get(name), min_cell=min_cell) for name in ("carriers_inside", "carriers_outside")):
        return False
    gap = row["mean_inside"] - row["mean_outside"]
    if not row["smd"] or math.isnan(row["smd"]):
        return False
    variance = 2 * (gap / row["smd"]) ** 2  # the sum of the two variances, so a bound for each
    for n, mean in ((row["n_inside"], row["mean_inside"]), (row["n_outside"], row["mean_outside"])):
        if mean == 0:
            continue
        carriers = (n * mean) ** 2 / ((n - 1) * variance + n * mean**2)
        if carriers <= min_cell:
            return False
    return True
