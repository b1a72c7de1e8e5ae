"""Vectors by section against brute force: weights, empty sections, unknown sections, saved form, a study."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from represent_support import T0, two_samples_each

from osler.base.errors import InputError
from osler.phenotyping.inputs import make_features
from osler.phenotyping.store import pack, unpack
from osler.record.dataset import open_dataset
from osler.record.write import write_events, write_metadata
from osler.represent.encode import make_vectors
from osler.represent.joined import joined_features
from osler.represent.sections import section_features, sections_of
from osler.represent.settings import EncodeSettings, SectionSettings
from osler.represent.vectors import statement_features
from osler.statements.read import open_texts
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts

SECTIONS = {"LAB//a": "labs", "LAB//b": "labs", "PLAIN//c": "Social", "PLAIN//d": "Clinical"}


@pytest.fixture(scope="module")
def parts(tmp_path_factory, tiny_encoder):
    """Folders of texts and of statement vectors; subject 3 has nothing in `Social`."""
    folder = tmp_path_factory.mktemp("sections")
    rng = np.random.default_rng(1)
    rows = [
        (subject, T0, code, float(rng.integers(1, 4)), None)
        for subject in range(12)
        for code in SECTIONS
        for _ in range(int(rng.integers(1, 3)))
        if not (subject == 3 and code == "PLAIN//c")
    ]
    rows += [(subject, None, f"GENDER//{'FM'[subject % 2]}", None, None) for subject in range(12)]
    rows += [(subject, T0.replace(year=1960 + subject), "MEDS_BIRTH", None, None) for subject in range(12)]
    types = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String}
    schema = {**types, "numeric_value": pl.Float32, "text_value": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    for shard in range(2):
        write_events(folder / "d", f"train/{shard}", frame.filter(pl.col("subject_id") % 2 == shard))
    codes = pl.DataFrame({"code": list(SECTIONS), "section": list(SECTIONS.values())})
    write_metadata(folder / "d", name="d", codes=codes, used=frame["code"].unique())
    dataset = open_dataset(folder / "d")
    make_texts(dataset, two_samples_each(), folder / "t", settings=TextSettings())
    settings = EncodeSettings(encoder=tiny_encoder, unit="statement", dtype="float32")
    make_vectors(folder / "t", folder / "v", settings=settings)
    make_vectors(folder / "t", folder / "w", settings=settings.model_copy(update={"unit": "document"}))
    return folder


def by_hand(parts, samples, weights, sections):
    """Line by line: the mean of the vectors of a section's lines, at length 1, times its weight."""
    files = sorted((parts / "v" / "statement").rglob("*.parquet"))
    vector = {
        key: np.array(value, dtype=np.float64)
        for key, value in pl.concat([pl.read_parquet(f) for f in files]).iter_rows()
    }
    lines = open_texts(parts / "t").lines().collect()
    rows = []
    for subject, moment in samples.iter_rows():
        mine = lines.filter(pl.col("subject_id") == subject, pl.col("prediction_time") == moment)
        row = []
        for section in sections:
            wanted = ["age", "sex", section] if section == "demographics" else [section]
            found = [vector[i] for i, s in mine.select("statement_id", "section").iter_rows() if s in wanted]
            mean = np.mean(found, axis=0) if found else np.zeros(16)
            length = np.linalg.norm(mean)
            row.append(weights.get(section, 1.0) * mean / (length if length else 1.0))
        rows.append(np.concatenate(row))
    return np.array(rows)


@pytest.mark.parametrize(
    ("weights", "blocks"),
    [
        ({}, ["demographics", "labs", "Clinical", "Social"]),
        ({"Clinical": 2.5, "labs": 0.5}, ["demographics", "labs", "Clinical", "Social"]),
        ({"Clinical": 3, "labs": 0, "demographics": 0.0}, ["Clinical", "Social"]),
    ],
)
def test_blocks_equal_brute_force(parts, weights, blocks):
    samples = two_samples_each().sample(fraction=1.0, shuffle=True, seed=4)
    features = section_features(parts / "v", parts / "t", samples, weights=weights)
    expected = by_hand(parts, samples, weights, blocks)
    assert features.matrix.dtype == np.float32
    np.testing.assert_allclose(features.matrix, expected, atol=1e-5)
    assert features.names == [f"{section}:v{i}" for section in blocks for i in range(16)]
    lengths = np.linalg.norm(features.matrix.reshape(24, -1, 16), axis=2)
    empty = (samples["subject_id"] == 3).to_numpy()
    social = blocks.index("Social")
    assert (lengths[empty, social] == 0).all()
    for place, section in enumerate(blocks):
        rows = ~empty if section == "Social" else slice(None)
        np.testing.assert_allclose(lengths[rows, place], weights.get(section, 1.0), rtol=1e-5)


def test_one_section_is_the_pooled_statements_of_that_section(parts):
    """With every other section dropped from the texts, `statement` and `section` are the same vectors."""
    samples = two_samples_each()
    lines = open_texts(parts / "t").lines().collect()
    labs = set(lines.filter(pl.col("section") == "labs")["statement_id"])
    statements = statement_features(parts / "v", parts / "t", samples)
    keep = np.array([name in labs for name in statements.names], dtype=np.float32)
    only = replace(statements, matrix=statements.matrix.multiply(keep).tocsr())
    pooled = only.make_transformer().fit_transform(only.matrix)
    others = {name: 0.0 for name in sections_of(open_texts(parts / "t")) if name != "labs"}
    found = section_features(parts / "v", parts / "t", samples, weights=others)
    np.testing.assert_allclose(found.matrix, pooled, atol=1e-6)


