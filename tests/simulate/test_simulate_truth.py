"""The true probabilities: against brute force, and against what happens."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osler.simulate.latent import draw_latent
from osler.simulate.mechanism import hospitals_of
from osler.simulate.outcomes import sigmoid
from osler.simulate.people import DAY, LANDMARK, READMITTED
from osler.simulate.settings import SimulateSettings
from osler.simulate.truth import bayes, bayes_auroc, observed_auroc

probabilities = st.lists(st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5, 0.5, 0.9, 1.0]), min_size=0, max_size=12)


@given(probabilities)
@settings(deadline=None, max_examples=100)
def test_bayes_auroc_is_the_expected_concordance(values: list[float]) -> None:
    pairs = concordant = 0.0
    for i, high in enumerate(values):
        for j, low in enumerate(values):
            if i != j:
                weight = high * (1 - low)
                pairs += weight
                concordant += weight * (1.0 if high > low else 0.5 if high == low else 0.0)
    found = bayes_auroc(np.array(values))
    if pairs < 1e-12:
        assert found is None or 0 <= found <= 1
    else:
        assert found == pytest.approx(concordant / pairs)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=15))
@settings(deadline=None, max_examples=100)
def test_observed_auroc_counts_pairs(rows: list[tuple[int, bool]]) -> None:
    events = [score for score, happened in rows if happened]
    others = [score for score, happened in rows if not happened]
    found = observed_auroc(np.array([r[0] for r in rows], float), np.array([r[1] for r in rows], float))
    if not events or not others:
        assert found is None
        return
    wins = sum((a > b) + 0.5 * (a == b) for a in events for b in others)
    assert found == pytest.approx(wins / (len(events) * len(others)))


@pytest.mark.parametrize("causes", [{}, {"prevalence": 3.0, "mechanism": 2.0, "case_mix": 2.0}])
def test_probabilities_are_what_happens(causes: dict[str, float]) -> None:
    """In each tenth of the true probability the rate agrees: at admission, at 24 hours, and at discharge."""
    hospitals = hospitals_of(SimulateSettings(hospitals=5, seed=2, causes=causes))
    _, stays = draw_latent(hospitals, 40_000, np.random.SeedSequence(5))
    still = stays.end - stays.admit > LANDMARK
    alive = ~stays.died
    for logit, happened in (
        (stays.death_logit, stays.died),
        (stays.landmark_logit[still], stays.died[still]),
        (stays.readmission_logit[alive], (stays.outcome == READMITTED)[alive]),
    ):
        p = sigmoid(logit)
        tenth = np.minimum((np.argsort(np.argsort(p)) * 10) // len(p), 9)
        for number in range(10):
            here = tenth == number
            error = np.sqrt((p[here] * (1 - p[here])).sum())
            assert abs(happened[here].sum() - p[here].sum()) < 4.5 * error


def test_stays_follow_each_other_as_the_outcome_says() -> None:
    hospitals = hospitals_of(SimulateSettings(causes={"mechanism": 0.0}))
    patients, stays = draw_latent(hospitals, 20_000, np.random.SeedSequence(1))
    assert (stays.end > stays.admit).all()
    early = stays.end - stays.admit < LANDMARK
    assert 0.05 < early[stays.died].mean() < 0.2  # some die before the landmark, most after
    follows = np.flatnonzero(stays.patient[1:] == stays.patient[:-1])
    gap = stays.admit[1:][follows] - stays.end[:-1][follows]
    back = stays.outcome[:-1][follows] == READMITTED
    assert (gap[back] <= 30 * DAY).all()
    assert (gap[back] >= DAY).all()
    assert (gap[~back] > 30 * DAY).all()
    last = np.append(stays.patient[1:] != stays.patient[:-1], True)
    assert not (stays.outcome[last] == READMITTED).any()  # who is readmitted has a next stay
    dead = patients.death >= 0
    assert (patients.death[dead] >= stays.end[last][dead]).all()
    assert (dead | (patients.follow_up > stays.end[last] + 30 * DAY)).all()  # nobody is lost within 30 days
    ages = stays.age
    assert ages.min() >= 18
    assert ages.max() < 125


def test_report_by_site_adds_up() -> None:
    frame = pl.DataFrame(
        {
            "site": ["a", "a", "b", "b", "b"],
            "death": [True, False, False, True, False],
            "death_prediction_time": [1, 1, 1, None, 1],
            "death_probability": [0.5, 0.2, 0.1, None, 0.3],
            "readmission": [None, True, False, None, False],
            "readmission_prediction_time": [None, 1, 1, None, 1],
            "readmission_probability": [None, 0.4, 0.4, None, 0.2],
        }
    )
    report = bayes(frame)
    assert report["stays"] == 5
    assert report["hospital_mortality"] == 0.4
    assert report["death"]["overall"]["n"] == 4
    assert report["death"]["overall"]["n_events"] == 1
    assert report["death"]["sites"]["b"] == {
        "n": 2, "n_events": 0, "rate": 0.0, "expected_rate": 0.2, "auroc": bayes_rounded([0.1, 0.3]),
        "auroc_observed": None,
    }  # fmt: skip
    assert report["readmission"]["sites"]["a"]["rate"] == 1.0


def bayes_rounded(values: list[float]) -> float:
    return round(bayes_auroc(np.array(values)) or 0.0, 6)
