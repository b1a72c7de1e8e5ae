"""Has each site events and non-events enough to be audited?"""

import polars as pl

from osler.checks.finding import OK, WARNING, Finding, counted, example, listed
from osler.checks.place import Place
from osler.record.schema import UNKNOWN
from osler.task.labels import Labels, open_labels

FEW = 10  # events, and samples without one, that a site needs at least


def check(place: Place) -> list[Finding]:
    """Sites with too few events or non-events; samples at an unknown site."""
    labels = labels_with_sites(place)
    sized = labels.samples.select("subject_id", "site").with_columns(event=labels.frame["boolean_value"])
    if place.survey is not None:
        # Subjects that the dataset does not have are told of by `labels`.
        sized = sized.join(place.survey.subjects, on="subject_id", how="semi")
    sites = (
        sized.group_by("site")
        .agg(n=pl.len(), events=pl.col("event").sum(), subject_id=pl.col("subject_id").min())
        .with_columns(others=pl.col("n") - pl.col("events"))
        .sort("n", "site")
    )
    unknown, named = sites.filter(pl.col("site") == UNKNOWN), sites.filter(pl.col("site") != UNKNOWN)
    if named.is_empty():
        return []
    findings = []
    if unknown.height:
        findings.append(
            Finding(
                WARNING,
                f"samples at an unknown site, beside {counted(named.height, 'site')} with a name",
                file=str(place.path),
                column="site",
                count=unknown["n"][0],
                example=example(subject_id=unknown["subject_id"][0]),
                remedy="no event at or before the prediction time names the hospital: see `site_id_columns`",
            )
        )
    small = named.filter(pl.min_horizontal("events", "others") < FEW)
    if small.height:
        shown = listed(f"{row['site']} {row['events']}/{row['others']}" for row in small.to_dicts())
        findings.append(
            Finding(
                WARNING,
                f"{small.height:,} of {counted(named.height, 'site')} have fewer than {FEW} events or fewer "
                f"than {FEW} samples without one, too few to audit (events/others): {shown}",
                file=str(place.path),
                column="site",
                count=small.height,
                example=example(site=small["site"][0]),
                remedy="audit a coarser group of sites, or pool the small ones",
            )
        )
    if findings or named.height == 1:
        return findings
    return [Finding(OK, f"{counted(named.height, 'site')}, each large enough to audit", file=str(place.path))]


def labels_with_sites(place: Place) -> Labels:
    """The labels of a place; those of other tools take persons and sites from its dataset, where known."""
    own = (place.path / "samples.parquet").is_file()
    return open_labels(place.path, dataset=None if own else place.dataset)
