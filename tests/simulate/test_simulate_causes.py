"""Each cause alone: what it names differs between hospitals, and the signatures of the others do not."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from osler.simulate import phenotypes
from osler.simulate.block import make_block
from osler.simulate.hospitals import Hospitals
from osler.simulate.latent import draw_latent
from osler.simulate.mechanism import hospitals_of
from osler.simulate.outcomes import design, sigmoid
from osler.simulate.people import DIED, NEITHER, READMITTED, SELF_PAY, Patients, Stays
from osler.simulate.settings import CAUSES, SimulateSettings
from osler.simulate.truth import bayes_auroc

HOSPITALS = 4
SUBJECTS = 60_000
FAR = 5.0  # standard errors; with some hundred comparisons chance stays below this

COLUMNS = {
    "case_mix": ("mix_", "age_shift"),
    "prevalence": ("prevalence_",),
    "mechanism": ("death_", "readmission_"),
    "coding": ("icd", "lab_"),
    "missingness": ("order_",),
    "note_style": ("note_",),
}


@cache
def population(cause: str | None) -> tuple[Hospitals, Patients, Stays]:
    settings = SimulateSettings.only(cause, hospitals=HOSPITALS, seed=3)
    hospitals = hospitals_of(settings)
    home = np.arange(SUBJECTS) % HOSPITALS
    return hospitals, *draw_latent(hospitals, SUBJECTS, np.random.SeedSequence(11), hospital=home)


@cache
def record(cause: str | None) -> pl.DataFrame:
    settings = SimulateSettings.only(cause, hospitals=HOSPITALS, seed=3)
    return make_block(settings, hospitals_of(settings), 0, 900).events


def spread(values: np.ndarray, hospital: np.ndarray) -> float:
    """Largest distance of a hospital's mean from that of the others, in standard errors."""
    scores = []
    for number in range(HOSPITALS):
        here, there = values[hospital == number], values[hospital != number]
        error = np.sqrt(here.var() / len(here) + there.var() / len(there))
        scores.append(abs(here.mean() - there.mean()) / error if error > 0 else 0.0)
    return max(scores)


def latent_columns(patients: Patients, stays: Stays, rows: np.ndarray) -> dict[str, np.ndarray]:
    here = stays.patient[rows]
    columns = {
        "age": stays.age[rows],
        "frailty": patients.frailty[here],
        "severity": stays.severity[rows],
        "instability": stays.instability[rows],
        "severity squared": stays.severity[rows] ** 2,
        "self_pay": (patients.insurance[here] == SELF_PAY).astype(float),
        "female": patients.female[here].astype(float),
    }
    for index, key in enumerate(phenotypes.KEYS):
        columns[key] = (patients.phenotype[here] == index).astype(float)
    return columns


