"""Traces of length in vectors: equal to regression and rank correlation by other libraries; words by rule."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression

from osler.phenotyping.artefact_table import ARTEFACTS, CONTROL, DIRECTION, ORDER, REMADE, TRACE, WITHOUT
from osler.phenotyping.artefact_words import artefact_words
from osler.phenotyping.artefacts import leading_directions
from osler.phenotyping.traces import followed, ranked, without_traces

RNG = np.random.default_rng(0)
WORDS = RNG.lognormal(size=90).round(1)
MISSING = np.where(np.arange(90) < 5, np.nan, RNG.integers(0, 4, 90))
X = RNG.normal(size=(90, 4)) + WORDS[:, None]
TRACES = {"words": WORDS, "missing": MISSING}


def test_what_traces_predict_is_what_a_regression_predicts() -> None:
    ranks = [np.nan_to_num(ranked(one), nan=np.nanmean(ranked(one))) for one in TRACES.values()]
    basis = np.column_stack([*ranks, *(rank**2 for rank in ranks)])
    expected = X - LinearRegression().fit(basis, X).predict(basis)
    np.testing.assert_allclose(without_traces(X, TRACES), expected, atol=1e-9)
    np.testing.assert_allclose(without_traces(X, {}), X - X.mean(axis=0))


def test_directions_follow_as_rank_correlation_says() -> None:
    directions = leading_directions(X, 2)
    found = followed(directions, TRACES)
    seen = ~np.isnan(MISSING)
    for place in (0, 1):
        one = spearmanr(directions[:, place], WORDS).statistic
        other = spearmanr(directions[seen, place], MISSING[seen]).statistic
        assert found["words"][place] == pytest.approx(one**2)
        assert found["missing"][place] == pytest.approx(other**2)
    assert np.isnan(followed(directions, {"all alike": np.ones(90)})["all alike"]).all()


def told(*rows: tuple[str, str, float]) -> dict:
    full = [("a/kmeans", 2, *row, None, None, 0.3, 90) for row in rows]
    return artefact_words(pl.DataFrame(full, schema=ARTEFACTS, orient="row"))


def test_an_artefact_is_named_by_rule() -> None:
    gone, kept = (REMADE, "without 1 direction", 0.1), (REMADE, "without 1 direction", 0.9)
    assert told((TRACE, "words", 0.49), kept)["artefacts"] == []
    assert told((TRACE, "words", 0.51), kept)["artefacts"] == ["words"]
    assert told((TRACE, "words", 0.2), gone)["artefacts"] == []
    assert told((TRACE, "words", 0.2), gone, (DIRECTION, "words", 0.6))["artefacts"] == ["words"]
    assert told((TRACE, "words", 0.2), kept, (DIRECTION, "words", 0.6))["artefacts"] == []
    lost = (REMADE, WITHOUT, 0.1)
    assert told(kept, lost, (REMADE, CONTROL, 0.9))["artefacts"] == ["length or missing values"]
    assert told(kept, lost, (REMADE, CONTROL, 0.3))["artefacts"] == []
    assert told(kept, (ORDER, "samples in another cluster", 0.26))["artefacts"] == ["order of the statements"]
    assert told(kept, (ORDER, "samples in another cluster", 0.24))["artefacts"] == []


def test_the_sentence_says_what_was_found() -> None:
    sentence = told((TRACE, "words", 0.1), (TRACE, "missing", 0.3), (REMADE, "without 2 directions", 0.1))[
        "sentence"
    ]
    assert sentence == (
        "No test names an artefact of the clusters (missing goes with them most: 30 %); the partition "
        "disappears without 2 directions of the vectors (30 % of their variance)."
    )
    assert (
        "found again in part (adjusted Rand index 0.50)"
        in told((REMADE, WITHOUT, 0.5), (REMADE, CONTROL, 1.0))["sentence"]
    )
    moved = (ORDER, "samples in another cluster", 0.5)
    assert "the first window only" in told((TRACE, "tokens cut off", 0.1), moved)["sentence"]
    assert "the first window only" not in told((TRACE, "words", 0.1), moved)["sentence"]
    assert told()["sentence"] == "No test names an artefact of the clusters."
