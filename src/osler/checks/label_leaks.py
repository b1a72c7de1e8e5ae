"""Does a code that the samples see give the outcome away? Each code alone, against the label."""

import numpy as np
import polars as pl

from osler.base.progress import track
from osler.checks.finding import WARNING, Finding, example, listed
from osler.checks.label_sites import labels_with_sites
from osler.checks.place import Place
from osler.checks.screen import FEW, FOLDS, TELLING, Suspect, suspects
from osler.record.dataset import Dataset, Shard
from osler.record.schema import SAMPLE_KEY
from osler.record.splits import uniform_hash
from osler.task.events import scan_shard
from osler.task.labels import Labels

MOST = 10_000  # samples of each class that are looked at
SEED = 0
SHOWN = 20  # codes that are named


def check(place: Place) -> list[Finding]:
    """Screen every code at the prediction time; needs the dataset."""
    if place.survey is None:
        return []
    samples = drawn(labels_with_sites(place))
    y = samples["boolean_value"].to_numpy()
    if min(int(y.sum()), int((~y).sum())) < FEW:
        return []
    fold = (uniform_hash(samples["group_id"].to_numpy(), seed=SEED) * FOLDS).astype(np.int64)
    found = suspects(last_seen(place.survey.dataset, samples), y, fold)
    findings = []
    for told, what in ((True, "almost tells the outcome"), (False, "tells as much as a whole model does")):
        group = [one for one in found if (one.auroc.value >= TELLING) == told]
        if group:
            findings.append(_finding(place, samples, group, what))
    return findings


def _finding(place: Place, samples: pl.DataFrame, group: list[Suspect], what: str) -> Finding:
    named = listed(
        (
            f"{one.code} ({_BY[one.by]}: {one.auroc.value:.3f}, {one.auroc.low:.3f} to {one.auroc.high:.3f})"
            for one in group
        ),
        most=SHOWN,
    )
    return Finding(
        WARNING,
        f"each of these codes alone {what} (AUROC, 95 % interval): {named}",
        file=str(place.path),
        column="boolean_value",
        count=len(group),
        example=example(code=group[0].code, **samples.select(SAMPLE_KEY).row(group[0].sample, named=True)),
        remedy="was this known at the prediction time? If not, correct its time in the source's spec (a "
        "table: `outcome`, `after` or `drop`) and ingest again",
    )


_BY = {"recorded": "recorded or not", "number": "last number", "level": "last value"}


def drawn(labels: Labels) -> pl.DataFrame:
    """Samples to look at: at most one of each person and label, and at most 10,000 of each label.

    Args:
        labels: the labels.

    Returns:
        `subject_id, prediction_time, boolean_value, group_id`, always the same ones.
    """
    frame = labels.frame.with_columns(labels.samples["group_id"])
    times = frame["prediction_time"].to_physical().to_numpy()
    place = uniform_hash(times ^ frame["subject_id"].to_numpy(), seed=SEED)
    order = frame.with_columns(place=pl.Series(place)).sort("place", *SAMPLE_KEY)
    one = order.unique(["group_id", "boolean_value"], keep="first", maintain_order=True)
    parts = [one.filter(pl.col("boolean_value") == value).head(MOST) for value in (False, True)]
    return pl.concat(parts).sort(SAMPLE_KEY).drop("place")


def last_seen(dataset: Dataset, samples: pl.DataFrame) -> pl.DataFrame:
    """The last number and the last word of each code at or before the prediction time.

    Args:
        dataset: the dataset; notes and identifiers are left out.
        samples: `subject_id, prediction_time`.

    Returns:
        As `suspects` wants it; a word is the hash of a text, which does not leave this function.
    """
    book = dataset.codes
    hidden = book.filter((pl.col("kind") == "note") | (pl.col("role") == "identifier"))["code"]
    wanted = samples.select(*SAMPLE_KEY).with_row_index("sample")
    return pl.concat([_seen(shard, wanted, hidden) for shard in track(dataset.shards, "screening codes")])


def _seen(shard: Shard, samples: pl.DataFrame, hidden: pl.Series) -> pl.DataFrame:
    """Of one shard; only the events of the samples' subjects are held."""
    time, text = pl.col("time"), pl.col("text_value").str.strip_chars()
    events = (
        scan_shard(shard)
        .filter(~pl.col("code").is_in(hidden.implode()) & ~pl.col("code").str.starts_with("NOTE//"))
        .join(samples.lazy(), on="subject_id", how="inner")
        .filter(time.is_null() | (time <= pl.col("prediction_time")))
        .select(
            pl.col("sample").cast(pl.Int64),
            "code",
            "time",
            number=pl.when(pl.col("numeric_value").is_finite()).then(
                pl.col("numeric_value").cast(pl.Float64)
            ),
            word=pl.when(text.str.len_chars() > 0).then(text.hash()),
        )
        .collect(engine="streaming")
    )
    seen = events.select("sample", "code").unique()
    for name in ("number", "word"):
        seen = seen.join(_last(events, name), on=["sample", "code"], how="left")
    return seen


def _last(events: pl.DataFrame, name: str) -> pl.DataFrame:
    """The last value of each sample and code; of several at one time the largest, as in canonical order."""
    valued = events.filter(pl.col(name).is_not_null()).sort("time", name, nulls_last=False)
    return valued.group_by("sample", "code", maintain_order=True).agg(pl.col(name).last())
