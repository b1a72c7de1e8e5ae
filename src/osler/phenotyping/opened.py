"""Folders of fitted phenotypes, opened together with what they were fitted on."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.phenotyping.data import ArmInput
from osler.phenotyping.inputs import Pool, make_features, text_traces
from osler.phenotyping.model import load_model
from osler.phenotyping.settings import VARIABLES, PhenotypeSettings
from osler.phenotyping.sources import Source
from osler.record.dataset import Dataset
from osler.represent.features import Features
from osler.represent.reorder import reordered_features
from osler.represent.typed_read import typed_table
from osler.statements.read import open_texts

COUNTS = "counts"
_MARK = "phenotypes.json"


def open_sources(
    folders: Sequence[Path],
    dataset: Dataset,
    samples: pl.DataFrame,
    *,
    vectors: Sequence[Path] = (),
    texts: Sequence[Path] = (),
    pool: Pool = "idf",
    encoder: str | None = None,
    seed: int = 0,
) -> list[Source]:
    """What `compare_phenotypes` sets side by side, from folders that `osler phenotype fit` wrote.

    Args:
        folders: of fitted phenotypes, or one that holds several.
        dataset: that they were fitted on.
        samples: `subject_id, prediction_time` of the labels.
        vectors: folders of vectors that were clustered, each with the name of its phenotypes' folder; where
            there is one of both the names may differ.
        texts: folders of the texts behind the vectors.
        pool: how statement vectors were pooled.
        encoder: of document vectors, where the name in their folder does not find it.
        seed: seed of the other orders of statements.

    Returns:
        Representations in the order given, by the names of their folders of phenotypes, then the variables.

    Raises:
        InputError: no such folders, or vectors or texts that are needed are not named.
    """
    found = [inner for folder in folders for inner in _fitted(folder)]
    kinds = {folder: str(read_json(folder / _MARK)["representation"]) for folder in found}
    encoded = [folder for folder, kind in kinds.items() if kind not in (VARIABLES, COUNTS)]
    of_texts = {open_texts(folder).hash: folder for folder in texts}
    tables: dict[str, Any] = {}
    sources = []
    for folder in sorted(found, key=lambda one: kinds[one] == VARIABLES):
        settings = PhenotypeSettings.parse(read_json(folder / _MARK)["settings"], where=str(folder / _MARK))
        asked = settings.table.model_dump_json()
        if asked not in tables:
            tables[asked] = typed_table(dataset, samples, settings=settings.table)[0]
        table = tables[asked]
        if kinds[folder] == VARIABLES:
            sources.append(Source(VARIABLES, folder, ArmInput(table=table)))
            continue
        if kinds[folder] == COUNTS:
            counts, _ = make_features(dataset, samples, vectors=None, texts=None, pool=pool)
            sources.append(Source(COUNTS, folder, ArmInput(table=table, features=counts)))
            continue
        place = _vectors_of(folder, vectors, alone=len(encoded) == 1)
        info = read_json(place / "encoder.json")
        own = of_texts.get(info["texts_hash"])
        by_section = _by_section(folder)
        features, _ = make_features(dataset, samples, vectors=place, texts=own, pool=pool, **by_section)
        reorder = None
        if own is not None and info["unit"] == "document":
            reorder = partial(_reordered, own, place, samples, encoder=encoder, seed=seed)
        sources.append(
            Source(
                folder.resolve().name,
                folder,
                ArmInput(table=table, features=features),
                traces={} if own is None else text_traces(own, samples, place),
                embedded=True,
                reorder=reorder,
            )
        )
    return sources


def _fitted(folder: Path) -> list[Path]:
    """The folder itself, or those in it, that hold fitted phenotypes."""
    if (folder / _MARK).is_file():
        return [folder]
    inside = sorted(path.parent for path in folder.glob(f"*/{_MARK}"))
    if not inside:
        raise InputError(
            "no fitted phenotypes", where=folder, remedy="name a folder that `osler phenotype fit` wrote"
        )
    return inside


def _vectors_of(folder: Path, vectors: Sequence[Path], *, alone: bool) -> Path:
    """The vectors that were clustered in a folder."""
    named = [place for place in vectors if place.name == folder.name]
    if not named and alone and len(vectors) == 1:
        named = list(vectors)
    if len(named) != 1 or not (named[0] / "encoder.json").is_file():
        raise InputError(
            f"the vectors that '{folder.name}' clustered are not known",
            where=folder,
            allowed=[place.name for place in vectors],
            remedy=f"name them with --vectors; their folder is called '{folder.name}'",
        )
    return named[0]


def _by_section(folder: Path) -> dict[str, Any]:
    """What was weighed when the clusters of a representation by section were found."""
    if not (folder / "model").is_dir():
        return {}
    source = load_model(folder).source or {}
    return {name: source.get(name) for name in ("weights", "sections")}


def _reordered(
    texts: Path,
    vectors: Path,
    samples: pl.DataFrame,
    rows: np.ndarray,
    scratch: Path,
    *,
    encoder: str | None,
    seed: int,
) -> Features:
    return reordered_features(texts, vectors, samples[rows], encoder=encoder, seed=seed, scratch=scratch)
