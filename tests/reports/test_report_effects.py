"""What sets clusters apart on the page: drawn and tabled, nothing that few patients have."""

import re
from pathlib import Path

import fabricated_run as fabricated
import numpy as np
import polars as pl

from osler.base.files import read_json, write_json, write_parquet
from osler.phenotyping.cards import effect_table
from osler.phenotyping.classes import CLASSES
from osler.reports.formats import percent_interval
from osler.reports.report import write_report
from osler.represent.typed import TypedTable, Variable


def _page(folder: Path) -> tuple[str, pl.DataFrame]:
    """The section of a page with effects, and the effects; words only."""
    run = fabricated.make_run(folder)
    place = run / "phenotypes" / fabricated.TASK / "counts"
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(4), 300)
    rate = 120 + 20 * (cluster == 3) + rng.normal(0, 10, 1200)
    rare = np.zeros(1200)
    rare[[5, 400, 401, 900, 901, 902]] = 1
    table = TypedTable(
        (
            Variable("COL//hr", "Heart rate", "numeric", unit="/min"),
            Variable("COL//coma", "Unresponsive", "flag"),
            Variable("COL//rare", "A rare thing", "flag"),
        ),
        np.column_stack([rate, (rng.random(1200) < np.where(cluster == 3, 0.6, 0.1)), rare]),
    )
    effects = effect_table("kmeans", cluster, table, used=np.ones(3, dtype=bool))
    write_parquet(place / "effects.parquet", effects)
    fit = ("kmeans", 4, -9000.0, 90, 18180.0, 18600.0, 0.9, 0.82, 0.2, 100, 1, True, "best_replicated", 0.05)
    write_parquet(place / "classes.parquet", pl.DataFrame([fit], schema=CLASSES, orient="row"))
    facts = read_json(place / "phenotypes.json")
    facts["arms"]["kmeans"]["contrast"] = {
        **{"k": 6, "cluster": 4, "n": 107, "n_events": 27, "rate": 27 / 107, "low": 0.179, "high": 0.342},
        **{"jaccard": 0.82, "verdict": "not supported", "reason": "no gap", "name": "Unresponsive"},
    }
    facts["arms"]["kmeans"]["surrogate"] = {
        **{"fidelity": 0.81, "chance": 0.25},
        "nodes": [
            {"depth": 0, "question": "not Coma", "cluster": None, "n": 1200, "share": None},
            {"depth": 1, "question": "", "cluster": 0, "n": 1193, "share": 0.7},
            {"depth": 1, "question": "", "cluster": 3, "n": 7, "share": 0.9},
        ],
    }
    cautions = ["20 of 30 texts have tokens cut off: a cluster may be of what is left"]
    write_json(place / "phenotypes.json", {**facts, "cautions": cautions})
    found = re.search(r'<section id="phenotypes".*?</section>', write_report(run).read_text(), re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group())), effects


def test_large_differences_are_shown_and_rare_things_are_not(tmp_path: Path) -> None:
    shown, effects = _page(tmp_path)
    assert "What sets clusters apart" in shown
    heart = effects.filter(pl.col("variable") == "COL//hr", pl.col("cluster") == 3).row(0, named=True)
    assert f"Heart rate: cluster 0 {0:.0f}" not in shown
    assert f"{heart['smd']:+.1f}".replace("-", "\N{MINUS SIGN}") in shown
    assert f"+{heart['smd']:.2f} (+{heart['low']:.2f} to +{heart['high']:.2f})" in shown
    assert "Unresponsive" in shown
    assert "A rare thing" not in shown


def test_latent_classes_and_cautions_are_shown(tmp_path: Path) -> None:
    shown, _ = _page(tmp_path)
    assert "Latent classes by number" in shown
    assert "best solution found once" in shown
    assert "p = 0.050" in shown
    assert "20 of 30 texts have tokens cut off: a cluster may be of what is left." in shown


def test_the_cluster_whose_outcome_differs_most_is_told_with_its_verdict(tmp_path: Path) -> None:
    shown, _ = _page(tmp_path)
    row = shown[shown.index("The cluster whose outcome differs most, by arm") :]
    rate = re.sub(r"\s+", " ", percent_interval(27 / 107, 0.179, 0.342))
    assert f"counts, k = 6 107 {rate}" in row
    assert "not supported: no gap" in row


def test_the_tree_is_shown_with_its_fidelity_and_without_small_leaves(tmp_path: Path) -> None:
    shown, _ = _page(tmp_path)
    tree = shown[shown.index("A tree that tells the clusters") :]
    assert "not Coma? 1,200" in tree
    assert re.search(r"cluster 0 1,193 70.0.%", tree)
    assert "cluster 3 * " in tree
    assert re.search(r"Balanced accuracy 81.0.% on samples that the tree was not fitted on", tree)
