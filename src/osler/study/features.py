"""The representations of a study for the samples of one task, each made when a step first asks for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.output import content_hash
from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY
from osler.represent.features import Features
from osler.statements.read import open_texts
from osler.study.schema import Study


class StudyFeatures:
    """Representations by name; a run whose steps are all done makes none.

    Args:
        study: the study.
        dataset: its dataset.
        samples: samples of one task; the rows of every representation.
        texts: folders of texts by name.
        vectors: folders of vectors by representation.

    Attributes:
        names: names of the representations, in the study's order.
        hashes: what each depends on, JSON-ready.
    """

    def __init__(
        self,
        study: Study,
        dataset: Dataset,
        samples: pl.DataFrame,
        *,
        texts: Mapping[str, Path],
        vectors: Mapping[str, Path],
    ) -> None:
        self._settings = study.settings.representations
        self._dataset = dataset
        self._samples = samples
        self._texts = texts
        self._vectors = vectors
        self._made: dict[str, Features] = {}
        self.names = list(self._settings)
        self.hashes: dict[str, Any] = {
            name: {
                "settings": settings.plain(),
                "dataset": dataset.hash,
                "vectors": content_hash(vectors[name]) if name in vectors else None,
            }
            for name, settings in self._settings.items()
        }

    def __getitem__(self, name: str) -> Features:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def all(self) -> dict[str, Features]:
        """Every representation, by name."""
        return {name: self[name] for name in self.names}

    def counts(self) -> Features | None:
        """The counts of the study, which describe in words what other representations cluster; None: none."""
        return next((self[name] for name in self.names if self._settings[name].kind == "counts"), None)

    def lengths(self, name: str) -> dict[str, np.ndarray]:
        """How long the texts behind a representation are, in tokens and statements; empty for counts."""
        text = getattr(self._settings[name], "text", None)
        if text is None:
            return {}
        texts = (
            open_texts(self._texts[text]).texts().select(*SAMPLE_KEY, "n_tokens", "n_statements").collect()
        )
        ordered = self._samples.select(SAMPLE_KEY).join(
            texts, on=SAMPLE_KEY, how="left", maintain_order="left", nulls_equal=True
        )
        return {
            "tokens of the text": ordered["n_tokens"].to_numpy(),
            "statements of the text": ordered["n_statements"].to_numpy(),
        }

    def _make(self, name: str) -> Features:
        from osler.represent.counts import count_features
        from osler.represent.joined import joined_features
        from osler.represent.vectors import document_features, statement_features

        settings = self._settings[name]
        if settings.kind == "counts":
            return count_features(self._dataset, self._samples, settings=settings)
        if settings.kind == "document":
            return document_features(self._vectors[name], self._samples)
        if settings.kind == "statement":
            return statement_features(
                self._vectors[name], self._texts[settings.text], self._samples, pool=settings.pool
            )
        return joined_features([self[part] for part in settings.of], name=name)
