"""Survival by cluster: curves with the numbers at risk, and a test held out of the clustering."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from osler.measure.compare import holm
from osler.measure.survival import kaplan_meier, log_rank
from osler.phenotyping.drift import known
from osler.phenotyping.follow_up import FollowUp
from osler.phenotyping.partition import Array

SURVIVAL: dict[str, pl.DataType] = {
    "arm": pl.String(),
    "k": pl.Int64(),
    "cluster": pl.Int64(),
    "days": pl.Float64(),
    "at_risk": pl.Int64(),
    "deaths": pl.Int64(),
    "survival": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}
# Steps of the time axis, and the share of the patients after whose end of follow-up it ends.
_STEPS, _SHOWN = 60, 0.95


def survival_table(
    arm: str, k: int, cluster: Array, follow: FollowUp, *, group: Array
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Curves of each cluster on a common grid of times, and the log-rank test.

    A patient with several samples counts once, by the one that is followed longest, which is the first: later
    ones would count the same death again.

    Args:
        arm: name of the arm.
        k: number of clusters.
        cluster: int [n], -1 noise.
        follow: follow-up of the same samples.
        group: patient of each sample [n].

    Returns:
        `SURVIVAL`: at 61 times from 0 to the time by which 95 % of the follow-up has ended; `at_risk` at that
        time, `deaths` until then. And `patients`, `deaths`, `not_followed` (samples), `log_rank` (statistic,
        df, p). No row where nothing is known; then `unknown` says why.
    """
    usable = np.isfinite(follow.days) & (cluster >= 0)
    facts: dict[str, Any] = {"not_followed": int((~np.isfinite(follow.days)).sum())}
    if follow.unknown is not None:
        return pl.DataFrame(schema=SURVIVAL), {**facts, "unknown": follow.unknown}
    rows = np.flatnonzero(usable)
    rows = rows[np.argsort(-follow.days[rows], kind="stable")]
    rows = np.sort(rows[np.unique(group[rows], return_index=True)[1]])
    days, died, own = follow.days[rows], follow.died[rows], cluster[rows]
    grid = np.linspace(0, float(np.quantile(days, _SHOWN)) if len(days) else 0.0, _STEPS + 1)
    tables = []
    for number in range(k):
        inside = own == number
        curve = kaplan_meier(days[inside], died[inside])
        survival, low, high = curve.at(grid)
        deaths = np.concatenate([[0], np.cumsum(curve.events)])[np.searchsorted(curve.time, grid, "right")]
        at_risk = inside.sum() - np.searchsorted(np.sort(days[inside]), grid, "left")
        tables.append(
            pl.DataFrame(
                {
                    "arm": arm, "k": k, "cluster": number, "days": grid, "at_risk": at_risk, "deaths": deaths,
                    "survival": survival, "low": low, "high": high,
                },
                schema=SURVIVAL,
            )
        )  # fmt: skip
    test = log_rank(days, died, own)
    return pl.concat(tables), {
        **facts,
        "patients": len(rows),
        "deaths": int(died.sum()),
        "log_rank": {"statistic": known(test.statistic), "df": test.df, "p": known(test.p)},
    }


def survivals(
    clusters: Mapping[str, tuple[int, Array]], follow: FollowUp | None, *, group: Array
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Survival by the clusters that several arms chose.

    Args:
        clusters: arm -> its k and clusters.
        follow: follow-up of the samples; None: it was not asked for.
        group: patient of each sample [n].

    Returns:
        The curves of all arms, and arm -> facts of `survival_table`; `p_holm` of the log-rank test is
        corrected for the arms. Empty without follow-up.
    """
    tables, facts = [pl.DataFrame(schema=SURVIVAL)], {}
    if follow is not None:
        for arm, (k, cluster) in clusters.items():
            table, facts[arm] = survival_table(arm, k, cluster, follow, group=group)
            tables.append(table)
    tested = [one["log_rank"] for one in facts.values() if one.get("log_rank", {}).get("p") is not None]
    if tested:
        for one, corrected in zip(tested, holm([one["p"] for one in tested]), strict=True):
            one["p_holm"] = float(corrected)
    return pl.concat(tables), facts
