"""Are there vectors, all of one length, finite, one per key?"""

import numpy as np
import polars as pl

from osler.checks.finding import BROKEN, OK, Finding
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY

_KEYS = {"document": list(SAMPLE_KEY), "statement": ["statement_id"]}


def check(place: Place) -> list[Finding]:
    """Look at every vector once, file by file."""
    findings: list[Finding] = []
    lengths: set[int] = set()
    rows = 0
    for unit, key in _KEYS.items():
        for file in sorted((place.path / unit).glob("*.parquet")):
            frame = pl.read_parquet(file)
            rows += frame.height
            repeated = frame.height - frame.select(key).n_unique()
            vectors = frame["vector"]
            sizes = vectors.arr.len() if isinstance(vectors.dtype, pl.Array) else vectors.list.len()
            lengths.update(sizes.drop_nulls().unique().to_list())
            flat = vectors.explode().cast(pl.Float64).to_numpy()
            wrong = int((~np.isfinite(flat)).sum()) if flat.size else 0
            for count, what in (
                (repeated, "keys with more than one vector"),
                (wrong, "numbers that are not finite"),
            ):
                if count:
                    findings.append(Finding(BROKEN, what, file=str(file), count=count, remedy="encode again"))
    if not rows:
        findings.append(Finding(BROKEN, "there are no vectors", file=str(place.path), remedy="encode again"))
    if len(lengths) > 1:
        named = ", ".join(map(str, sorted(lengths)))
        findings.append(
            Finding(
                BROKEN,
                f"vectors of different lengths ({named})",
                file=str(place.path),
                column="vector",
                count=len(lengths),
                remedy="encode again",
            )
        )
    return findings or [Finding(OK, f"{rows:,} vectors of length {max(lengths)}", file=str(place.path))]
