"""Table 1: who is in the cohort, by label, with standardised differences.

Each variable is taken at the prediction time: age, declared groups, site, what the record holds, and
measured values (the latest at or before the prediction time). A standardised difference compares positives
with negatives: difference of means over the root mean of the two variances, for a level of the two
proportions (Austin, Stat Med 2009;28:3083).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from osler.record.dataset import Dataset, in_canonical_order
from osler.record.schema import BIRTH, SAMPLE_KEY
from osler.task.events import event_value, has_code, scan_shard
from osler.task.families.outcome import PREFIX
from osler.task.labels import Labels

SCHEMA: dict[str, pl.DataType] = {
    "variable": pl.String(),
    "code": pl.String(),
    "kind": pl.String(),
    "level": pl.String(),
    "group": pl.String(),
    "n": pl.Int64(),
    "n_patients": pl.Int64(),
    "n_missing": pl.Int64(),
    "n_missing_patients": pl.Int64(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "smd": pl.Float64(),
}
NUMERIC, CATEGORICAL = "numeric", "categorical"
OVERALL, NEGATIVE, POSITIVE = "overall", "negative", "positive"
_LEVELS_SHOWN = 12
_REST = "other levels"
_DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class _Variable:
    name: str
    code: str | None
    values: pl.Series  # one per sample, in the order of the labels; Float64 or String


def table_one(dataset: Dataset, labels: Labels, *, measured: int = 10, columns: int = 60) -> pl.DataFrame:
    """Describe the samples of a task, overall and by label.

    Args:
        dataset: the dataset.
        labels: the labels.
        measured: number of numeric codes shown, the most complete ones.
        columns: number of baseline columns shown, in the order of the code book, where the dataset is a
            table.

    Returns:
        `variable, code` (null: derived), `kind` (numeric or categorical), `level` (null: numeric), `group`
        (overall, negative, positive), `n` (samples with a value, or at that level), `n_patients` (distinct
        patients of these samples), `n_missing`, `n_missing_patients`, `value` (median, or share of the
        samples with a value), `low, high` (quartiles; null for shares), `smd` (on rows of `overall`).
    """
    positive = labels.frame["boolean_value"].to_numpy()
    variables = [*_known(dataset, labels), *_coded(dataset, labels, measured=measured, columns=columns)]
    patient = np.unique(labels.samples["group_id"].to_numpy(), return_inverse=True)[1]
    rows = [row for variable in variables for row in _rows(variable, positive, patient)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _known(dataset: Dataset, labels: Labels) -> Iterator[_Variable]:
    counts = _record_counts(dataset, labels.samples)
    age = counts["age"]
    if age.null_count() < len(age):
        yield _Variable("age (years)", BIRTH, age)
    for name in labels.groups:
        yield _Variable(name, None, labels.samples[name])
    if labels.samples["site"].n_unique() > 1:
        yield _Variable("site", None, labels.samples["site"])
    yield _Variable("events in the record", None, counts["events"])
    if counts["admissions"].max():
        yield _Variable("hospital admissions", None, counts["admissions"])


def _record_counts(dataset: Dataset, samples: pl.DataFrame) -> pl.DataFrame:
    """Age in years, events and hospital admissions up to the prediction time, for each sample."""
    keys = samples.select(SAMPLE_KEY)
    parts = []
    for shard in dataset.shards:
        # Counted by instant first: many events share one, and samples meet far fewer rows.
        instants = (
            scan_shard(shard)
            .filter(~has_code(BIRTH))
            .group_by("subject_id", "time")
            .agg(pl.len().alias("events"), has_code("HOSPITAL_ADMISSION").sum().alias("admissions"))
            .collect(engine="streaming")
        )
        sums = instants.sort("subject_id", "time", nulls_last=False).with_columns(
            pl.col("events", "admissions").cum_sum().over("subject_id")
        )
        static = sums.filter(pl.col("time").is_null()).select(
            "subject_id",
            pl.col("events").alias("static_events"),
            pl.col("admissions").alias("static_admissions"),
        )
        births = (
            scan_shard(shard)
            .filter(has_code(BIRTH))
            .group_by("subject_id")
            .agg(pl.col("time").min().alias("birth"))
        ).collect(engine="streaming")
        here = keys.join(instants.select("subject_id").unique(), on="subject_id", how="semi").sort(SAMPLE_KEY)
        dated = here.join_asof(
            sums.filter(pl.col("time").is_not_null()),
            left_on="prediction_time",
            right_on="time",
            by="subject_id",
            strategy="backward",
            check_sortedness=False,
        )
        dated = dated.join(static, on="subject_id", how="left").join(births, on="subject_id", how="left")
        parts.append(
            dated.select(
                *SAMPLE_KEY,
                pl.when(pl.col("birth") <= pl.col("prediction_time"))
                .then((pl.col("prediction_time") - pl.col("birth")).dt.total_seconds())
                .truediv(86400 * _DAYS_PER_YEAR)
                .alias("age"),
                pl.coalesce("events", "static_events", 0).cast(pl.Float64).alias("events"),
                pl.coalesce("admissions", "static_admissions", 0).cast(pl.Float64).alias("admissions"),
            )
        )
    return keys.join(pl.concat(parts), on=SAMPLE_KEY, how="left", maintain_order="left")


def _coded(dataset: Dataset, labels: Labels, *, measured: int, columns: int) -> Iterator[_Variable]:
    book = dataset.codes
    names = dict(zip(book["code"], book["description"], strict=True))
    baseline = book.filter(
        pl.col("code").str.starts_with(PREFIX) & (pl.col("role").is_null() | (pl.col("role") == "baseline"))
    )
    if baseline.height:
        chosen = baseline.filter((pl.col("kind") != "note").fill_null(value=True))["code"].to_list()[:columns]
        numeric = set(baseline.filter(pl.col("kind") == "numeric")["code"])
    else:
        chosen = _most_complete(dataset, labels.samples, measured=measured)
        numeric = set(chosen)
    values = _latest(dataset, labels.samples, chosen)
    for code in chosen:
        found = values.get(code)
        if found is None:
            continue
        column = found["number"] if code in numeric else found["text"]
        yield _Variable(str(names.get(code) or code), code, column)


def _most_complete(dataset: Dataset, samples: pl.DataFrame, *, measured: int) -> list[str]:
    """Codes with numbers that most subjects have by their last sample; no outcomes, no identifiers."""
    last = samples.lazy().group_by("subject_id").agg(pl.col("prediction_time").max())
    counts = [
        scan_shard(shard)
        .filter(pl.col("numeric_value").is_finite())
        .join(last, on="subject_id")
        .filter(pl.col("time").is_null() | (pl.col("time") <= pl.col("prediction_time")))
        .group_by("code")
        .agg(pl.col("subject_id").n_unique().alias("n"))
        .collect(engine="streaming")
        for shard in dataset.shards
    ]
    hidden = dataset.codes.filter(pl.col("role").is_in(["outcome", "identifier"]))["code"]
    total = pl.concat(counts).group_by("code").agg(pl.col("n").sum())
    total = total.filter(~pl.col("code").is_in(hidden.implode())).sort("n", "code", descending=[True, False])
    return total["code"].head(measured).to_list()


def _latest(dataset: Dataset, samples: pl.DataFrame, codes: list[str]) -> dict[str, pl.DataFrame]:
    """By code the latest `number` and `text` at or before each prediction time, one row per sample."""
    keys = samples.select(SAMPLE_KEY)
    parts = []
    for shard in dataset.shards:
        events = (
            scan_shard(shard)
            .filter(pl.col("code").is_in(codes))
            .join(keys.lazy(), on="subject_id")
            .filter(pl.col("time").is_null() | (pl.col("time") <= pl.col("prediction_time")))
            .collect(engine="streaming")
        )
        last = in_canonical_order(events).unique([*SAMPLE_KEY, "code"], keep="last", maintain_order=True)
        number = pl.col("numeric_value").cast(pl.Float64)
        parts.append(
            last.select(
                *SAMPLE_KEY,
                "code",
                pl.when(number.is_finite()).then(number).alias("number"),
                event_value().alias("text"),
            )
        )
    found = pl.concat(parts)
    by_code = {str(code): frame for (code,), frame in found.partition_by("code", as_dict=True).items()}
    return {
        code: keys.join(frame, on=SAMPLE_KEY, how="left", maintain_order="left").select("number", "text")
        for code, frame in by_code.items()
    }


def _rows(variable: _Variable, positive: np.ndarray, patient: np.ndarray) -> Iterator[tuple[object, ...]]:
    groups = {OVERALL: np.ones(len(positive), dtype=bool), NEGATIVE: ~positive, POSITIVE: positive}
    head = (variable.name, variable.code)
    if variable.values.dtype == pl.Float64:
        numbers = variable.values.to_numpy()
        smd = _smd_of_means(numbers[positive], numbers[~positive])
        for group, mask in groups.items():
            absent = np.isnan(numbers)
            known = numbers[mask & ~absent]
            low, mid, high = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else (None, None, None)
            missing = int(mask.sum()) - len(known)
            yield (
                *head,
                NUMERIC,
                None,
                group,
                len(known),
                _distinct(patient[mask & ~absent]),
                missing,
                _distinct(patient[mask & absent]),
                mid,
                low,
                high,
                smd if group == OVERALL else None,
            )
        return
    known_values = variable.values.is_not_null().to_numpy()
    missing_patients = {group: _distinct(patient[mask & ~known_values]) for group, mask in groups.items()}
    for level, at_level in _levels(variable.values):
        shares = {
            group: (int((at_level & mask).sum()), int((known_values & mask).sum()), int(mask.sum()))
            for group, mask in groups.items()
        }
        smd = _smd_of_shares(shares[POSITIVE], shares[NEGATIVE])
        for group, (n, known_n, total) in shares.items():
            share = n / known_n if known_n else None
            missing = total - known_n
            yield (
                *head,
                CATEGORICAL,
                level,
                group,
                n,
                _distinct(patient[at_level & groups[group]]),
                missing,
                missing_patients[group],
                share,
                None,
                None,
                smd if group == OVERALL else None,
            )


def _distinct(patients: np.ndarray) -> int:
    return int(np.count_nonzero(np.bincount(patients)))


def _levels(values: pl.Series) -> Iterator[tuple[str, np.ndarray]]:
    """Levels from the most to the least frequent; beyond a dozen they are counted together."""
    counts = values.drop_nulls().value_counts().sort("count", values.name, descending=[True, False])
    levels = counts[values.name].to_list()
    text = values.to_list()
    keep = levels if len(levels) <= _LEVELS_SHOWN else levels[: _LEVELS_SHOWN - 1]
    place = {level: i for i, level in enumerate(keep)}
    positions = np.array([-1 if value is None else place.get(value, len(keep)) for value in text])
    for level, i in place.items():
        yield level, positions == i
    if len(keep) < len(levels):
        yield f"{_REST} ({len(levels) - len(keep)})", positions == len(keep)


def _smd_of_means(first: np.ndarray, second: np.ndarray) -> float | None:
    first, second = first[~np.isnan(first)], second[~np.isnan(second)]
    if len(first) < 2 or len(second) < 2:
        return None
    return _standardised(
        float(first.mean() - second.mean()), float(first.var(ddof=1)), float(second.var(ddof=1))
    )


def _smd_of_shares(first: tuple[int, int, int], second: tuple[int, int, int]) -> float | None:
    if not first[1] or not second[1]:
        return None
    p, q = first[0] / first[1], second[0] / second[1]
    return _standardised(p - q, p * (1 - p), q * (1 - q))


def _standardised(difference: float, variance: float, other: float) -> float | None:
    spread = math.sqrt((variance + other) / 2)
    if spread == 0:
        return 0.0 if difference == 0 else None
    return difference / spread
