"""The representations of a study for the samples of one task, each made when a step first asks for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.output import content_hash
from osler.phenotyping.cautions import cautions
from osler.phenotyping.follow_up import FollowUp, follow_up
from osler.phenotyping.inputs import make_features, text_lengths, text_traces
from osler.record.dataset import Dataset
from osler.represent.counts import count_features
from osler.represent.features import Features
from osler.represent.joined import joined_features
from osler.represent.reorder import reordered_features
from osler.represent.settings import DocumentSettings, TypedSettings
from osler.represent.typed import TypedTable
from osler.represent.typed_read import typed_table
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
        self._table: TypedTable | None = None
        self._sources: dict[str, dict[str, Any]] = {}
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
        name = self._counts_name()
        return None if name is None else self[name]

    @property
    def counts_hash(self) -> Any:
        """What `counts` depends on; None: there are none."""
        name = self._counts_name()
        return None if name is None else self.hashes[name]

    def table(self, settings: TypedSettings) -> TypedTable:
        """The variables of the samples, each of its own kind."""
        if self._table is None:
            self._table = typed_table(self._dataset, self._samples, settings=settings)[0]
        return self._table

    @property
    def table_hash(self) -> Any:
        """What `table` depends on beside its settings."""
        return {"dataset": self._dataset.hash}

    def texts(self, name: str) -> Path | None:
        """The texts behind a representation; of one without, and of variables, the first of the study."""
        text = getattr(self._settings.get(name), "text", None)
        return self._texts[text] if text else next(iter(self._texts.values()), None)

    def texts_hash(self, name: str) -> str | None:
        """Hash of what `texts` gives."""
        folder = self.texts(name)
        return None if folder is None else content_hash(folder)

    def follow_up(self) -> FollowUp:
        """How long the samples are followed, and who dies."""
        return follow_up(self._dataset, self._samples)

    def lengths(self, name: str) -> dict[str, np.ndarray]:
        """How long the texts behind a representation are; empty for counts."""
        text = getattr(self._settings[name], "text", None)
        return {} if text is None else {"tokens of the text": text_lengths(self._texts[text], self._samples)}

    def traces(self, name: str) -> dict[str, np.ndarray]:
        """What of the texts behind a representation should not make clusters; empty for counts."""
        text = getattr(self._settings[name], "text", None)
        return {} if text is None else text_traces(self._texts[text], self._samples, self._vectors[name])

    def cautions(self, name: str) -> list[str]:
        """What of a representation may make clusters that are not of the patients."""
        return cautions(self._dataset, self._samples, source=self.source(name), traces=self.traces(name))

    def reordered(
        self, name: str, rows: np.ndarray, scratch: Path, *, seed: int, cache: Path, engine: Any
    ) -> Features:
        """A representation by documents of some samples, from their texts in another order.

        Args:
            name: of the representation.
            rows: which samples, int [m].
            scratch: folder for what is temporary.
            seed: seed of the orders.
            cache: vectors computed before.
            engine: where batches are computed; None: in this process.
        """
        settings = self._settings[name]
        assert isinstance(settings, DocumentSettings)
        return reordered_features(
            self._texts[settings.text],
            self._vectors[name],
            self._samples[rows],
            encoder=settings.encoder,
            seed=seed,
            scratch=scratch,
            cache=cache,
            engine=engine,
        )

    def source(self, name: str) -> dict[str, Any]:
        """What a representation was made from, as a saved clustering keeps it."""
        self[name]
        return self._sources[name]

    def _counts_name(self) -> str | None:
        return next((name for name in self.names if self._settings[name].kind == "counts"), None)

    def _make(self, name: str) -> Features:
        settings = self._settings[name]
        if settings.kind == "joined":
            return joined_features([self[part] for part in settings.of], name=name)
        if settings.kind == "counts":
            self._sources[name] = {"kind": "counts"}
            return count_features(self._dataset, self._samples, settings=settings)
        features, self._sources[name] = make_features(
            self._dataset,
            self._samples,
            vectors=self._vectors[name],
            texts=self._texts[settings.text],
            pool=settings.pool if settings.kind == "statement" else "mean",
            weights=settings.weights if settings.kind == "section" else None,
        )
        return features
