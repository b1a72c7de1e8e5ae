"""Explaining what would be read of a source."""

import tempfile
from pathlib import Path
from typing import Any

from osler.record.mapping.explain import explain_tables, told
from osler.record.mapping.options import IngestOptions
from osler.record.sources.mapped import staged
from osler.record.sources.specs import read_spec, require_mapped

__all__ = ["explain_source", "told"]


def explain_source(
    format_name: str, source: str | Path, spec: Path | None, *, timezone: str | None = None
) -> dict[str, Any]:
    """What a spec will read of a source and what it found there; nothing is written.

    Args:
        format_name: one of `osler.record.sources.FORMATS`, but `table`.
        source: file or folder, or the URL of a database.
        spec: a spec of one's own.
        timezone: as in `osler.record.sources.ingest`.

    Returns:
        As `osler.record.mapping.explain.explain_tables`.

    Raises:
        InputError: the source does not fit the spec.
    """
    require_mapped(format_name)
    parsed, where = read_spec(format_name, spec, timezone=timezone)
    with tempfile.TemporaryDirectory() as scratch:
        beside = Path(scratch) / "dataset"
        with staged(format_name, source, parsed, beside=beside, options=IngestOptions()) as tables:
            return explain_tables(tables.folder, parsed, Path(scratch) / "database", where=where)
