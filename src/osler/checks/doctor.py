"""Running the checks that fit a folder."""

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.progress import track
from osler.checks.finding import BROKEN, OK, WARNING, Finding, from_error, merged
from osler.checks.place import Place, find_places
from osler.checks.registry import CHECKS


def examine(
    path: Path,
    *,
    dataset: Path | None = None,
    leakage: bool = False,
    format_name: str | None = None,
    spec: Path | None = None,
) -> dict[str, Any]:
    """Examine a folder; `docs/doctor.md` says what each check looks at.

    Args:
        path: dataset, labels, texts, vectors, predictions, phenotypes or run, or a source before its ingest.
        dataset: the dataset that it was made from, where that is not inside.
        leakage: whether to recompute texts and counts with later events removed and changed.
        format_name: the source format that lies there; None: what the folder holds is found out.
        spec: a spec of one's own, for a source.

    Returns:
        `path`, `kind`, `status` (ok, warning, broken: the worst), `n_broken`, `n_warnings` and `findings`.

    Raises:
        InputError: nothing that Osler knows lies there, or the leakage check needs a dataset.
    """
    places = find_places(path, dataset=dataset, format_name=format_name, spec=spec)
    findings: list[Finding] = []
    for place in track(places, "examining"):
        findings += _examine_place(place)
    if leakage and not any(finding.status == BROKEN for finding in findings):
        from osler.checks.leakage import check_leakage

        findings += _named("leakage", path, check_leakage(places))
    counts = {status: sum(finding.status == status for finding in findings) for status in (BROKEN, WARNING)}
    return {
        "path": str(path),
        "kind": places[0].kind,
        "status": next((status for status, count in counts.items() if count), OK),
        "n_broken": counts[BROKEN],
        "n_warnings": counts[WARNING],
        "findings": [finding.plain() for finding in findings],
    }


def _examine_place(place: Place) -> list[Finding]:
    findings: list[Finding] = []
    refused: set[str] = set()
    checks = [name for name, kinds in CHECKS.items() if place.kind in kinds]
    for number, name in enumerate(checks):
        try:
            found = import_module(f"osler.checks.{name}").check(place)
        except InputError as error:
            # What one check could not open the next one cannot either; it is said once.
            found = [] if str(error) in refused else [from_error(error)]
            refused.add(str(error))
        findings += _named(name, place.path, found)
        if number == 0 and any(finding.status == BROKEN for finding in found):
            break
    return findings


def _named(name: str, place: Path, findings: list[Finding]) -> list[Finding]:
    return [replace(finding, check=name, place=str(place)) for finding in merged(findings)]
