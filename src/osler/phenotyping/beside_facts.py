"""What is told of a comparison beside its tables: its sources, its arms in words, and what it depends on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from osler.base.hashing import hash_json
from osler.base.output import content_hash
from osler.phenotyping.artefact_words import artefact_words
from osler.phenotyping.fit import matrix_hash, table_hash
from osler.phenotyping.settings import CompareSettings
from osler.phenotyping.sources import Source
from osler.task.labels import Labels

VERSION = 1


def source_facts(source: Source, settings: CompareSettings, n: int) -> dict[str, Any]:
    """What is known of one source: its traces, and how many texts were encoded again."""
    tested = source.embedded and source.reorder is not None
    return {
        "embedded": source.embedded,
        "traces": list(source.traces),
        "n_reordered": min(settings.order, n) if tested else 0,
    }


def arm_facts(sources: Sequence[Source], artefacts: pl.DataFrame) -> dict[str, Any]:
    """What is known of each arm, and what its artefact tests say of the partition that is chosen; where
    another has the highest silhouette, of that too (`highest`).

    Args:
        sources: what was compared.
        artefacts: `osler.phenotyping.artefact_table.artefact_table` of them.
    """
    found: dict[str, Any] = {}
    for source in sources:
        highest = dict(source.highest)
        for arm, facts in source.facts["arms"].items():
            label, k = source.label(arm), facts["chosen_k"]
            found[label] = {
                "source": source.name,
                "arm": arm,
                "k": k,
                "space": source.space_of(arm),
                "verdict": facts.get("verdict"),
                **(_words(artefacts, label, k) if k else {}),
                "highest": {"k": highest[label], **_words(artefacts, label, highest[label])}
                if highest.get(label, k) != k
                else None,
            }
    return found


def _words(artefacts: pl.DataFrame, label: str, k: int) -> dict[str, Any]:
    return artefact_words(artefacts.filter(pl.col("arm") == label, pl.col("k") == k))


def work_key(labels: Labels, sources: Sequence[Source], settings: CompareSettings, seed: int) -> str:
    """Hash of everything that a comparison depends on."""
    return hash_json(
        {
            "labels": labels.hash,
            "sources": [
                {
                    "name": source.name,
                    "fitted": content_hash(source.folder),
                    "features": None if source.data.features is None else matrix_hash(source.data.features),
                    "table": None if source.data.table is None else table_hash(source.data.table),
                    "traces": {
                        name: np.asarray(one, dtype=float).tolist() for name, one in source.traces.items()
                    },
                    "embedded": source.embedded,
                    "order": source.reorder is not None,
                }
                for source in sources
            ],
            "settings": settings.plain(),
            "seed": seed,
            "version": VERSION,
        }
    )
