"""Latent class analysis agrees with StepMix and with sums by hand, and finds planted classes."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.metrics import adjusted_rand_score

from osler.base.errors import InputError
from osler.phenotyping.methods import lca
from osler.phenotyping.methods.latent_class.em import Em
from osler.phenotyping.methods.latent_class.indicators import margins_of, statistics_of
from osler.phenotyping.methods.latent_class.model import log_joint
from osler.phenotyping.partition import Partition
from osler.phenotyping.points import Points
from osler.phenotyping.settings import LatentClassSettings, PhenotypeSettings
from osler.represent.typed import TypedTable, Variable


def how(**changes: Any) -> PhenotypeSettings:
    return PhenotypeSettings(lca=LatentClassSettings(**{"starts": 12, "finalists": 0.5, **changes}))


# The maximum of the likelihood itself, as StepMix seeks it.
PLAIN = how(prior=1e-9, floor=1e-6, tolerance=1e-9)


def table_of(
    values: np.ndarray, flags: int = 0, levels: tuple[int, ...] = (), ordinal: bool = False
) -> TypedTable:
    """First flags, then variables with levels, then numbers."""
    kind: Any = "ordinal" if ordinal else "categorical"
    variables = [Variable(f"f{i}", f"Flag {i}", "flag") for i in range(flags)]
    for i, count in enumerate(levels):
        variables.append(Variable(f"c{i}", f"Choice {i}", kind, levels=tuple("abcdefgh"[:count])))
    for i in range(values.shape[1] - len(variables)):
        variables.append(Variable(f"x{i}", f"Number {i}", "numeric"))
    return TypedTable(tuple(variables), values)


def planted(
    n: int = 400, *, missing: float = 0.0, seed: int = 0, k: int = 3
) -> tuple[TypedTable, np.ndarray]:
    """Four flags, three variables of three levels, three numbers; k classes of falling size."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(k, n, p=np.arange(k, 0, -1) / np.arange(k, 0, -1).sum())
    flags = rng.random((n, 4)) < np.random.default_rng(9).choice([0.1, 0.5, 0.9], (k, 4))[truth]
    shares = np.random.default_rng(8).dirichlet(np.ones(3) * 0.5, (3, k))
    choices = np.stack(
        [(rng.random((n, 1)) > share[truth].cumsum(axis=1)).sum(axis=1) for share in shares], 1
    )
    numbers = rng.normal(size=(n, 3)) * (1 + 0.5 * truth[:, None]) + 4.0 * truth[:, None] + 100
    values = np.hstack([flags, np.minimum(choices, 2), numbers]).astype(float)
    values[rng.random(values.shape) < missing] = np.nan
    return table_of(values, flags=4, levels=(3, 3, 3)), truth


def fitted(
    table: TypedTable, k: int, *, settings: PhenotypeSettings | None = None, seed: int = 0
) -> Partition:
    return lca.fit(Points(table=table), k, settings=settings or how(), seed=seed)


