"""What is asked of latent classes: one class more, local dependence, adequacy."""

import numpy as np
import pytest
from test_lca import fitted, how, planted, table_of

from osler.base.errors import InputError
from osler.phenotyping.classes import class_tables
from osler.phenotyping.clustered import cluster_arms
from osler.phenotyping.data import ArmInput
from osler.phenotyping.methods import lca
from osler.phenotyping.methods.latent_class.adequacy import adequacy
from osler.phenotyping.methods.latent_class.ratio_test import ratio_test, simulate
from osler.phenotyping.methods.latent_class.residuals import bivariate_residuals
from osler.phenotyping.points import Points
from osler.represent.typed import TypedTable, Variable


def test_one_class_more_is_tested() -> None:
    table, _ = planted(150, missing=0.1, seed=6, k=2)
    settings = how(starts=6, refit_starts=4, tolerance=1e-2)
    fits = {k: fitted(table, k, settings=settings) for k in (1, 2, 3)}
    points = Points(table=table)
    below = ratio_test(points, fits[1], fits[2], settings=settings, seed=0, draws=19)
    beyond = ratio_test(points, fits[2], fits[3], settings=settings, seed=0, draws=19)
    assert below.p == 1 / 20
    assert below.statistic > 2 * below.drawn.max()
    assert beyond.p > 0.1
    assert beyond.p == (1 + (beyond.drawn >= beyond.statistic).sum()) / 20
    assert (below.k, beyond.k) == (2, 3)
    with pytest.raises(InputError, match="models of 1 and 3 classes"):
        ratio_test(points, fits[1], fits[3], settings=settings, seed=0)
    with pytest.raises(InputError, match="give no p-value"):
        ratio_test(points, fits[1], fits[2], settings=settings, seed=0, draws=0)


def test_simulated_samples_are_of_the_model() -> None:
    table, _ = planted(400, missing=0.1, seed=2)
    constant = TypedTable(
        (*table.variables, Variable("same", "Same", "numeric")),
        np.hstack([table.values, np.full((400, 1), 7.0)]),
    )
    found = fitted(constant, 3)
    large = constant.take(np.tile(np.arange(400), 50))
    drawn = simulate(found.model, large, rng=np.random.default_rng(0))
    assert (np.isnan(drawn.values) == np.isnan(large.values)).all()
    assert (drawn.values[:, -1] == 7).all()
    weight = found.model["weight"]
    means = np.nanmean(drawn.values, axis=0)
    np.testing.assert_allclose(means[:4], weight @ found.model["share"][:, 1:8:2], atol=0.015)
    np.testing.assert_allclose(means[7:10], weight @ found.model["mean"][:, :3], rtol=0.002)
    first = np.bincount(drawn.values[~np.isnan(drawn.values[:, 4]), 4].astype(int)) / 18_000
    np.testing.assert_allclose(first, weight @ found.model["share"][:, 8:11], atol=0.02)


def test_a_dependent_pair_stands_out() -> None:
    table, _ = planted(500, missing=0.1, seed=7)
    rng = np.random.default_rng(1)
    flag = (rng.random(500) < 0.5).astype(float)
    extra = np.column_stack([flag, np.where(rng.random(500) < 0.9, flag, 1 - flag)])
    numbers = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], 500)
    values = np.hstack([extra, table.values, numbers])
    wide = table_of(values, flags=6, levels=(3, 3, 3))
    found = fitted(wide, 3)
    pairs = bivariate_residuals(found.model, wide, top=1000)
    assert pairs["residual"].is_sorted(descending=True)
    assert set(pairs.head(2).select("first", "second").rows()) == {("f0", "f1"), ("x3", "x4")}
    assert pairs.height == 9 * 8 // 2 + 5 * 4 // 2
    assert pairs[2:]["residual"].median() < 1.5
    strength = dict(zip(pairs["kind"][:2], pairs["strength"][:2], strict=True))
    assert strength["numbers"] == pytest.approx(0.7, abs=0.07)
    assert strength["levels"] == pytest.approx(0.8, abs=0.07)
    assert bivariate_residuals(found.model, wide, top=3).equals(pairs.head(3))


