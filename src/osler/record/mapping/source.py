"""What is ingested: where the tables are, what they mean, and how they are read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osler.record.mapping.options import IngestOptions
from osler.record.mapping.spec import MappingSpec


@dataclass(frozen=True)
class Source:
    """What is ingested.

    Attributes:
        format_name: as the user named it.
        name: what the dataset is called when the spec does not say.
        folder: where its tables are.
        spec: what they mean.
        where: what to call the spec in an error.
        options: memory, limit and others.
        vocabulary: files of the user that describe codes.
        before: rows of the attrition table for what never became a row of a table.
        facts: more for the summary.
    """

    format_name: str
    name: str
    folder: Path
    spec: MappingSpec
    where: str
    options: IngestOptions
    vocabulary: Sequence[Path] = ()
    before: Sequence[dict[str, Any]] = ()
    facts: dict[str, Any] = field(default_factory=dict)
