"""Figures: small, inert, coloured by the page; words about clusters: nothing that few patients carry."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.reports.clusters import differences
from osler.reports.figures.canvas import COLOURS
from osler.reports.figures.curves import Curve, calibration_figure, pr_figure, roc_figure
from osler.reports.figures.flow import Bar, Ribbon, flow_figure
from osler.reports.figures.forest import Estimate, forest_figure
from osler.reports.figures.lines import index_figure
from osler.reports.figures.scatter import Points, scatter_figure
from osler.reports.sections.settings import _leaves

X = np.linspace(0, 1, 11)
LABEL = "a$_1$ <b>&</b>"
CURVES = [
    Curve(LABEL, "series-1", X, X**0.5, X**0.7, X**0.4, chief=True),
    Curve("second", "series-2", X, X, dashed=True),
]


def figures() -> dict[str, str]:
    estimates = [
        Estimate(LABEL, "0.1 (−0.1 to 0.2)", 0.1, -0.1, 0.2, "good"),
        Estimate("b", "", 0.0, 0.0, 0.0),
    ]
    points = [Points(LABEL, "faint", X, X), Points("two", "bad", X, 1 - X)]
    bars = [Bar(LABEL, (("0", 0.7), ("1", 0.3))), Bar("b", (("0", 0.6), ("none", 0.4)))]
    ribbons = [Ribbon(0, "0", "0", 0.6), Ribbon(0, "0", "none", 0.1), Ribbon(0, "1", "none", 0.3)]
    return {
        "flow": flow_figure("flow", bars, ribbons, title=LABEL, gist=LABEL),
        "roc": roc_figure("roc", CURVES, gist=LABEL),
        "pr": pr_figure("pr", CURVES, prevalence=0.3, gist=LABEL),
        "calibration": calibration_figure("calibration", CURVES, gist=LABEL),
        "forest": forest_figure("forest", estimates, title=LABEL, gist=LABEL, reference=0.0, axis=LABEL),
        "index": index_figure(
            "index",
            [2, 3, 4],
            [0.1, 0.2, -0.1],
            colour="series-3",
            chosen=3,
            title=LABEL,
            gist="",
            axis="index",
        ),
        "scatter": scatter_figure("scatter", points, title=LABEL, gist=LABEL),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return figures()


def test_figures_are_the_same_each_time(drawn):
    assert figures() == drawn


@pytest.mark.parametrize("name", ["flow", "roc", "pr", "calibration", "forest", "index", "scatter"])
def test_figures_take_colour_font_and_words_from_the_page(drawn, name):
    svg = str(drawn[name])
    assert svg.startswith('<svg viewBox="0 0 360 ')
    assert 'role="img"' in svg
    assert "<title" in svg
    assert not any(colour in svg for colour in COLOURS.values())
    assert "var(--" in svg
    assert not re.search(r"#[0-9a-f]{6}\b", svg), "a colour that dark mode could not change"
    for forbidden in ("http", "xmlns", "font-family", "DejaVu", "<script", "<style", "<b>", "<!--"):
        assert forbidden not in svg
    assert "a$_1$ &lt;b&gt;" in svg
    ids = re.findall(r' id="([^"]+)"', svg)
    assert len(set(ids)) == len(ids)
    assert all(one.startswith(name) for one in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= set(ids)


def carried(inside: np.ndarray, outside: np.ndarray) -> dict[str, object]:
    """One row of `describe.parquet` for a count column with these values."""
    gap = inside.mean() - outside.mean()
    spread = np.sqrt((inside.var(ddof=1) + outside.var(ddof=1)) / 2)
    return {
        "cluster": 0,
        "direction": "over",
        "rank": 0,
        "variable": "NOTE//words=of a patient|ever|count",
        "n_inside": len(inside),
        "n_outside": len(outside),
        "mean_inside": inside.mean(),
        "mean_outside": outside.mean(),
        "smd": gap / spread,
    }


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=10),
    st.lists(st.integers(1, 500), min_size=0, max_size=40),
    st.integers(0, 200),
    st.integers(2, 400),
)
def test_variables_of_few_carriers_are_never_named(few, others, zeros, rest):
    """However often ten patients or fewer have it, on either side."""
    side = np.array(few + [0] * (zeros + 2), dtype=float)
    other = np.array(others + [0] * rest, dtype=float)
    for inside, outside in ((side, other), (other, side)):
        row = carried(inside, outside)
        if not np.isfinite(row["smd"]) or row["smd"] == 0:
            continue
        assert differences(pl.DataFrame([row]), 0, names={}, min_cell=10) == "–"


def test_variables_of_many_are_named():
    inside, outside = np.array([1.0] * 60 + [0.0] * 40), np.array([1.0] * 100 + [0.0] * 300)
    row = {**carried(inside, outside), "variable": "COL//hiv=Positive|ever|count"}
    words = differences(pl.DataFrame([row]), 0, names={"COL//hiv": "HIV status"}, min_cell=10)
    assert words == "More: HIV status: Positive +0.75"


def test_settings_are_listed_by_key_path():
    found = dict(_leaves({"a": {"b": [1, 2], "c": None, "d": [{"e": True}]}, "p": "/home/someone/x.csv"}))
    assert found == {"a.b": "1, 2", "a.c": "none", "a.d.0.e": "yes", "p": "…/x.csv"}