def stepmix(table: TypedTable, k: int, *, suffix: str = "") -> Any:
    from stepmix.stepmix import StepMix

    flags, levels, numbers = (int(table.of_kind(kind).sum()) for kind in ("flag", "categorical", "numeric"))
    gaussian: dict[str, Any] = {"model": "gaussian_diag" + suffix, "n_columns": numbers}
    if not suffix:
        gaussian["reg_covar"] = 1e-12
    measurement = {
        "flags": {"model": "binary" + suffix, "n_columns": flags},
        "levels": {"model": "categorical" + suffix, "n_columns": levels},
        "numbers": gaussian,
    }
    model = StepMix(
        k, measurement=measurement, n_init=12, abs_tol=1e-12, max_iter=3000, random_state=1, progress_bar=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(table.values)
    return model


def by_hand(model: dict[str, np.ndarray], table: TypedTable) -> np.ndarray:
    """Log of weight times density, cell by cell."""
    joint = np.tile(np.log(model["weight"]), (table.n_samples, 1))
    for row in range(table.n_samples):
        at = number = 0
        for value, variable in zip(table.values[row], table.variables, strict=True):
            if variable.kind == "numeric":
                mean, variance = model["mean"][:, number], model["variance"][:, number]
                if not np.isnan(value + mean[0]):
                    joint[row] += norm.logpdf(value, mean, np.sqrt(variance))
                number += 1
                continue
            if not np.isnan(value):
                joint[row] += np.log(model["share"][:, at + int(value)])
            at += 2 if variable.kind == "flag" else len(variable.levels)
    return joint


def test_complete_data_agrees_with_stepmix() -> None:
    table, _ = planted()
    ours, theirs = fitted(table, 3, settings=PLAIN), stepmix(table, 3)
    assert ours.facts["log_likelihood"] == pytest.approx(theirs.score(table.values) * 400, abs=1e-4)
    assert ours.facts["n_parameters"] == theirs.n_parameters
    assert ours.facts["bic"] == pytest.approx(theirs.bic(table.values), abs=1e-3)
    assert ours.facts["aic"] == pytest.approx(theirs.aic(table.values), abs=1e-3)
    assert ours.facts["entropy"] == pytest.approx(theirs.relative_entropy(table.values), abs=1e-5)
    order = np.argsort(-theirs.weights_)
    parameters = theirs.get_parameters()["measurement"]
    np.testing.assert_allclose(ours.model["weight"], theirs.weights_[order], atol=1e-4)
    np.testing.assert_allclose(ours.model["share"][:, 1:8:2], parameters["flags"]["pis"][order], atol=1e-4)
    np.testing.assert_allclose(ours.model["share"][:, 8:], parameters["levels"]["pis"][order], atol=1e-4)
    np.testing.assert_allclose(ours.model["mean"], parameters["numbers"]["means"][order], atol=1e-3)
    np.testing.assert_allclose(ours.model["variance"], parameters["numbers"]["covariances"][order], rtol=1e-3)
    assert (ours.cluster == np.argsort(order)[theirs.predict(table.values)]).all()


def test_incomplete_data_agree_with_stepmix() -> None:
    table, _ = planted(missing=0.15, seed=3)
    ours, theirs = fitted(table, 3, settings=PLAIN), stepmix(table, 3, suffix="_nan")
    assert ours.facts["log_likelihood"] == pytest.approx(theirs.score(table.values) * 400, abs=1e-3)
    order = np.argsort(-theirs.weights_)
    parameters = theirs.get_parameters()["measurement"]["numbers"]
    np.testing.assert_allclose(ours.model["weight"], theirs.weights_[order], atol=1e-3)
    np.testing.assert_allclose(ours.model["mean"], parameters["means"][order], atol=1e-2)


def test_what_is_missing_contributes_nothing() -> None:
    table, _ = planted(60, missing=0.3, seed=1)
    found = fitted(table, 3)
    expected = by_hand(found.model, table)
    np.testing.assert_allclose(log_joint(found.model, table), expected, atol=1e-9)
    assert found.facts["log_likelihood"] == pytest.approx(logsumexp(expected, axis=1).sum())
    probability = np.exp(expected - logsumexp(expected, axis=1)[:, None])
    np.testing.assert_allclose(lca.posterior(found.model, table), probability, atol=1e-9)
    assert (found.cluster == expected.argmax(axis=1)).all()


def test_facts_are_those_of_the_posteriors() -> None:
    table, _ = planted(100, missing=0.2, seed=4)
    found = fitted(table, 2)
    probability = lca.posterior(found.model, table)
    entropy = -(probability * np.log(probability)).sum()
    assert found.facts["entropy"] == pytest.approx(1 - entropy / (100 * np.log(2)))
    means = [probability[found.cluster == c, c].mean() for c in range(2)]
    assert found.facts["mean_posterior"] == pytest.approx(min(means))
    assert found.facts["smallest_share"] == (found.cluster == 1).mean() <= 0.5
    assert found.facts["n_parameters"] == 1 + 2 * (4 + 6 + 6)


@pytest.mark.parametrize("seed", range(4))
def test_no_iteration_loses(seed: int) -> None:
    table, _ = planted(80, missing=0.3, seed=seed)
    margins = margins_of(table)
    settings = LatentClassSettings(floor=0.4, prior=0.5)
    em = Em(statistics_of(table.values, margins), margins, settings)
    classes = em.random(5, 4, np.random.default_rng(seed))
    reached = []
    for _ in range(60):
        likelihood, sums = em.expect(classes)
        reached.append(likelihood + em.penalty(classes))
        classes = em.maximise(sums)
    assert (np.diff(reached, axis=0) > -1e-8).all()
    assert (classes.variance.min() == 0.4) & (classes.variance.max() > 0.4)


@pytest.mark.parametrize(("missing", "least"), [(0.0, 0.97), (0.2, 0.93)])
def test_planted_classes_are_found(missing: float, least: float) -> None:
    table, truth = planted(600, missing=missing, seed=5)
    found = fitted(table, 3)
    assert adjusted_rand_score(truth, found.cluster) > least
    assert (np.diff(np.bincount(found.cluster)) <= 0).all()
    assert found.facts["best_replicated"] >= 2
    assert found.facts["converged"] == 1
    assert min(range(1, 6), key=lambda k: fitted(table, k).facts["bic"]) == 3


def test_same_seed_same_partition() -> None:
    table, _ = planted(150, missing=0.1)
    first, second = fitted(table, 4), fitted(table, 4)
    assert first.facts == second.facts
    assert (first.cluster == second.cluster).all()
    assert (first.distance == second.distance).all()
    for name, array in first.model.items():
        assert array.tobytes() == second.model[name].tobytes()


def test_assign_gives_the_samples_of_the_fit_their_classes() -> None:
    table, _ = planted(150, missing=0.2)
    found = fitted(table, 3)
    rows = np.random.default_rng(0).permutation(150)[:70]
    cluster, distance = lca.assign(found.model, Points(table=table.take(rows)))
    assert (cluster == found.cluster[rows]).all()
    np.testing.assert_allclose(distance, found.distance[rows], atol=1e-12)


def test_distance_is_what_a_sample_lacks_of_the_most_likely_one() -> None:
    table, _ = planted(60, missing=0.3, seed=2)
    found = fitted(table, 3)
    for row in range(60):
        one, own = table.take([row]), found.cluster[row]
        likely = one.values.copy()
        at = number = 0
        for place, variable in enumerate(table.variables):
            if variable.kind == "numeric":
                likely[0, place] = found.model["mean"][own, number]
                number += 1
                continue
            width = 2 if variable.kind == "flag" else len(variable.levels)
            likely[0, place] = found.model["share"][own, at : at + width].argmax()
            at += width
        likely[np.isnan(one.values)] = np.nan
        best = TypedTable(table.variables, likely)
        lost = (by_hand(found.model, best) - by_hand(found.model, one))[0, own]
        known = (~np.isnan(one.values)).sum()
        assert found.distance[row] == pytest.approx(lost / known, abs=1e-9)


def test_a_sample_of_which_nothing_is_known() -> None:
    table, _ = planted(100)
    table.values[17] = np.nan
    found = fitted(table, 3)
    np.testing.assert_allclose(lca.posterior(found.model, table)[17], found.model["weight"])
    assert found.cluster[17] == found.model["weight"].argmax()
    assert 0 < found.distance[17] < np.inf
    without = fitted(table.take(np.delete(np.arange(100), 17)), 3)
    assert adjusted_rand_score(without.cluster, np.delete(found.cluster, 17)) > 0.95


@pytest.mark.parametrize("value", [0.1, np.nan])
def test_a_variable_without_two_values_takes_no_part(value: float) -> None:
    table, _ = planted(120)
    extra = (Variable("same", "Same", "numeric"), Variable("flag", "Flag", "flag"))
    filled = np.hstack([table.values, np.full((120, 1), value), np.full((120, 1), np.ceil(value))])
    wider = TypedTable((*table.variables, *extra), filled)
    found, without = fitted(wider, 3), fitted(table, 3)
    assert (found.cluster == without.cluster).all()
    assert found.facts == pytest.approx(without.facts)
    assert np.isnan(found.model["mean"][:, -1]).all()
    other = wider.values.copy()
    other[:, -2:] = [7.0, 0.0]
    again, _ = lca.assign(found.model, Points(table=TypedTable(wider.variables, other)))
    assert (again == found.cluster).all()


def test_a_level_that_the_fit_has_not_seen_is_as_missing() -> None:
    table, _ = planted(100)
    table.values[table.values[:, 4] == 2, 4] = 0
    found = fitted(table, 2)
    new, blank = table.values[:10].copy(), table.values[:10].copy()
    new[:, 4], blank[:, 4] = 2, np.nan
    joint = [log_joint(found.model, TypedTable(table.variables, values)) for values in (new, blank)]
    np.testing.assert_allclose(joint[0], joint[1], atol=1e-12)


def test_ordinal_is_fitted_as_categorical_and_a_flag_as_two_levels() -> None:
    table, _ = planted(100, missing=0.1)
    flags, rest = table.values[:, :4], table.values[:, 4:]
    categorical = fitted(table_of(np.hstack([flags, rest]), levels=(2, 2, 2, 2, 3, 3, 3)), 2)
    ordinal = fitted(table_of(table.values, flags=4, levels=(3, 3, 3), ordinal=True), 2)
    for other in (categorical, ordinal):
        assert other.facts == fitted(table, 2).facts


def test_more_classes_than_there_are() -> None:
    values = np.repeat([[0.0, 0.0], [1.0, 5.0]], 8, axis=0)
    table = table_of(values, flags=1)
    found = fitted(table, 7)
    assert len(np.unique(found.cluster)) <= 7
    assert found.facts["smallest_share"] == np.bincount(found.cluster, minlength=7).min() / 16
    assert (np.diff(np.bincount(found.cluster, minlength=7)) <= 0).all()
    for name, array in found.model.items():
        assert len(array) == 7, name
        assert np.isfinite(array).all()
    assert np.isfinite(list(found.facts.values())).all()
    one = fitted(table, 1)
    assert one.facts["entropy"] == one.facts["mean_posterior"] == 1


def test_a_class_of_one_repeated_number_is_held_back_by_the_floor() -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random((300, 1)) < 0.4, 0.0, rng.normal(5, 2, (300, 1)))
    found = fitted(table_of(values), 2, settings=how(floor=0.05, prior=1e-9))
    assert found.model["variance"].min() == pytest.approx(0.05 * values.var())


