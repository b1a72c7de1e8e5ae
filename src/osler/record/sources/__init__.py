"""Source formats: one file per format, one line here. Adding a format is adding both."""

from importlib import import_module
from pathlib import Path
from typing import Any

from osler.base.errors import InputError

# Format -> module and function: `function(source, spec, out) -> summary`.
FORMATS = {
    "table": "osler.record.sources.table:ingest_table",
}


def ingest(format_name: str, source: Path, spec: Path | None, out: Path) -> dict[str, Any]:
    """Turn a source into a MEDS dataset.

    Args:
        format_name: one of `FORMATS`.
        source: the source's file or folder.
        spec: the YAML file that says what the source's parts mean.
        out: folder of the dataset.

    Returns:
        The summary of the format, JSON-ready.

    Raises:
        InputError: unknown format, or whatever is wrong with the source or its spec.
    """
    if format_name not in FORMATS:
        raise InputError(
            f"unknown format '{format_name}'", allowed=FORMATS, remedy="name one of these formats"
        )
    module, function = FORMATS[format_name].split(":")
    summary: dict[str, Any] = getattr(import_module(module), function)(source, spec, out)
    return summary
