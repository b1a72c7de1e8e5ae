"""Has each sample one phenotype per arm and number of clusters?"""

import polars as pl

from osler.checks.files import read_whole
from osler.checks.finding import BROKEN, OK, Finding, example, listed
from osler.checks.place import Place
from osler.record.schema import SAMPLE_KEY

_KEY = [*SAMPLE_KEY, "arm", "k"]


def check(place: Place) -> list[Finding]:
    """Columns, one row per sample, arm and k, clusters between 0 and k."""
    path = place.path / "phenotypes.parquet"
    frame = read_whole(path)
    missing = [name for name in (*_KEY, "cluster") if name not in frame.columns]
    if missing:
        return [
            Finding(
                BROKEN,
                f"columns are missing: {listed(missing)}",
                file=str(path),
                column=missing[0],
                count=len(missing),
                example=example(file=path),
                remedy="fit the phenotypes again",
            )
        ]
    repeated = frame.filter(~pl.struct(_KEY).is_first_distinct())
    crowded = (
        frame.group_by("arm", "k", maintain_order=True)
        .agg(pl.col(*SAMPLE_KEY).first(), found=pl.col("cluster").n_unique())
        .filter(pl.col("found") > pl.col("k"))
    )
    problems = (
        (repeated, "samples with more than one phenotype"),
        (crowded, "arms with more clusters than k"),
    )
    findings = [
        Finding(
            BROKEN,
            what,
            file=str(path),
            column="cluster",
            count=rows.height,
            example=example(**rows.select(SAMPLE_KEY).row(0, named=True)),
            remedy="fit the phenotypes again with `osler phenotype fit`",
        )
        for rows, what in problems
        if rows.height
    ]
    samples = frame.select(SAMPLE_KEY).n_unique()
    return findings or [Finding(OK, f"phenotypes of {samples:,} samples", file=str(path))]
