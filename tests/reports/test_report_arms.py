"""The arms side by side on the page: the numbers of the files, the plain words, and no small count."""

import re
from pathlib import Path

import fabricated_run as fabricated
import polars as pl
import pytest

from osler.base.files import read_json, write_json, write_parquet
from osler.reports.report import write_report
from osler.reports.runfiles import RunFiles
from osler.reports.sections import arms, arms_flow


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return fabricated.make_run(tmp_path / "run")


def words(run: Path) -> str:
    page = write_report(run).read_text(encoding="utf-8")
    found = re.search(r'<section id="arms".*?</section>', page, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<(?!/?strong)[^>]+>", " ", found.group()))


def test_both_tables_of_silhouettes_are_there(run: Path) -> None:
    text = words(run)
    own = text[text.index("each in its own space") : text.index("each in every space")]
    assert "counts, kmeans <strong>0.22</strong> 0.33" in own
    assert "statements, kmeans 0.25 <strong>0.36</strong>" in own
    assert "lca – –" in own
    shared = text[text.index("each in every space") : text.index("How far the chosen")]
    assert "counts, kmeans 2 0.24 0.23 <strong>0.22</strong> 0.25" in shared
    assert "gower+pam 2 <strong>0.24</strong> 0.23 0.22 0.25" in shared
    agreement = text[text.index("How far the chosen") : text.index("Flow between")]
    assert "2 statements, kmeans 0.41 0.05" in agreement
    assert "1 counts, kmeans 0.39 –" in agreement


def test_artefacts_and_separation_are_told(run: Path) -> None:
    text = words(run)
    assert "An artefact is named for statements, kmeans, k = 3 (tokens of the text)." in text
    assert "The clusters follow tokens of the text (81 %" in text
    assert "counts, kmeans, k = 3, highest silhouette . Nothing." in text.replace("</strong>", " ")
    assert "statements, kmeans, k = 3 0.03 12.5 %" in text
    assert "Of the stable partitions counts, kmeans (k = 2) separates the outcome most: 2.1 %" in text
    assert "(95 % interval 0.3–4.0), more than every other stable one." in text
    table = text[text.index("by stability") :]
    assert table.index("at least 0.75") < table.index("Stability not assessed")
    assert "statements, kmeans, k = 3 0.2 % (−0.3 to 1.0) p = 0.70 0.90 1.9 (0.2–3.6)" in table


def test_what_is_not_told_apart_or_no_more_than_chance_is_said_so(run: Path) -> None:
    place = run / "phenotypes/mortality/compare/separation.parquet"
    table = pl.read_parquet(place)
    write_parquet(place, table.with_columns(less_low=pl.col("less_low") - 1))
    assert "Not told apart from it: statements, kmeans." in words(run)
    artefact = table.with_columns(
        explained=pl.when(pl.col("k") == 3).then(0.9).otherwise("explained"), p=pl.lit(0.01)
    )
    write_parquet(place, artefact)
    assert "An artefact is named for it: tokens of the text." in words(run)
    write_parquet(place, table.with_columns(p=pl.lit(0.4)))
    assert "no more than chance gives who looks at every arm and k (p = 0.40)" in words(run)
    write_parquet(place, table.filter(pl.col("stability") != "at least 0.75"))
    assert "No arm's chosen partition is stable" in words(run).replace("&#39;", "'")


def test_few_events_hide_all_that_is_about_the_outcome(run: Path) -> None:
    facts = read_json(run / "phenotypes/mortality/compare/compare.json")
    write_json(run / "phenotypes/mortality/compare/compare.json", {**facts, "n_event_patients": 6})
    text = words(run)
    assert "Separation of the outcome" not in text
    assert "each in every space" in text


def test_flows_are_rounded_and_those_of_few_patients_left_out(run: Path, monkeypatch) -> None:
    drawn = {}
    monkeypatch.setattr(
        arms_flow, "flow_figure", lambda name, bars, ribbons, **rest: drawn.update(bars=bars, ribbons=ribbons)
    )
    arms.section(RunFiles(run))
    table = pl.read_parquet(run / "phenotypes/mortality/compare/flow.parquet")
    kept = table.filter(pl.col("n") > 10, pl.col("n_patients") > 10)
    assert kept.height < table.height
    assert len(drawn["ribbons"]) == kept.height
    tens = kept.select((pl.col("n") / 10).round()).to_series().to_list()
    unit = sum(ribbon.share for ribbon in drawn["ribbons"]) / sum(tens)
    assert sorted(ribbon.share / unit for ribbon in drawn["ribbons"]) == pytest.approx(sorted(tens))
    assert sum(share for _, share in drawn["bars"][1].clusters) <= 1 + 1e-9


def test_a_part_of_a_comparison_may_be_missing(run: Path) -> None:
    for name in ("scores", "agreement", "flow", "artefacts", "separation"):
        (run / f"phenotypes/mortality/compare/{name}.parquet").unlink()
        write_report(run)
    assert arms.section(RunFiles(run)) is None


def test_an_arm_without_a_cluster_is_said_to_have_none(run: Path) -> None:
    place = run / "phenotypes/mortality/counts"
    indices = pl.read_parquet(place / "indices.parquet")
    none = indices.head(1).with_columns(arm=pl.lit("hdbscan"), k=pl.lit(0, dtype=indices.schema["k"]))
    write_parquet(place / "indices.parquet", pl.concat([indices, none]))
    write_json(place / "phenotypes.json", {"arms": {"hdbscan": {"chosen_k": 0}}})
    assert "counts, hdbscan: no k chosen" in write_report(run).read_text(encoding="utf-8")
    facts = read_json(run / "phenotypes/mortality/compare/compare.json")
    facts["arms"]["variables/lca"]["k"] = 0
    write_json(run / "phenotypes/mortality/compare/compare.json", facts)
    assert "lca 0" not in words(run)
