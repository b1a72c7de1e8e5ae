"""Texts in another order hold the same statements under the same words, and are encoded in the same way."""

import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.base.errors import InputError
from osler.base.files import read_json, write_json
from osler.represent import reorder
from osler.represent.encode import make_vectors
from osler.represent.reorder import reordered, reordered_features
from osler.represent.settings import EncodeSettings
from osler.represent.vectors import document_features
from osler.simulate.settings import SimulateSettings
from osler.simulate.simulate import simulate
from osler.statements.samples import record_end
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts

GAPS = st.sampled_from(["\n", "; ", "\n- ", "\nLabs: ", "\n2020-01-01\n", ""])


@given(st.lists(st.tuples(GAPS, st.text("abc é\n", min_size=1, max_size=6)), max_size=12), st.integers(0, 99))
def test_statements_stay_under_their_words(parts: list[tuple[str, str]], seed: int) -> None:
    text, start, end, heading = "", [], [], []
    for gap, said in parts:
        text += gap
        start.append(len(text))
        text += said
        end.append(len(text))
        heading.append((heading[-1] if heading else 0) + any(one.isalnum() for one in gap))
    text += "."
    moved, ends = reordered(text, start, end, np.random.default_rng(seed))
    assert len(moved) == len(text)
    at, found = 0, []
    for (gap, _), stop in zip(parts, ends, strict=True):
        assert moved[at : at + len(gap)] == gap
        found.append(moved[at + len(gap) : stop])
        at = stop
    assert moved[at:] == "."
    assert sorted(zip(heading, found, strict=True)) == sorted(
        zip(heading, (said for _, said in parts), strict=True)
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, pl.DataFrame]:
    from osler.record.dataset import open_dataset

    folder = tmp_path_factory.mktemp("reorder")
    simulate(folder / "dataset", settings=SimulateSettings(subjects=12, hospitals=2, seed=1))
    dataset = open_dataset(folder / "dataset")
    samples = record_end(dataset)
    make_texts(dataset, samples, folder / "texts", settings=TextSettings(budget=128))
    make_vectors(folder / "texts", folder / "vectors", settings=EncodeSettings(dtype="float32"))
    return folder / "texts", folder / "vectors", samples


def test_the_same_encoder_reads_the_other_order(folders, tmp_path: Path, monkeypatch) -> None:
    texts, vectors, samples = folders
    rows = samples[::-1][:7]
    own = document_features(vectors, rows).matrix
    (tmp_path / ".reordered-killed").mkdir()
    found = reordered_features(texts, vectors, rows, seed=3, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert (np.abs(found.matrix - own).max(axis=1) > 1e-3).any()
    again = reordered_features(texts, vectors, rows, seed=3)
    np.testing.assert_allclose(again.matrix, found.matrix, atol=1e-5)
    monkeypatch.setattr("osler.represent.reorder.reordered", lambda text, start, end, rng: (text, end))
    same = reordered_features(texts, vectors, rows)
    np.testing.assert_allclose(same.matrix, own, atol=1e-5)


def test_texts_that_just_fit_are_not_refused_in_another_order(tmp_path: Path) -> None:
    from osler.record.dataset import open_dataset

    simulate(tmp_path / "dataset", settings=SimulateSettings(subjects=4, hospitals=1, seed=2))
    dataset = open_dataset(tmp_path / "dataset")
    samples = record_end(dataset)
    make_texts(dataset, samples, tmp_path / "texts", settings=TextSettings(budget=64))
    how = EncodeSettings(dtype="float32", on_overflow="error")
    make_vectors(tmp_path / "texts", tmp_path / "vectors", settings=how)
    seen = []
    kept = reorder.make_vectors

    def watched(texts: Path, out: Path, *, settings: EncodeSettings, **rest: object) -> object:
        seen.append(settings)
        return kept(texts, out, settings=settings, **rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reorder, "make_vectors", watched)
        reordered_features(tmp_path / "texts", tmp_path / "vectors", samples)
    assert [(one.on_overflow, one.dtype, one.encoder) for one in seen] == [("window", "float32", "minilm")]


def test_what_has_no_order_is_refused(folders, tmp_path: Path) -> None:
    texts, vectors, samples = folders
    stranger = samples.head(1).with_columns(
        pl.lit(datetime(1990, 1, 1)).cast(pl.Datetime("us")).alias("prediction_time")
    )
    with pytest.raises(InputError, match="samples without a text"):
        reordered_features(texts, vectors, stranger)
    make_vectors(texts, tmp_path / "st", settings=EncodeSettings(unit="statement", dtype="float32"))
    with pytest.raises(InputError, match="documents only"):
        reordered_features(texts, tmp_path / "st", samples)


def test_another_encoder_of_the_same_name_is_refused(folders, tmp_path: Path) -> None:
    texts, vectors, samples = folders
    shutil.copytree(vectors, tmp_path / "vectors")
    info = read_json(tmp_path / "vectors" / "encoder.json")
    info["encoder"]["weights_sha256"] = "0" * 64
    write_json(tmp_path / "vectors" / "encoder.json", info)
    with pytest.raises(InputError, match="not encoded as these vectors were"):
        reordered_features(texts, tmp_path / "vectors", samples.head(2))
