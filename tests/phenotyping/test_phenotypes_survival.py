"""Time to death by cluster: follow-up from a dataset, tables against plain Python, and the page."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from osler.phenotyping.follow_up import NO_DEATHS, UNDATED, FollowUp, follow_up
from osler.phenotyping.survival import survival_table, survivals
from osler.record.dataset import open_dataset

START = datetime(2020, 1, 1)


def dataset(folder: Path, rows: list[tuple[int, float | None, str]], *, undated: bool = False) -> Path:
    schema = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String}
    made = [(who, None if day is None else START + timedelta(days=day), code) for who, day, code in rows]
    events = pl.DataFrame(made, schema=schema, orient="row").with_columns(
        numeric_value=pl.lit(None, dtype=pl.Float32)
    )
    (folder / "data").mkdir(parents=True)
    events.sort("subject_id", "time", nulls_last=False).write_parquet(folder / "data" / "0.parquet")
    if undated:
        (folder / "metadata").mkdir()
        (folder / "metadata" / "dataset.json").write_text('{"osler": {"undated": true}}')
    return folder


def test_follow_up_ends_at_death_or_at_the_last_event(tmp_path: Path) -> None:
    rows = [
        (1, 0, "A"), (1, 9, "B"),
        (2, 0, "A"), (2, 4.5, "MEDS_DEATH"), (2, 6, "B"),  # a bill after death
        (3, 0, "A"),
        (4, 0, "A"), (4, 0.5, "MEDS_DEATH//HOSPICE"),
        (5, None, "MEDS_DEATH"), (5, 8, "A"),
    ]  # fmt: skip
    samples = pl.DataFrame(
        {
            "subject_id": [2, 1, 1, 3, 4, 5, 6],
            "prediction_time": [START + timedelta(days=day) for day in (1, 2, 3, 0, 1, 1, 1)],
        }
    )
    found = follow_up(open_dataset(dataset(tmp_path / "d", rows)), samples)
    np.testing.assert_allclose(found.days, [3.5, 7, 6, np.nan, np.nan, np.nan, np.nan])
    assert found.died.tolist() == [True, False, False, False, False, False, False]
    assert found.unknown is None
    alive = follow_up(open_dataset(dataset(tmp_path / "e", rows[:2])), samples)
    assert alive.unknown == NO_DEATHS
    undated = follow_up(open_dataset(dataset(tmp_path / "f", rows, undated=True)), samples)
    assert undated.unknown == UNDATED
    assert np.isnan(undated.days).all()


def cohort(n: int = 300) -> tuple[np.ndarray, FollowUp, np.ndarray]:
    rng = np.random.default_rng(0)
    cluster = rng.integers(-1, 3, n)
    end, censored = rng.exponential(10.0 / (1 + cluster.clip(0)), n), rng.exponential(15.0, n)
    follow = FollowUp(np.minimum(end, censored), end < censored)
    follow.days[:7] = np.nan
    return cluster, follow, np.arange(n)


def test_the_table_equals_statsmodels() -> None:
    cluster, follow, group = cohort()
    table, facts = survival_table("lca", 3, cluster, follow, group=group)
    usable = np.isfinite(follow.days) & (cluster >= 0)
    assert (facts["patients"], facts["not_followed"]) == (usable.sum(), 7)
    assert facts["deaths"] == follow.died[usable].sum()
    for number in range(3):
        inside = usable & (cluster == number)
        days, died = follow.days[inside], follow.died[inside]
        curve = SurvfuncRight(days, died)
        for row in table.filter(pl.col("cluster") == number).iter_rows(named=True):
            before = curve.surv_times <= row["days"]
            expected = curve.surv_prob[before][-1] if before.any() else 1.0
            assert row["survival"] == pytest.approx(expected)
            assert row["at_risk"] == (days >= row["days"]).sum()
            assert row["deaths"] == (died & (days <= row["days"])).sum()
    statistic, p = survdiff(follow.days[usable], follow.died[usable], cluster[usable])
    assert facts["log_rank"]["statistic"] == pytest.approx(statistic)
    assert facts["log_rank"]["p"] == pytest.approx(p)


def test_a_patient_counts_once_by_the_first_sample() -> None:
    cluster, follow, group = cohort(100)
    once, _ = survival_table("lca", 3, cluster, follow, group=group)
    # The same patients again, a day later and in another cluster.
    later = FollowUp(
        np.concatenate([follow.days, follow.days - 0.001]), np.concatenate([follow.died, follow.died])
    )
    other = np.where(cluster >= 0, (cluster + 1) % 3, -1)
    twice, facts = survival_table(
        "lca", 3, np.concatenate([cluster, other]), later, group=np.concatenate([group, group])
    )
    assert twice.equals(once)
    assert facts["not_followed"] == 14


def test_p_is_corrected_for_the_arms_and_what_is_not_known_is_said() -> None:
    cluster, follow, group = cohort()
    _, facts = survivals({"lca": (3, cluster), "gower+pam": (3, cluster)}, follow, group=group)
    p = facts["lca"]["log_rank"]["p"]
    assert facts["gower+pam"]["log_rank"]["p_holm"] == pytest.approx(min(1.0, 2 * p))
    unknown = FollowUp(follow.days, follow.died, UNDATED)
    table, facts = survivals({"lca": (3, cluster)}, unknown, group=group)
    assert table.is_empty()
    assert facts["lca"]["unknown"] == UNDATED
    assert survivals({"lca": (3, cluster)}, None, group=group)[1] == {}