def rates(patients: Patients, stays: Stays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    site = patients.hospital[stays.patient]
    alive = ~stays.died
    return {
        "death": (stays.died.astype(float), site),
        "readmission": ((stays.outcome == READMITTED)[alive].astype(float), site[alive]),
    }


def refit(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression by Newton's method: coefficients (intercept first) and their information matrix."""
    full = np.column_stack([np.ones(len(y)), x])
    beta = np.zeros(full.shape[1])
    for _ in range(12):
        p = sigmoid(full @ beta)
        information = (full * (p * (1 - p))[:, None]).T @ full
        beta = beta + np.linalg.solve(information, full.T @ (y - p))
    return beta, information


def misfits(cause: str | None, *, against_reference: bool) -> dict[str, list[float]]:
    """Wald statistic per degree of freedom of the refitted coefficients of each hospital, by outcome."""
    hospitals, patients, stays = population(cause)
    here = stays.patient
    x_death, x_readmission = design(
        patients.phenotype[here], stays.age, stays.severity, stays.instability, patients.frailty[here],
        stays.recent, patients.insurance[here] == SELF_PAY,
    )  # fmt: skip
    site = patients.hospital[here]
    alive = ~stays.died
    found: dict[str, list[float]] = {"death": [], "readmission": []}
    for number in range(HOSPITALS):
        for outcome, x, rows, own, reference in (
            ("death", x_death, site == number, hospitals.death, phenotypes.death_coefficients()),
            (
                "readmission", x_readmission, (site == number) & alive, hospitals.readmission,
                phenotypes.readmission_coefficients(),
            ),
        ):  # fmt: skip
            y = (stays.outcome == (DIED if outcome == "death" else READMITTED))[rows].astype(float)
            beta, information = refit(x[rows], y)
            covariance = np.linalg.inv(information)[1:, 1:]
            difference = beta[1:] - (reference if against_reference else own[number, 1:])
            found[outcome].append(
                float(difference @ np.linalg.solve(covariance, difference)) / len(difference)
            )
    return found


@pytest.mark.parametrize("cause", [None, *CAUSES])
def test_only_the_parameters_of_the_cause_vary(cause: str | None) -> None:
    table = hospitals_of(SimulateSettings.only(cause, hospitals=HOSPITALS, seed=3)).frame()
    for name in table.columns:
        if name in ("site", "size"):
            continue
        owner = next(c for c, starts in COLUMNS.items() if name.startswith(starts))
        varies = table[name].n_unique() > 1
        if owner != cause:
            assert not varies, name
    if cause is not None:
        own = [name for name in table.columns if name.startswith(COLUMNS[cause])]
        assert all(table[name].n_unique() > 1 for name in own)


def test_without_causes_hospitals_agree() -> None:
    _, patients, stays = population(None)
    for values, site in rates(patients, stays).values():
        assert spread(values, site) < FAR
    first = np.flatnonzero(stays.number == 1)  # one per subject: what persists would count several times
    site = patients.hospital[stays.patient[first]]
    for name, values in latent_columns(patients, stays, first).items():
        assert spread(values, site) < FAR, name
    for values in misfits(None, against_reference=True).values():
        assert max(values) < 3.5


def test_rates_and_bayes_auroc_of_the_reference() -> None:
    _, _, stays = population(None)
    alive = ~stays.died
    assert 0.05 < stays.died.mean() < 0.08
    assert 0.12 < (stays.outcome[alive] == READMITTED).mean() < 0.18
    assert 0.80 < (bayes_auroc(sigmoid(stays.death_logit)) or 0) < 0.88
    assert 0.70 < (bayes_auroc(sigmoid(stays.readmission_logit[alive])) or 0) < 0.80


def test_case_mix_changes_x_and_keeps_y_given_x() -> None:
    _, patients, stays = population("case_mix")
    first = np.flatnonzero(stays.number == 1)
    site = patients.hospital[stays.patient[first]]
    columns = latent_columns(patients, stays, first)
    assert spread(columns["age"], site) > 3 * FAR
    assert min(spread(columns[key], site) for key in phenotypes.KEYS) > FAR
    for values in misfits("case_mix", against_reference=True).values():
        assert max(values) < 3.5


def test_prevalence_changes_rates_and_keeps_x_given_y() -> None:
    _, patients, stays = population("prevalence")
    for values, site in rates(patients, stays).values():
        assert spread(values, site) > 3 * FAR
    first = stays.number == 1
    for outcome in (DIED, READMITTED, NEITHER):  # exact for a first stay
        rows = np.flatnonzero(first & (stays.outcome == outcome))
        site = patients.hospital[stays.patient[rows]]
        for name, values in latent_columns(patients, stays, rows).items():
            assert spread(values, site) < FAR, (outcome, name)
    for outcome in (DIED, READMITTED):  # over all stays: within a tenth of a standard deviation
        rows = np.flatnonzero(stays.outcome == outcome)
        site = patients.hospital[stays.patient[rows]]
        for name in ("age", "frailty", "severity", "instability"):
            values = latent_columns(patients, stays, rows)[name]
            means = [values[site == number].mean() for number in range(HOSPITALS)]
            assert np.ptp(means) < 0.15 * values.std(), (outcome, name)


def test_mechanism_changes_coefficients_and_keeps_rates_and_x() -> None:
    _, patients, stays = population("mechanism")
    for values, site in rates(patients, stays).values():
        means = np.array([values[site == number].mean() for number in range(HOSPITALS)])
        assert np.ptp(means) < 0.08 * values.mean()
    first = np.flatnonzero(stays.number == 1)
    site = patients.hospital[stays.patient[first]]
    for name, values in latent_columns(patients, stays, first).items():
        assert spread(values, site) < FAR, name
    assert all(max(values) < 3.5 for values in misfits("mechanism", against_reference=False).values())
    assert all(min(values) > 5.0 for values in misfits("mechanism", against_reference=True).values())


@pytest.mark.parametrize("cause", ["coding", "missingness", "note_style"])
def test_causes_of_the_record_leave_the_truth_as_it_was(cause: str) -> None:
    _, reference, stays = population(None)
    _, patients, same = population(cause)
    for name in Stays.__dataclass_fields__:
        assert np.array_equal(getattr(stays, name), getattr(same, name)), name
    assert np.array_equal(reference.phenotype, patients.phenotype)


@pytest.mark.parametrize("cause", ["case_mix", "prevalence", "mechanism"])
def test_causes_of_the_patients_leave_the_writing_as_it_was(cause: str) -> None:
    events = record(cause)
    coded = events.filter(pl.col("code").str.starts_with("ICD"))
    assert coded["code"].str.starts_with("ICD10CM//").all()
    per_site = events.filter(pl.col("code").str.starts_with("LAB//")).group_by("site").agg(
        pl.col("code").unique().sort()
    )  # fmt: skip
    assert per_site["code"].list.join(" ").n_unique() == 1
    notes = events.filter(pl.col("text_value").is_not_null())
    assert notes["text_value"].str.contains("PAST MEDICAL HISTORY").all()
    length = notes["text_value"].str.len_chars().to_numpy().astype(float)
    assert (
        np.ptp([length[notes["site"] == site].mean() for site in notes["site"].unique()])
        < 0.12 * length.mean()
    )
    assert np.ptp(list(chemistry_per_morning(events).values())) < 0.05


def chemistry_per_morning(events: pl.DataFrame) -> dict[str, float]:
    """Sodium results over mornings with any laboratory or vital result, by site."""
    ward = events.filter(pl.col("time").dt.hour() == 6, pl.col("code").str.contains("^(LAB|VITAL)"))
    moments = ward.group_by("site", "visit_id", pl.col("time").dt.date()).agg(
        pl.col("code").str.contains(r"^LAB//(sodium|NA|2010)//").any().alias("ordered")
    )
    return dict(moments.group_by("site").agg(pl.col("ordered").mean()).iter_rows())


def test_coding_changes_codes_and_units_alone() -> None:
    reference, coded = record(None), record("coding")
    assert coded.height == reference.height
    same = [name for name in reference.columns if name not in ("code", "unit", "numeric_value")]
    assert coded.select(same).equals(reference.select(same))
    systems = coded.filter(pl.col("code").str.starts_with("ICD")).select(
        "site", pl.col("code").str.split("//").list.first()
    )
    assert systems.group_by("site").agg(pl.col("code").n_unique())["code"].max() == 1
    assert set(systems["code"]) == {"ICD9CM", "ICD10CM"}
    creatinine = coded.filter(pl.col("code").str.contains(r"^LAB//(creatinine|CREA|2021)//"))
    assert set(creatinine["unit"]) == {"mg/dL", "umol/L"}
    assert creatinine["code"].n_unique() >= 3
    original = reference.filter(pl.col("code").str.starts_with("LAB//creatinine//"))["numeric_value"]
    factor = (creatinine["numeric_value"] / original).to_numpy()
    expected = np.where(creatinine["unit"] == "umol/L", 88.4, 1.0)
    assert np.allclose(factor, expected, rtol=0.05)  # both sides are rounded


def test_missingness_changes_what_is_ordered_alone() -> None:
    reference, sparse = record(None), record("missingness")
    measured = pl.col("code").str.contains("^(LAB|VITAL|BODY)//")
    rest = [name for name in reference.columns if name != "text_value"]
    assert sparse.filter(~measured).select(rest).equals(reference.filter(~measured).select(rest))
    share = chemistry_per_morning(sparse)
    assert np.ptp(list(share.values())) > 0.1
    counts = sparse.filter(measured).group_by("site").len().sort("site")["len"]
    full = reference.filter(measured).group_by("site").len().sort("site")["len"]
    ratio = np.sort((counts / full).to_numpy())
    assert ratio[-1] > 0.95  # one hospital orders about as much as the reference
    assert ratio[0] < 0.85


def test_note_style_changes_the_summary_alone() -> None:
    reference, styled = record(None), record("note_style")
    rest = [name for name in reference.columns if name != "text_value"]
    assert styled.select(rest).equals(reference.select(rest))
    notes = styled.filter(pl.col("text_value").is_not_null())
    by_site = notes.group_by("site").agg(
        pl.col("text_value").str.len_chars().mean().alias("length"),
        pl.col("text_value").str.contains("PAST MEDICAL HISTORY").mean().alias("headed"),
        pl.col("text_value").str.contains("PMH:").mean().alias("short"),
    )
    assert by_site["length"].max() > 1.3 * by_site["length"].min()
    assert set(by_site["headed"]) == {0.0, 1.0}
    assert set(by_site["short"]) == {0.0, 1.0}


def test_strength_scales_a_cause() -> None:
    weak = hospitals_of(SimulateSettings(causes=dict.fromkeys(CAUSES, 0.0) | {"prevalence": 0.5}))
    strong = hospitals_of(SimulateSettings(causes=dict.fromkeys(CAUSES, 0.0) | {"prevalence": 2.0}))
    assert np.allclose(strong.death_odds, 4 * weak.death_odds)


def test_a_patient_seed_keeps_the_hospitals_and_changes_the_patients() -> None:
    settings = SimulateSettings(subjects=50)
    fresh = SimulateSettings(subjects=50, patient_seed=99)
    hospitals = hospitals_of(settings)
    assert hospitals.frame().equals(hospitals_of(fresh).frame())
    assert not make_block(settings, hospitals, 0, 50).outcomes.equals(
        make_block(fresh, hospitals, 0, 50).outcomes
    )
