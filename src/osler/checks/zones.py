"""Times with a time zone: MEDS has none, so that a reader must guess which clock is meant."""

from collections.abc import Sequence
from pathlib import Path

from osler.checks.finding import BROKEN, WARNING, Finding, counted, example

_UTC = {"UTC", "Etc/UTC", "Zulu", "Z", "GMT", "+00:00"}


def zone_of(file: Path, column: str) -> str | None:
    """The zone of a column of times of a Parquet file; None when it has none or is no time.

    Args:
        file: the file.
        column: the column; it may be absent.
    """
    import pyarrow.parquet as pq

    schema = pq.read_schema(file)
    if column not in schema.names:
        return None
    return getattr(schema.field(column).type, "tz", None)


def zone_findings(files: Sequence[Path], column: str) -> list[Finding]:
    """What is wrong with the zones of a column over files that are read together.

    Osler reads a zoned time as UTC without its zone. Where every file says UTC the times agree with each
    other (warning); where the zone is another, or some files have none, they do not (broken).

    Args:
        files: Parquet files.
        column: a column of times.
    """
    zones = {file: zone_of(file, column) for file in files}
    zoned = [file for file, zone in zones.items() if zone is not None]
    if not zoned:
        return []
    named = sorted({zone for zone in zones.values() if zone is not None})
    first = zoned[0]
    where = "" if len(zoned) == len(files) else f" in {len(zoned):,} of {counted(len(files), 'file')}"
    sound = not where and set(named) <= _UTC
    meant = "Osler reads them as UTC" if sound else "Osler reads all of them as UTC, which they are not"
    return [
        Finding(
            WARNING if sound else BROKEN,
            f"times have a zone ({', '.join(named)}){where}; {meant}",
            file=str(first),
            column=column,
            count=len(zoned),
            example=example(file=first),
            remedy="write local times without a zone: convert to the zone of the hospital, then remove it "
            "(polars: .dt.convert_time_zone(ZONE).dt.replace_time_zone(None))",
        )
    ]
