"""A source before it is ingested: what an ingest would find, computed once and shared by its checks."""

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from osler.record.mapping.dry import DryRun, read_through
from osler.record.mapping.options import IngestOptions
from osler.record.sources.mapped import staged
from osler.record.sources.specs import read_spec


@dataclass(frozen=True)
class SourceSurvey:
    """A source under examination.

    Attributes:
        path: its file or folder.
        format_name: one of `osler.record.sources.FORMATS`.
        spec: a spec of one's own, or None.
        also: other formats that the folder fits.
    """

    path: Path
    format_name: str
    spec: Path | None = None
    also: tuple[str, ...] = ()

    @cached_property
    def run(self) -> DryRun:
        """What an ingest would find.

        Raises:
            InputError: a required table or a column is missing.
        """
        spec, where = read_spec(self.format_name, self.spec)
        with tempfile.TemporaryDirectory() as scratch:
            beside = Path(scratch) / "dataset"
            with staged(self.format_name, self.path, spec, beside=beside, options=IngestOptions()) as tables:
                return read_through(tables.folder, spec, Path(scratch) / "database", where=where)
