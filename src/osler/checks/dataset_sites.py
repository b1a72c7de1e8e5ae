"""Does every event say at which hospital, and are the hospitals large enough to be compared?"""

import polars as pl

from osler.checks.finding import BROKEN, OK, WARNING, Finding, counted, example, listed
from osler.checks.place import Place
from osler.record.dataset import Dataset

FEW = 10  # subjects of a site that an audit needs at least


def check(place: Place) -> list[Finding]:
    """Declared columns that are missing or empty; small sites; one site only."""
    dataset = place.dataset
    if dataset is None or not dataset.site_columns or not dataset.rows:
        return []
    where = str(place.path / "metadata" / "dataset.json")
    findings = [
        *(finding for name in dataset.site_columns if (finding := _missing(dataset, name, where)) is not None)
    ]
    if any(finding.status == BROKEN for finding in findings):
        return findings
    sites = subjects_by_site(dataset)
    if sites.is_empty():
        return [
            *findings,
            Finding(
                WARNING,
                "the columns of `site_id_columns` hold no value: every sample is at an unknown site",
                file=where,
                column=dataset.site_columns[0],
                count=dataset.rows,
                example=example(file=dataset.shards[0].path),
                remedy="name the column that holds the hospital, or remove `site_id_columns`",
            ),
        ]
    return [*findings, *_sizes(sites, file=str(place.path), column=dataset.site_columns[0])]


def subjects_by_site(dataset: Dataset) -> pl.DataFrame:
    """Subjects that have an event at each site.

    Args:
        dataset: the dataset; of several site columns the first with a value counts.

    Returns:
        `site, n`, the smallest first.
    """
    parts = []
    for shard in dataset.shards:
        columns = [name for name in dataset.site_columns if name in shard.columns]
        if columns:
            words = [pl.col(name).cast(pl.String).str.strip_chars() for name in columns]
            site = pl.coalesce(pl.when(word != "").then(word) for word in words)
            parts.append(
                pl.scan_parquet(shard.path)
                .select(pl.col("subject_id").cast(pl.Int64), site=site)
                .drop_nulls()
                .unique()
                .collect(engine="streaming")
            )
    if not parts:
        return pl.DataFrame(schema={"site": pl.String, "n": pl.UInt32})
    return pl.concat(parts).unique().group_by("site").agg(n=pl.len()).sort("n", "site")


def _missing(dataset: Dataset, name: str, where: str) -> Finding | None:
    without = [shard for shard in dataset.shards if name not in shard.columns]
    if not without:
        return None
    everywhere = len(without) == len(dataset.shards)
    who = (
        "no shard has" if everywhere else f"{len(without):,} of {counted(len(dataset.shards), 'shard')} lack"
    )
    return Finding(
        BROKEN if everywhere else WARNING,
        f"`site_id_columns` names a column that {who}",
        file=where,
        column=name,
        count=len(without),
        example=example(file=without[0].path),
        remedy="name the column that holds the hospital in `site_id_columns`, or remove the name",
    )


def _sizes(sites: pl.DataFrame, *, file: str, column: str) -> list[Finding]:
    small = sites.filter(pl.col("n") < FEW)
    findings = []
    if sites.height == 1:
        findings.append(
            Finding(
                WARNING,
                "one site only: nothing can be compared between sites",
                file=file,
                column=column,
                count=1,
                example=example(site=sites["site"][0]),
                remedy="remove `site_id_columns` from metadata/dataset.json, or add the other hospitals",
            )
        )
    if small.height:
        named = listed(f"{site} {n}" for site, n in small.iter_rows())
        findings.append(
            Finding(
                WARNING,
                f"{small.height:,} of {counted(sites.height, 'site')} have fewer than {FEW} subjects "
                f"and are too small to audit: {named}",
                file=file,
                column=column,
                count=small.height,
                example=example(site=small["site"][0]),
                remedy="declare a coarser site (region, type of hospital) or group them under `osler.groups`",
            )
        )
    if findings:
        return findings
    what = f"{counted(sites.height, 'site')} of {sites['n'][0]:,} subjects or more"
    return [Finding(OK, what, file=file, column=column)]
