"""The weighted bootstrap against a loop that copies samples; tests and Holm's correction."""

import numpy as np
import pytest

from osler.measure.compare import bootstrap_p, holm, paired_difference, unpaired_gap
from osler.measure.discrimination import auprc, auroc
from osler.measure.ranking import Ranking
from osler.measure.resample import bootstrap, draw_weights, percentile_interval


def grouped(n_groups: int = 40, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups) + 100, rng.integers(1, 4, n_groups))
    y = rng.random(len(group)) < 0.35
    return group, y, rng.normal(size=len(group)) + y


def test_weights_keep_groups_together_and_draw_as_many_groups() -> None:
    group, _, _ = grouped()
    weight = draw_weights(group, draws=30, seed=1)
    _, first = np.unique(group, return_index=True)
    assert (weight[first].sum(axis=0) == len(first)).all()
    for one in np.unique(group):
        rows = weight[group == one]
        assert (rows == rows[0]).all()


def test_bootstrap_equals_a_loop_over_copied_samples() -> None:
    group, y, score = grouped()
    ranking = Ranking(y, score)
    drawn = bootstrap(group, {"auroc": ranking.auroc, "auprc": ranking.average_precision}, draws=50, seed=1)
    weight = draw_weights(group, draws=50, seed=1)
    for draw in range(50):
        rows = np.repeat(np.arange(len(y)), weight[:, draw].astype(int))
        assert drawn["auroc"][draw] == pytest.approx(auroc(y[rows], score[rows]))
        assert drawn["auprc"][draw] == pytest.approx(auprc(y[rows], score[rows]))


def test_chunks_and_other_statistics_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    group, y, score = grouped()
    ranking = Ranking(y, score)
    alone = bootstrap(group, {"a": ranking.auroc}, draws=300, seed=2)["a"]
    beside = bootstrap(group, {"b": ranking.average_precision, "a": ranking.auroc}, draws=300, seed=2)["a"]
    assert (alone == beside).all()
    assert (bootstrap(group, {"a": ranking.auroc}, draws=300, seed=3)["a"] != alone).any()
    monkeypatch.setattr("osler.measure.resample.CELLS", 50 * len(y))
    chunked = bootstrap(group, {"a": ranking.auroc}, draws=300, seed=2)["a"]
    assert len(chunked) == 300
    assert np.std(chunked) == pytest.approx(np.std(alone), rel=0.25)


def test_spread_equals_the_theory_of_a_mean() -> None:
    values = np.random.default_rng(4).normal(size=200)
    drawn = bootstrap(np.arange(200), {"mean": lambda w: values @ w / w.sum(axis=0)}, draws=4000, seed=0)
    assert np.std(drawn["mean"]) == pytest.approx(values.std() / np.sqrt(200), rel=0.05)
    low, high = percentile_interval(drawn["mean"])
    assert low < values.mean() < high


def test_percentiles_leave_out_draws_without_a_value() -> None:
    assert percentile_interval(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert np.isnan(percentile_interval(np.array([np.nan]))).all()


def test_p_by_hand_and_its_smallest_value() -> None:
    draws = np.concatenate([np.full(100, -1.0), np.zeros(50), np.full(9850, 1.0)])
    assert bootstrap_p(draws) == pytest.approx(2 * 151 / 10_001)
    assert bootstrap_p(np.ones(10_000)) == pytest.approx(2 / 10_001)
    assert bootstrap_p(np.zeros(10_000)) == 1.0
    with pytest.raises(ValueError, match="10,000"):
        bootstrap_p(np.ones(1000))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    corrected = holm([np.nan, 0.02, 0.03])
    assert np.isnan(corrected[0])
    assert corrected[1:] == pytest.approx([0.04, 0.04])
    assert len(holm([])) == 0


def test_pairing_sees_what_unpaired_draws_cannot() -> None:
    rng = np.random.default_rng(6)
    y = np.arange(400) < 100
    common = rng.normal(size=400) + y
    better, worse = common + 0.15 * y, common
    rankings = {"a": Ranking(y, better).auroc, "b": Ranking(y, worse).auroc}
    drawn = bootstrap(np.arange(400), rankings, draws=10_000, seed=0)
    value = auroc(y, better) - auroc(y, worse)
    paired = paired_difference(drawn["a"], drawn["b"], value=value)
    other = bootstrap(np.arange(400), {"b": Ranking(y, worse).auroc}, draws=10_000, seed=9)["b"]
    unpaired = unpaired_gap(drawn["a"], other, value=value)
    assert paired.p < 0.001 < unpaired.p
    assert paired.low < paired.value < paired.high
    assert unpaired.high - unpaired.low > 2 * (paired.high - paired.low)


def test_null_differences_are_rejected_at_most_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(7)
    rejected = 0
    for _ in range(40):
        y = np.arange(120) < 30
        a, b = rng.normal(size=120) + y, rng.normal(size=120) + y
        drawn = bootstrap(
            np.arange(120), {"a": Ranking(y, a).auroc, "b": Ranking(y, b).auroc}, draws=10_000, seed=0
        )
        rejected += paired_difference(drawn["a"], drawn["b"], value=0.0).p < 0.05
    assert rejected <= 7  # 2 expected; 8 or more have probability 0.001
