"""A study with arms sets them side by side: a step of its own, in the report, the same by command."""

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.base.files import read_json, write_json
from osler.checks.doctor import examine
from osler.cli.main import app
from osler.phenotyping.inputs import text_traces
from osler.record.schema import SAMPLE_KEY
from osler.study.run import run_study
from osler.study.schema import read_study
from osler.task.labels import open_labels

STUDY = """
osler: 1
name: arms
dataset: {simulate: {subjects: 60, hospitals: 2, seed: 2}}
tasks: {readmission: {use: readmission}}
splits: {folds: 2}
texts: {main: {budget: 384}}
representations:
  counts: {kind: counts}
  cut: {kind: document, text: main, dtype: float32, on_overflow: truncate}
  st: {kind: statement, text: main, dtype: float32, pool: idf}
phenotype:
  arms: [kmeans, famd+kmeans, gower+pam]
  k: [2, 3]
  seeds: 1
  splits: 2
  bootstraps: 3
  references: 0
  compare: {scored: 60, order: 15}
"""
TABLES = ("scores", "agreement", "flow", "artefacts", "permutation", "separation")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arms")
    (folder / "study.yaml").write_text(STUDY)
    run_study(read_study(folder / "study.yaml"), folder / "out")
    return folder


def test_all_arms_are_beside_each_other(done: Path) -> None:
    place = done / "out/phenotypes/readmission/compare"
    facts = read_json(place / "compare.json")
    assert list(facts["arms"]) == [
        *("counts/kmeans", "cut/kmeans", "st/kmeans"),
        *("variables/famd+kmeans", "variables/gower+pam"),
    ]
    assert facts["spaces"] == ["gower", "famd", "counts", "cut", "st"]
    assert {name: one["n_reordered"] for name, one in facts["sources"].items()} == {
        **{"counts": 0, "cut": 15, "st": 0, "variables": 0}
    }
    artefacts = pl.read_parquet(place / "artefacts.parquet")
    assert set(artefacts.filter(pl.col("test") == "another order")["arm"]) == {"cut/kmeans"}
    traces = artefacts.filter(pl.col("test") == "between clusters", pl.col("arm") == "cut/kmeans")
    assert {"tokens of the text", "tokens cut off", "statements cut off"} <= set(traces["what"])
    assert not list(place.glob(".*")), "texts in another order do not stay"
    texts = pl.read_parquet(done / "out/texts/main/texts/*.parquet")
    samples = open_labels(done / "out/labels/readmission").samples
    found = text_traces(done / "out/texts/main", samples, done / "out/vectors/cut")
    own = samples.select(SAMPLE_KEY).join(texts, on=SAMPLE_KEY, how="left", maintain_order="left")
    assert found["tokens of the text"].tolist() == own["n_tokens"].to_list()
    assert found["statements cut off"].tolist() == own["n_dropped"].to_list()
    assert found["tokens cut off"].tolist() == [max(0, n - 256) for n in own["n_tokens"]]
    assert "tokens cut off" not in text_traces(done / "out/texts/main", samples, done / "out/vectors/st")
    page = (done / "out/report.html").read_text(encoding="utf-8")
    assert '<section id="arms"' in page
    assert page.index('id="phenotypes"') < page.index('id="arms"')


def test_only_the_comparison_is_redone_when_it_changes(done: Path) -> None:
    changed = done / "changed.yaml"
    changed.write_text(STUDY.replace("scored: 60", "scored: 50"))
    told = run_study(read_study(changed), done / "out")
    assert told["steps_done"] == 1
    assert run_study(read_study(done / "study.yaml"), done / "out")["steps_done"] == 1
    assert run_study(read_study(done / "study.yaml"), done / "out")["steps_done"] == 0


def test_the_command_gives_the_same(done: Path, tmp_path: Path) -> None:
    out = done / "out"
    command = ["phenotype", "compare", str(out / "phenotypes/readmission"), "--json"]
    command += ["--labels", str(out / "labels/readmission"), "--dataset", str(out / "dataset")]
    command += ["--texts", str(out / "texts/main"), "--scored", "60", "--order", "15"]
    vectors = [option for name in ("cut", "st") for option in ("--vectors", str(out / "vectors" / name))]
    told = CliRunner().invoke(app, [*command, *vectors, "-o", str(tmp_path / "c")])
    assert told.exit_code == 0, told.output
    summary = json.loads(told.stdout)
    assert list(summary["k chosen"]) == list(summary["artefacts"]) == list(summary["outcome explained"])
    for name in TABLES:
        file = f"{name}.parquet"
        own = out / "phenotypes/readmission/compare" / file
        assert (tmp_path / "c" / file).read_bytes() == own.read_bytes()
    with pytest.raises(InputError, match="the vectors that 'st' clustered are not known"):
        _raise(CliRunner().invoke(app, [*command, *vectors[:2], "-o", str(tmp_path / "d")]))
    with pytest.raises(InputError, match="no fitted phenotypes"):
        _raise(
            CliRunner().invoke(app, [*command[:2], str(tmp_path), *command[3:], "-o", str(tmp_path / "e")])
        )


def _raise(result) -> None:
    raise result.exception


def test_doctor_knows_a_comparison(done: Path, tmp_path: Path) -> None:
    import shutil

    place = tmp_path / "compare"
    shutil.copytree(done / "out/phenotypes/readmission/compare", place)
    assert {one["status"] for one in examine(place)["findings"]} == {"ok"}
    inside = examine(done / "out")["findings"]
    assert any(one["check"] == "comparison" and one["status"] == "ok" for one in inside)
    facts = read_json(place / "compare.json")
    del facts["arms"]["st/kmeans"]
    write_json(place / "compare.json", facts)
    scores = pl.read_parquet(place / "scores.parquet")
    scores.with_columns(silhouette_micro=pl.lit(1.5)).write_parquet(place / "scores.parquet")
    found = [one for one in examine(place)["findings"] if one["check"] == "comparison"]
    assert {one["status"] for one in found} == {"broken"}
    assert {(one["column"], one["count"]) for one in found if one["file"].endswith("scores.parquet")} == {
        ("arm", scores.filter(pl.col("arm") == "st/kmeans").height),
        ("silhouette_micro", scores.height),
    }
    scores.drop("own", "arm").write_parquet(place / "scores.parquet")
    missing = [one["what"] for one in examine(place)["findings"] if one["check"] == "comparison"]
    assert "scores: columns are missing: arm" in missing