def test_a_warm_start_keeps_a_solution() -> None:
    table, _ = planted(200, missing=0.2)
    found = fitted(table, 4)
    again = lca.fit(Points(table=table), 4, settings=how(refit_starts=1), seed=5, warm=found.model)
    assert again.facts["log_likelihood"] >= found.facts["log_likelihood"] - 0.05
    assert again.facts["starts"] == 1
    assert again.facts["finalists"] == 2
    rows = np.random.default_rng(1).integers(0, 200, 200)
    drawn = Points(table=table.take(rows))
    refit = lca.fit(drawn, 4, settings=how(refit_starts=2), seed=5, warm=found.model)
    assert refit.facts["log_likelihood"] == pytest.approx(
        lca.fit(drawn, 4, settings=how(starts=20), seed=5).facts["log_likelihood"], rel=0.01
    )


@hypothesis_settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_table_is_divided(data: st.DataObject) -> None:
    n = data.draw(st.integers(2, 12))
    cell = st.sampled_from([0.0, 1.0, np.nan])
    values = np.array(data.draw(st.lists(st.lists(cell, min_size=4, max_size=4), min_size=n, max_size=n)))
    values[:, 3] *= data.draw(st.sampled_from([1.0, 1e-6, 1e8]))
    values[:2, 0] = [0, 1]
    table = table_of(values, flags=1, levels=(2,))
    k = data.draw(st.integers(1, n))
    found = fitted(table, k, settings=how(starts=3, iterations=50))
    assert np.isfinite(list(found.facts.values())).all()
    assert ((found.cluster >= 0) & (found.cluster < k)).all()
    assert (found.distance >= 0).all()
    np.testing.assert_allclose(lca.posterior(found.model, table).sum(axis=1), 1)
    np.testing.assert_allclose(log_joint(found.model, table), by_hand(found.model, table), atol=1e-5)


def test_requests_that_cannot_be_met() -> None:
    table, _ = planted(20)
    with pytest.raises(InputError, match="cannot make 21 latent classes"):
        fitted(table, 21)
    with pytest.raises(InputError, match="no variable has two different values"):
        fitted(table.take([0, 0, 0]), 2)
    with pytest.raises(InputError, match="none of its 2 levels"):
        fitted(table_of(np.array([[0.0], [2.0]]), flags=1), 1)
    with pytest.raises(InputError, match="needs variables"):
        lca.fit(Points(coordinates=np.zeros((3, 2))), 2, settings=how(), seed=0)
    found = fitted(table, 2)
    with pytest.raises(InputError, match="the latent classes 3 and 17"):
        lca.assign(found.model, Points(table=table.keep(table.of_kind("flag"))))