def test_residuals_agree_with_tables_by_hand() -> None:
    table, _ = planted(150, missing=0.2, seed=8)
    found = fitted(table, 3)
    pairs = {row[:2]: row[3:] for row in bivariate_residuals(found.model, table, top=1000).rows()}
    probability = lca.posterior(found.model, table)
    share, values = found.model["share"], table.values
    # f0 has the columns 0:2 of `share`, c1 the columns 11:14.
    both = ~np.isnan(values[:, [0, 5]]).any(axis=1)
    chi = 0.0
    for a in range(2):
        for b in range(3):
            observed = ((values[:, 0] == a) & (values[:, 5] == b)).sum()
            expected = sum(probability[both, c].sum() * share[c, a] * share[c, 11 + b] for c in range(3))
            chi += (observed - expected) ** 2 / max(expected, 1)
    n, residual, strength = pairs["f0", "c1"]
    assert (n, residual, strength) == pytest.approx((both.sum(), chi / 2, np.sqrt(chi / both.sum())))

    both = ~np.isnan(values[:, [7, 8]]).any(axis=1)
    z = [
        (values[both, 7 + v, None] - found.model["mean"][:, v]) / np.sqrt(found.model["variance"][:, v])
        for v in range(2)
    ]
    weight = probability[both]
    r = (weight * z[0] * z[1]).sum() / np.sqrt((weight * z[0] ** 2).sum() * (weight * z[1] ** 2).sum())
    assert pairs["x0", "x1"] == pytest.approx((both.sum(), both.sum() * r**2, r))


def test_residuals_where_there_is_nothing_to_pair() -> None:
    table = table_of(np.array([[0.0], [1.0], [1.0], [np.nan]]), flags=1)
    assert bivariate_residuals(fitted(table, 2).model, table).height == 0
    numbers = table_of(np.array([[0.0, np.nan], [1.0, np.nan], [np.nan, 2.0], [np.nan, 3.0]]))
    assert bivariate_residuals(fitted(numbers, 1).model, numbers).height == 0


def test_adequacy_names_what_does_not_hold() -> None:
    table, _ = planted(300)
    facts = fitted(table, 3, settings=how(starts=50)).facts
    assert all(condition.holds for condition in adequacy(facts))
    worse = {"starts": 49, "best_replicated": 1, "mean_posterior": 0.79, "smallest_share": 0.049}
    assert [condition.name for condition in adequacy(worse) if not condition.holds] == list(worse)
    limits = {"starts": 50, "best_replicated": 2, "mean_posterior": 0.8, "smallest_share": 0.05}
    assert all(condition.holds and condition.value == condition.least for condition in adequacy(limits))


def test_the_tables_of_an_arm_say_what_its_fits_say() -> None:
    table, _ = planted(150, missing=0.1, seed=6, k=2)
    own = how(starts=6, refit_starts=4, tolerance=1e-2, ratio_draws=19)
    settings = own.model_copy(update={"arms": ("lca",), "k": (2, 3)})
    data = ArmInput(table=table)
    [found] = cluster_arms(data, settings=settings)
    tables = class_tables(found, data, 2, settings=settings)
    classes = tables["classes"]
    assert classes["k"].to_list() == [2, 3]
    for row in classes.iter_rows(named=True):
        facts = found.partitions[row["k"]].facts
        assert row["bic"] == pytest.approx(facts["bic"])
        assert row["unmet"].split(", ")[0] == "starts"
    smaller = fitted(table, 1, settings=settings)
    again = ratio_test(Points(table=table), smaller, found.partitions[2], settings=settings, seed=0, draws=19)
    assert classes["p_of_one_less"].to_list() == [again.p, None]
    pairs = bivariate_residuals(found.partitions[2].model, table)
    assert tables["residuals"]["residual"].to_list() == pairs["residual"].to_list()
    untested = settings.model_copy(update={"lca": settings.lca.model_copy(update={"ratio_draws": 0})})
    assert class_tables(found, data, 2, settings=untested)["classes"]["p_of_one_less"].is_null().all()
