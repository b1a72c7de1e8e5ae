"""Has each sample one phenotype per arm and number of clusters?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, Finding
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY

_KEY = [*SAMPLE_KEY, "arm", "k"]


def check(place: Place) -> list[Finding]:
    """Columns, one row per sample, arm and k, clusters between 0 and k."""
    path = place.path / "phenotypes.parquet"
    frame = pl.read_parquet(path)
    missing = [name for name in (*_KEY, "cluster") if name not in frame.columns]
    if missing:
        return [
            Finding(
                BROKEN,
                f"columns are missing: {', '.join(missing)}",
                file=str(path),
                column=missing[0],
                count=len(missing),
                remedy="fit the phenotypes again",
            )
        ]
    repeated = frame.height - frame.select(_KEY).n_unique()
    crowded = (
        frame.group_by("arm", "k")
        .agg(found=pl.col("cluster").n_unique())
        .filter(pl.col("found") > pl.col("k"))
        .height
    )
    problems = (
        (repeated, "samples with more than one phenotype"),
        (crowded, "arms with more clusters than k"),
    )
    findings = [
        Finding(
            BROKEN, what, file=str(path), column="cluster", count=count, remedy="fit the phenotypes again"
        )
        for count, what in problems
        if count
    ]
    samples = frame.select(SAMPLE_KEY).n_unique()
    return findings or [Finding(OK, f"phenotypes of {samples:,} samples", file=str(path))]
