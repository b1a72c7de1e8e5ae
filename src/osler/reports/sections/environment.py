"""What the run ran on: versions and the machine."""

from osler.reports.blocks import Column, Facts, Row, Section, Table
from osler.reports.runfiles import ENVIRONMENT, RunFiles

_FACTS = {
    "osler": "Osler",
    "python": "Python",
    "system": "System",
    "cores": "Cores",
    "memory_gib": "Memory (GiB)",
    "device": "Device",
}


def section(run: RunFiles) -> Section | None:
    """Versions and machine."""
    found = run.json(ENVIRONMENT)
    if not found:
        return None
    facts = tuple((title, str(found[name])) for name, title in _FACTS.items() if found.get(name) is not None)
    packages = found.get("packages") or {}
    rows = tuple(Row((str(name), str(version))) for name, version in packages.items())
    table = Table(
        "Packages",
        (Column("Package", numeric=False), Column("Version", numeric=False)),
        rows,
        files=(ENVIRONMENT,),
    )
    blocks = (Facts(facts, files=(ENVIRONMENT,)), *((table,) if rows else ()))
    return Section("environment", "Versions", blocks, volatile="environment")
