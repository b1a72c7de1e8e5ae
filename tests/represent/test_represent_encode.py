"""Encoding texts: against plain Python, resumed after a kill, cached, and blind to what comes after."""

import stat

import numpy as np
import polars as pl
import pytest
from represent_support import small_plan, two_samples_each, write_dataset

import osler.models.encoder
from osler.base.errors import InputError
from osler.base.files import read_json, write_json
from osler.models.batching import BUDGET
from osler.models.encoder import Encoder, load_encoder
from osler.represent.encode import make_vectors
from osler.represent.settings import EncodeSettings
from osler.represent.vectors import document_features, statement_features
from osler.statements.read import open_texts
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts

ROOM = 22  # tokens of text in a window of the tiny encoder


def fp32(encoder, unit, **more):
    return EncodeSettings(encoder=encoder, unit=unit, dtype="float32", **more)


def content(folder):
    """Bytes of every file below a folder."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def read(folder, unit):
    return pl.concat([pl.read_parquet(file) for file in sorted((folder / unit).rglob("*.parquet"))])


def by_hand(encoder, lines):
    """Vector of a record, statement by statement, window by window, without batches."""
    windows, current = [], []
    for line in lines:
        [ids] = encoder.tokenizer.encode([line])
        parts = [ids[i : i + ROOM] for i in range(0, len(ids), ROOM)] or [[]]
        for part in parts:
            if len(current) + len(part) > ROOM:
                windows.append(current)
                current = []
            current = current + part
    windows.append(current)
    vectors = np.vstack([encoder.encode_batch([window]) for window in windows])
    mean = np.average(vectors, axis=0, weights=[max(len(window), 1) for window in windows])
    return mean / np.linalg.norm(mean)


@pytest.mark.parametrize("block", [3, 2000])
def test_document_vectors_equal_those_by_hand(tiny_encoder, texts, tmp_path, block, monkeypatch):
    monkeypatch.setattr("osler.represent.blocks._DOCUMENTS", block)
    summary = make_vectors(texts, tmp_path / "v", settings=fp32(tiny_encoder, "document"))
    encoder = load_encoder(tiny_encoder, dtype="float32")
    assert summary.n_vectors == 24
    assert summary.n_windows > 40
    assert summary.n_cut == 2
    rows = read(tmp_path / "v", "document").join(
        open_texts(texts).texts().collect(), on=["subject_id", "prediction_time"]
    )
    assert rows.height == 24
    assert summary.n_tokens == rows["n_tokens"].sum()
    for row in rows.iter_rows(named=True):
        assert np.abs(by_hand(encoder, row["text"].split("\n")) - row["vector"]).max() < 1e-5
    assert rows.schema["vector"] == pl.Array(pl.Float32, 16)


@pytest.mark.parametrize("block", [4, 50_000])
def test_each_distinct_statement_is_encoded_once(tiny_encoder, texts, tmp_path, block, monkeypatch):
    monkeypatch.setattr("osler.represent.blocks._STATEMENTS", block)
    summary = make_vectors(texts, tmp_path / "v", settings=fp32(tiny_encoder, "statement"))
    statements = open_texts(texts).statements().collect().with_columns(pl.col("statement_id").cast(pl.String))
    rows = read(tmp_path / "v", "statement")
    assert rows["statement_id"].is_unique().all()
    assert set(rows["statement_id"]) == set(statements["statement_id"])
    assert summary.n_vectors == rows.height < statements.height
    encoder = load_encoder(tiny_encoder, dtype="float32")
    text = dict(zip(statements["statement_id"], statements["text"], strict=True))
    for statement, vector in rows.iter_rows():
        assert np.abs(by_hand(encoder, [text[statement]]) - vector).max() < 1e-5


@pytest.mark.parametrize("unit", ["document", "statement"])
def test_a_killed_job_resumes_and_ends_with_the_same_bytes(tiny_encoder, texts, tmp_path, unit, monkeypatch):
    settings = fp32(tiny_encoder, unit)
    monkeypatch.setattr("osler.represent.maker.plan_batches", small_plan(60))
    make_vectors(texts, tmp_path / "whole", settings=settings, cache=tmp_path / "cache-whole")
    undisturbed = content(tmp_path / "whole")
    encode, calls = Encoder.encode_batch, []

    def dies(self, ids, *, lead=0):
        calls.append(len(ids))
        if len(calls) % 4 == 0:
            raise KeyboardInterrupt
        return encode(self, ids, lead=lead)

    monkeypatch.setattr(Encoder, "encode_batch", dies)
    monkeypatch.setattr("osler.represent.cost.tokens_per_second", lambda encoder: 1.0)
    for _ in range(100):
        try:
            make_vectors(texts, tmp_path / "killed", settings=settings, cache=tmp_path / "cache")
        except KeyboardInterrupt:
            continue
        break
    assert len(calls) > 8
    assert content(tmp_path / "killed") == undisturbed
    before = len(calls)
    make_vectors(texts, tmp_path / "again", settings=settings, cache=tmp_path / "cache")
    make_vectors(texts, tmp_path / "killed", settings=settings)
    assert len(calls) == before
    assert content(tmp_path / "again") == undisturbed


def test_a_resumed_job_keeps_its_number_format(tiny_encoder, texts, tmp_path, monkeypatch):
    settings = EncodeSettings(encoder=tiny_encoder, dtype="auto")
    osler.models.encoder.load_encoder.cache_clear()  # another test may have loaded it on this processor
    monkeypatch.setattr("osler.models.loading.bfloat16_pays", lambda device: True)
    monkeypatch.setattr(Encoder, "encode_batch", lambda self, ids, *, lead=0: 1 / 0)
    monkeypatch.setattr("osler.represent.cost.tokens_per_second", lambda encoder: 1.0)
    with pytest.raises(ZeroDivisionError):
        make_vectors(texts, tmp_path / "v", settings=settings)
    monkeypatch.undo()
    monkeypatch.setattr("osler.models.loading.bfloat16_pays", lambda device: False)
    osler.models.encoder.load_encoder.cache_clear()
    assert make_vectors(texts, tmp_path / "v", settings=settings).dtype == "bfloat16"
    assert make_vectors(texts, tmp_path / "w", settings=settings).dtype == "float32"


def test_vectors_and_cache_are_private_and_not_pickled(tiny_encoder, texts, tmp_path):
    make_vectors(texts, tmp_path / "v", settings=fp32(tiny_encoder, "document"), cache=tmp_path / "cache")
    files = [*(tmp_path / "v").rglob("*.parquet"), *(tmp_path / "cache").rglob("*.npy")]
    assert len(files) > 4
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    for file in (tmp_path / "cache").rglob("*.npy"):
        assert np.load(file, allow_pickle=False).dtype == np.float32


def test_a_broken_cache_file_is_made_again(tiny_encoder, texts, tmp_path):
    settings = fp32(tiny_encoder, "document")
    make_vectors(texts, tmp_path / "v", settings=settings, cache=tmp_path / "cache")
    for number, file in enumerate((tmp_path / "cache").rglob("*.npy")):
        whole = file.read_bytes()
        file.write_bytes(
            [whole[: len(whole) // 2], b"", b"PK\x03\x04 no archive", b"\x80\x04 no pickle"][number % 4]
        )
    make_vectors(texts, tmp_path / "w", settings=settings, cache=tmp_path / "cache")
    assert content(tmp_path / "v") == content(tmp_path / "w")


@pytest.mark.parametrize("unit", ["document", "statement"])
def test_what_happens_later_changes_no_cache_key_and_no_vector(tiny_encoder, tmp_path, unit):
    """Events after the last prediction time are added and changed: texts, cache keys and vectors stay."""
    keys, vectors = [], []
    for future in (0, 1, 2):
        here = tmp_path / str(future)
        make_texts(
            write_dataset(here / "dataset", future=future),
            two_samples_each(),
            here / "texts",
            settings=TextSettings(),
        )
        make_vectors(here / "texts", here / "v", settings=fp32(tiny_encoder, unit), cache=here / "cache")
        keys.append({file.name for file in (here / "cache").rglob("*.npy")})
        vectors.append(read(here / "v", unit))
    assert keys[0]
    assert keys[0] == keys[1] == keys[2]
    for other in vectors[1:]:
        assert other.drop("vector").equals(vectors[0].drop("vector"))
        difference = other["vector"].to_numpy() - vectors[0]["vector"].to_numpy()
        assert np.abs(difference).max() < 1e-5


def test_other_samples_in_the_batch_change_a_vector_by_rounding_only(tiny_encoder, tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    few = two_samples_each().filter(pl.col("subject_id") < 4)
    for name, samples in (("all", two_samples_each()), ("few", few)):
        make_texts(dataset, samples, tmp_path / name, settings=TextSettings())
        make_vectors(tmp_path / name, tmp_path / f"v-{name}", settings=fp32(tiny_encoder, "document"))
    a = document_features(tmp_path / "v-all", few).matrix
    b = document_features(tmp_path / "v-few", few).matrix
    assert np.abs(a - b).max() < 1e-5


def test_features_follow_the_samples_given(tiny_encoder, texts, tmp_path):
    make_vectors(texts, tmp_path / "d", settings=fp32(tiny_encoder, "document"))
    make_vectors(texts, tmp_path / "s", settings=fp32(tiny_encoder, "statement"))
    samples = two_samples_each()
    backwards = samples.reverse()
    a, b = document_features(tmp_path / "d", samples), document_features(tmp_path / "d", backwards)
    assert np.array_equal(a.matrix, b.matrix[::-1])
    a = statement_features(tmp_path / "s", texts, samples)
    b = statement_features(tmp_path / "s", texts, backwards)
    assert a.names == b.names
    assert np.array_equal(a.matrix.toarray(), b.matrix.toarray()[::-1])
    lines = open_texts(texts).lines().collect()
    assert a.matrix.sum() == lines.height
    encoder = load_encoder(tiny_encoder, dtype="float32")
    pooled = a.make_transformer().fit_transform(a.matrix)
    text = open_texts(texts).texts().filter(pl.col("subject_id") == 1).collect()["text"][0]
    mean = np.mean([by_hand(encoder, [line]) for line in text.split("\n")], axis=0)
    assert np.abs(pooled[2] - mean / np.linalg.norm(mean)).max() < 1e-5


def test_wrong_requests_say_what_is_wrong(tiny_encoder, texts, tmp_path):
    with pytest.raises(InputError, match="not applicable"):
        make_vectors(texts, tmp_path / "v", settings=fp32("minilm", "document", instruction="generic"))
    with pytest.raises(InputError, match="no instruction"):
        make_vectors(texts, tmp_path / "v", settings=fp32("minilm", "document", instruction="task:none"))
    with pytest.raises(InputError, match="not a finished texts folder"):
        make_vectors(tmp_path, tmp_path / "v", settings=fp32(tiny_encoder, "document"))
    make_vectors(texts, tmp_path / "d", settings=fp32(tiny_encoder, "document"))
    with pytest.raises(InputError, match="unit 'document'"):
        statement_features(tmp_path / "d", texts, two_samples_each())
    with pytest.raises(InputError, match="not in this folder"):
        document_features(tmp_path / "d", two_samples_each(13))
    make_vectors(texts, tmp_path / "s", settings=fp32(tiny_encoder, "statement"))
    dataset = write_dataset(tmp_path / "other", subjects=13)
    make_texts(dataset, two_samples_each(13), tmp_path / "texts2", settings=TextSettings())
    with pytest.raises(InputError, match="other texts"):
        statement_features(tmp_path / "s", tmp_path / "texts2", two_samples_each())


def test_an_instruction_goes_before_each_window_and_off_its_room(tiny_encoder, texts, tmp_path, monkeypatch):
    from dataclasses import replace

    from osler.models import recipes

    follows = replace(recipes.recipe(tiny_encoder), name="follower", follows_instructions=True, context=80)
    monkeypatch.setitem(recipes.RECIPES, "follower", follows)
    (tmp_path / "ask.txt").write_text("find what matters: ")
    settings = fp32("follower", "document", instruction=str(tmp_path / "ask.txt"))
    summary = make_vectors(texts, tmp_path / "v", settings=settings)
    info = read_json(tmp_path / "v" / "encoder.json")
    assert summary.instruction == info["instruction"]["name"] == "file"
    assert info["instruction"]["text"] == "find what matters:"
    encoder = load_encoder("follower", dtype="float32")
    [prefix] = encoder.tokenizer.encode(["find what matters:"])
    short = open_texts(texts).texts().filter(pl.col("n_tokens") < 60).sort("n_tokens").collect()
    vectors = read(tmp_path / "v", "document").join(short, on=["subject_id", "prediction_time"])
    row = vectors.row(0, named=True)
    expected = encoder.encode_ids([[*prefix, *encoder.tokenizer.encode([row["text"]])[0]]])[0]
    assert np.abs(expected - row["vector"]).max() < 1e-5
    plain = make_vectors(texts, tmp_path / "w", settings=fp32("follower", "document"))
    assert plain.n_tokens == summary.n_tokens
    long = tmp_path / "long.txt"
    long.write_text("word " * 70)
    with pytest.raises(InputError, match="shorter instruction"):
        make_vectors(texts, tmp_path / "x", settings=fp32("follower", "document", instruction=str(long)))


def test_a_job_goes_on_with_the_budget_and_the_device_that_it_began_with(
    tiny_encoder, texts, tmp_path, monkeypatch
):
    settings = fp32(tiny_encoder, "document")
    whole = make_vectors(texts, tmp_path / "whole", settings=settings)
    part = next(iter((tmp_path / "whole").glob("encoder.json")))
    assert read_json(part)["plan"]["budget"] == BUDGET
    assert read_json(part)["encoder"]["device"] == "cpu"
    encode, calls = Encoder.encode_batch, []

    def dies(self, ids, *, lead=0):
        calls.append(len(ids))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return encode(self, ids, lead=lead)

    monkeypatch.setattr(Encoder, "encode_batch", dies)
    monkeypatch.setattr("osler.represent.cost.tokens_per_second", lambda encoder: 1.0)
    with pytest.raises(KeyboardInterrupt):
        make_vectors(texts, tmp_path / "v", settings=settings)
    [begun] = {*tmp_path.rglob("encoder.json")} - {part}
    info = read_json(begun)
    info["encoder"]["device"] = "cuda"
    write_json(begun, info)
    with pytest.raises(InputError, match="no graphics processor"):
        make_vectors(texts, tmp_path / "v", settings=settings)
    info["encoder"]["device"] = "cpu"
    write_json(begun, info)
    assert make_vectors(texts, tmp_path / "v", settings=settings).n_vectors == whole.n_vectors
    assert content(tmp_path / "v") == content(tmp_path / "whole")
