"""Has every file the bytes that the manifest names, and is nothing half done?"""

from osler.base.files import TEMPORARY_SUFFIX
from osler.base.output import MANIFEST, changed_files, sealed_hashes
from osler.checks.finding import BROKEN, OK, WARNING, Finding, counted, example, listed
from osler.checks.place import DATASET, Place

# What a person may correct in a dataset: what codes mean, and what its dates and sites are.
_EDITABLE = ("metadata/codes.parquet", "metadata/dataset.json", "metadata/subject_splits.parquet")


def check(place: Place) -> list[Finding]:
    """Compare hashes; report files that nobody listed and work that was broken off."""
    findings: list[Finding] = []

    def add(status: str, what: str, names: list[str], remedy: str) -> None:
        if names:
            file = str(place.path / names[0])
            findings.append(
                Finding(
                    status,
                    f"{what}: {listed(names)}",
                    file=file,
                    count=len(names),
                    example=example(file=file),
                    remedy=remedy,
                )
            )

    parts = sorted(entry.name for entry in place.path.glob(".part-*"))
    add(
        WARNING,
        "unfinished work lies in the folder",
        parts,
        "run the same command again to finish it, or remove the part folder",
    )
    if not (place.path / MANIFEST).is_file():
        return findings
    listed_files = sealed_hashes(place.path)
    changed = changed_files(place.path)
    edited = [
        name
        for name in changed
        if place.kind == DATASET and name in _EDITABLE and (place.path / name).is_file()
    ]
    add(
        BROKEN,
        "files are missing or were changed after the folder was sealed",
        [name for name in changed if name not in edited],
        "restore them, or make the folder again",
    )
    add(
        WARNING,
        "tables of metadata were edited after the dataset was made",
        edited,
        "nothing, if it was you; what is made of the dataset from now on follows them",
    )
    present = {
        path.relative_to(place.path).as_posix()
        for path in place.path.rglob("*")
        if path.is_file() and path.name != MANIFEST and not path.name.endswith(TEMPORARY_SUFFIX)
    }
    extra = sorted(name for name in present - set(listed_files) if not name.startswith(".part-"))
    if place.kind != "run":
        add(
            WARNING,
            "files that the manifest does not name",
            extra,
            "nothing depends on them; remove them if they are not yours",
        )
    return findings or [Finding(OK, f"{counted(len(listed_files), 'file')} as sealed", file=str(place.path))]
