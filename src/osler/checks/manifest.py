"""Has every file the bytes that the manifest names, and is nothing half done?"""

from osler.base.files import TEMPORARY_SUFFIX
from osler.base.output import MANIFEST, changed_files, sealed_hashes
from osler.checks.finding import BROKEN, OK, WARNING, Finding, counted
from osler.checks.place import Place


def check(place: Place) -> list[Finding]:
    """Compare hashes; report files that nobody listed and work that was broken off."""
    findings = []
    parts = [entry.name for entry in place.path.glob(".part-*")]
    if parts:
        findings.append(
            Finding(
                WARNING,
                "unfinished work lies in the folder",
                file=str(place.path / parts[0]),
                count=len(parts),
                remedy="run the same command again to finish it, or remove the part folder",
            )
        )
    if not (place.path / MANIFEST).is_file():
        return findings
    listed = sealed_hashes(place.path)
    changed = changed_files(place.path)
    if changed:
        named = ", ".join(changed[:5]) + (" ..." if len(changed) > 5 else "")
        findings.append(
            Finding(
                BROKEN,
                f"files are missing or were changed after the folder was sealed: {named}",
                file=str(place.path / changed[0]),
                count=len(changed),
                remedy="restore them, or make the folder again",
            )
        )
    present = {
        path.relative_to(place.path).as_posix()
        for path in place.path.rglob("*")
        if path.is_file() and path.name != MANIFEST and not path.name.endswith(TEMPORARY_SUFFIX)
    }
    extra = sorted(name for name in present - set(listed) if not name.startswith(".part-"))
    if extra and place.kind != "run":
        findings.append(
            Finding(
                WARNING,
                "files that the manifest does not name",
                file=str(place.path / extra[0]),
                count=len(extra),
                remedy="nothing depends on them; remove them if they are not yours",
            )
        )
    return findings or [Finding(OK, f"{counted(len(listed), 'file')} as sealed", file=str(place.path))]
