"""Can others on this machine read what only the owner should (texts, keys, vectors, predictions)?"""

from osler.checks.finding import WARNING, Finding, example
from osler.checks.place import DATASET, PHENOTYPES, PREDICTIONS, RUN, TEXTS, VECTORS, Place

_PRIVATE = {
    DATASET: ("metadata/key", "metadata/subjects.parquet"),
    TEXTS: ("texts/*.parquet", "statements/*.parquet", "lines/*.parquet"),
    VECTORS: ("document/*.parquet", "statement/*.parquet"),
    PREDICTIONS: ("**/data.parquet", "**/replicates.parquet", "**/samples.parquet"),
    PHENOTYPES: ("phenotypes.parquet", "map.parquet", "exemplars.parquet", "model/*"),
    RUN: ("splits.parquet", "report-private.html", "cache/*/*"),
}
_OTHERS = 0o077


def check(place: Place) -> list[Finding]:
    """Look at the permissions of files about single patients."""
    files = [file for pattern in _PRIVATE[place.kind] for file in place.path.glob(pattern)]
    readable = sorted(file for file in files if file.stat().st_mode & _OTHERS)
    if not readable:
        return []
    return [
        Finding(
            WARNING,
            "files about single patients can be read by others on this machine",
            file=str(readable[0]),
            count=len(readable),
            example=example(file=readable[0]),
            remedy=f"chmod -R go-rwx {place.path}",
        )
    ]