def test_columns_do_not_depend_on_which_samples_are_asked_for(parts):
    whole = section_features(parts / "v", parts / "t", two_samples_each())
    three = two_samples_each().filter(pl.col("subject_id") == 3)
    part = section_features(parts / "v", parts / "t", three)
    assert part.names == whole.names
    np.testing.assert_allclose(part.matrix, whole.matrix[6:8], atol=1e-6)


def test_new_samples_get_the_blocks_of_an_earlier_representation(parts):
    blocks = ["Social", "somewhere else", "labs"]
    made = section_features(
        parts / "v", parts / "t", two_samples_each(), weights={"labs": 2.0}, sections=blocks
    )
    expected = by_hand(parts, two_samples_each(), {"labs": 2.0}, blocks)
    np.testing.assert_allclose(made.matrix, expected, atol=1e-5)
    assert not made.matrix[:, 16:32].any()


def test_wrong_weights_are_refused(parts):
    def make(**weights):
        section_features(parts / "v", parts / "t", two_samples_each(), weights=weights)

    with pytest.raises(InputError, match="Klinisch") as caught:
        make(Klinisch=2.0, labs=1.0)
    assert all(name in str(caught.value) for name in ("demographics", "labs", "Clinical", "Social"))
    with pytest.raises(InputError, match="no section"):
        make(demographics=0.0, labs=0.0, Clinical=0.0, Social=0.0)
    for weight in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="0 or more"):
            make(labs=weight)
    with pytest.raises(InputError, match="unit 'document'"):
        section_features(parts / "w", parts / "t", two_samples_each())
    for bad in ({"labs": -1}, {"labs": "2"}, ["labs"]):
        with pytest.raises(InputError, match="weights"):
            SectionSettings.parse({"weights": bad}, where="study.yaml")


def test_the_transformer_has_a_saved_form(parts):
    features = section_features(parts / "v", parts / "t", two_samples_each())
    transformer = features.make_linear().fit(features.matrix)
    arrays: dict = {}
    again = unpack(json.loads(json.dumps(pack(transformer, arrays))), arrays)
    assert np.array_equal(again.transform(features.matrix), features.matrix)
    assert again.get_feature_names_out().tolist() == features.names
    both = joined_features([features, statement_features(parts / "v", parts / "t", two_samples_each())])
    assert both.make_linear().fit_transform(both.matrix).shape == (24, 64 + 16)


def test_what_a_representation_was_made_from(parts):
    dataset = open_dataset(parts / "d")
    wanted = {"vectors": parts / "v", "texts": parts / "t", "pool": "mean"}
    features, source = make_features(dataset, two_samples_each(), weights={"labs": 2.0}, **wanted)
    assert (features.name, source["kind"], source["weights"]) == ("section", "section", {"labs": 2.0})
    assert source["sections"] == ["demographics", "labs", "Clinical", "Social"]
    again, same = make_features(
        dataset,
        two_samples_each(),
        weights=source["weights"],
        sections=source["sections"],
        **wanted,
    )
    assert same == source
    assert np.array_equal(again.matrix, features.matrix)


STUDY = """
osler: 1
name: small
dataset: {simulate: {subjects: 120, hospitals: 2, seed: 5}}
tasks: {readmission: {use: readmission}}
splits: {scheme: kfold, folds: 2, repeats: 1}
texts: {main: {style: list-recent, budget: 128}}
representations:
  counts: {kind: counts}
  aspects: {kind: section, text: main, encoder: ENCODER, weights: {labs: 2, visits: 0}}
predict: {heads: [lr], compare_to: counts+lr}
phenotype: {arms: [kmeans], k: [2, 3], bootstraps: 5, references: 19}
"""


def test_a_study_with_sections_runs_and_its_clusters_can_be_assigned(osler, tmp_path: Path, tiny_encoder):
    study, out = tmp_path / "study.yaml", tmp_path / "out"
    study.write_text(STUDY.replace("ENCODER", tiny_encoder))
    told = osler("run", study, "-o", out)
    assert told.code == 0, told.err
    assert "labs 2" in (out / "report.html").read_text()
    found = out / "phenotypes" / "readmission" / "aspects"
    told = osler(
        *("phenotype", "assign", found, out / "dataset", "-o", tmp_path / "a", "--k", "2"),
        *("--labels", out / "labels" / "readmission"),
        *("--vectors", out / "vectors" / "aspects", "--texts", out / "texts" / "main"),
    )
    assert told.code == 0, told.err
    first = pl.read_parquet(found / "phenotypes.parquet").filter(pl.col("k") == 2)
    assert pl.read_parquet(tmp_path / "a" / "phenotypes.parquet")["cluster"].equals(first["cluster"])
    study.write_text(STUDY.replace("ENCODER", tiny_encoder).replace("labs: 2", "lab: 2"))
    told = osler("run", study, "-o", tmp_path / "b")
    assert told.code == 2
    assert "lab" in told.err
    assert "demographics" in told.err
