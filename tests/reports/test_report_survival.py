"""Survival by cluster on the page: drawn where it is known, nothing of a few patients, else said."""

import re
from pathlib import Path
from typing import Any

import fabricated_run as fabricated
import numpy as np
import pytest

from osler.base.files import read_json, write_json, write_parquet
from osler.phenotyping.follow_up import UNDATED, FollowUp
from osler.phenotyping.survival import survivals
from osler.reports.report import write_report
from osler.reports.survival import kept_points


def page_with(folder: Path, follow: FollowUp, cluster: np.ndarray) -> str:
    """The section of a page whose clusters have this survival."""
    run = fabricated.make_run(folder)
    place = run / "phenotypes" / fabricated.TASK / "counts"
    table, facts = survivals({"kmeans": (4, cluster)}, follow, group=np.arange(len(cluster)))
    write_parquet(place / "survival.parquet", table)
    told: dict[str, Any] = read_json(place / "phenotypes.json")
    write_json(place / "phenotypes.json", {**told, "survival": facts})
    found = re.search(r'<section id="phenotypes".*?</section>', write_report(run).read_text(), re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found.group()))


@pytest.fixture
def cluster() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 4, 1200)


def test_curves_and_numbers_at_risk(tmp_path: Path, cluster: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    end, censored = rng.exponential(20.0, 1200), rng.exponential(30.0, 1200)
    shown = page_with(tmp_path, FollowUp(np.minimum(end, censored), end < censored), cluster)
    assert "Survival by cluster" in shown
    assert "whoever leaves is followed no longer" in shown
    assert "corrected for the arms (Holm)" in shown
    assert f"cluster 0 {(cluster == 0).sum()}" in shown[shown.index("Patients at risk") :]


def test_a_cluster_with_few_deaths_is_not_drawn(tmp_path: Path, cluster: np.ndarray) -> None:
    died = np.zeros(1200, dtype=bool)
    died[cluster > 0] = np.random.default_rng(1).random((cluster > 0).sum()) < 0.5
    died[np.flatnonzero(cluster == 0)[:3]] = True
    days = np.random.default_rng(2).exponential(20.0, 1200)
    shown = page_with(tmp_path, FollowUp(days, died), cluster)
    assert "the number is suppressed" in shown
    assert "Patients at risk" not in shown
    assert "Log-rank" not in shown


def test_what_is_not_known_is_said(tmp_path: Path, cluster: np.ndarray) -> None:
    unknown = FollowUp(np.full(1200, np.nan), np.zeros(1200, dtype=bool), UNDATED)
    shown = page_with(tmp_path, unknown, cluster)
    assert f"Survival is not drawn: {UNDATED}." in shown
    assert "Patients at risk" not in shown


def test_no_two_shown_points_have_few_deaths_between_them() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        deaths = np.cumsum(rng.poisson(2, 40))
        at_risk = 200 - deaths - np.cumsum(rng.poisson(1, 40))
        kept = kept_points(deaths, at_risk, min_cell=10)
        between = np.diff(deaths[kept])
        assert ((between == 0) | (between > 10)).all()
        assert (at_risk[kept][1:] > 10).all()
