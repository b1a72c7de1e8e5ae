"""Splits: who trains a model, who tunes it, who judges it. No person is ever on two sides.

`temporal` and `site` send a person to the side of the first sample; samples of that person on the other
side are dropped first, by `drop_across`, and counted in the attrition table.
"""

from datetime import datetime

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.record.dataset import Dataset
from osler.record.schema import HELD_OUT, TRAIN, TUNING, UNKNOWN
from osler.task.labels import Labels
from osler.task.settings import SplitSettings

_SCHEMA: dict[str, pl.DataType] = {
    "split_id": pl.String(),
    "repeat": pl.Int64(),
    "fold": pl.Int64(),
    "subject_id": pl.Int64(),
    "split": pl.String(),
}
ACROSS = "on the other side of the split than the person's first sample"


def make_splits(labels: Labels, settings: SplitSettings, dataset: Dataset) -> pl.DataFrame:
    """Divide the subjects of some labels.

    Args:
        labels: the labels; for the schemes `temporal` and `site` without samples across the cut
            (`drop_across`).
        settings: how.
        dataset: the dataset, for its own splits.

    Returns:
        `split_id` ("r0f0"), `repeat`, `fold`, `subject_id`, `split` (train, tuning, held_out), each
        subject once per split_id; sorted. Fold i of the scheme `site` holds out `held_out_sites(labels)[i]`.

    Raises:
        InputError: too few persons, positives or sites; no dates for a temporal split; samples across the
            cut; a person on two sides of the dataset's own splits.
    """
    persons = _persons(labels)
    if settings.unit == "subject" and labels.samples["group_id"].n_unique() < persons.height:
        raise InputError(
            "some persons (group_id) have several subjects, and splits by subject would divide them",
            where="splits.unit",
            count=persons.height - labels.samples["group_id"].n_unique(),
            allowed=["group"],
            remedy="set unit: group",
        )
    frames = {"kfold": _kfold, "holdout": _holdout, "temporal": _temporal, "site": _by_site}[settings.scheme](
        labels, persons, settings, dataset
    )
    return (
        pl.concat(frames)
        .select(pl.col(name).cast(kind) for name, kind in _SCHEMA.items())
        .sort("repeat", "fold", "subject_id")
    )


def drop_across(labels: Labels, settings: SplitSettings, dataset: Dataset) -> Labels:
    """Labels without the samples that lie on the other side of the cut than the first sample of their person.

    Labels for the schemes `kfold` and `holdout` come back as they are.

    Args:
        labels: the labels.
        settings: how they will be split.
        dataset: the dataset.

    Raises:
        InputError: no dates for a temporal split.
    """
    side = _side(labels, settings, dataset)
    if side is None:
        return labels
    own = side == _first_of_person(labels, side)
    return labels if bool(own.all()) else labels.keep(own, reason=ACROSS)


def held_out_sites(labels: Labels) -> list[str]:
    """Sites that the scheme `site` holds out, in the order of its folds; `unknown` is no site."""
    return sorted(site for site in labels.samples["site"].unique() if site != UNKNOWN)


def _persons(labels: Labels) -> pl.DataFrame:
    """`subject_id, group_id, positive` (whether the person has a positive sample), one row per subject."""
    rows = labels.samples.select("subject_id", "group_id").with_columns(labels.frame["boolean_value"])
    positive = rows.group_by("group_id").agg(pl.col("boolean_value").any().alias("positive"))
    return rows.select("subject_id", "group_id").unique().join(positive, on="group_id").sort("subject_id")


def _deal(persons: pl.DataFrame, *, parts: int, seed: tuple[int, ...]) -> pl.DataFrame:
    """Deal persons out to equal hands, those with and without a positive apart: `group_id, part`."""
    groups = persons.select("group_id", "positive").unique().sort("group_id")
    rng = np.random.default_rng(seed)
    ids, positive = groups["group_id"].to_numpy(), groups["positive"].to_numpy()
    order = rng.permutation(len(ids))
    # Positives first, then the others: one round of dealing keeps both the strata and the sizes even.
    order = np.concatenate([order[positive[order]], order[~positive[order]]])
    part = np.empty(len(ids), dtype=np.int64)
    part[order] = np.arange(len(ids)) % parts
    return pl.DataFrame({"group_id": ids, "part": part})


def _kfold(labels: Labels, persons: pl.DataFrame, settings: SplitSettings, _: Dataset) -> list[pl.DataFrame]:
    for name, count in (
        ("with a positive sample", persons.filter("positive")["group_id"].n_unique()),
        ("without one", persons.filter(~pl.col("positive"))["group_id"].n_unique()),
    ):
        if count < settings.folds:
            one_class = " (the labels have one class only)" if count == 0 else ""

            raise InputError(
                f"{settings.folds} folds need as many persons {name}{one_class}",
                where=f"splits of task '{labels.name}'",
                count=count,
                remedy="use fewer folds, or a task with more of them",
            )
    frames = []
    for repeat in range(settings.repeats):
        dealt = persons.join(
            _deal(persons, parts=settings.folds, seed=(settings.seed, repeat)), on="group_id"
        )
        for fold in range(settings.folds):
            held_out = pl.col("part") == fold
            frames.append(_assign(dealt, held_out, settings, repeat=repeat, fold=fold))
    return frames


def _holdout(
    labels: Labels, persons: pl.DataFrame, settings: SplitSettings, dataset: Dataset
) -> list[pl.DataFrame]:
    if dataset.splits is None:
        return [_assign(*_random_held_out(persons, settings), settings)]
    where = f"{dataset.path}/metadata/subject_splits.parquet"
    joined = persons.join(dataset.splits.select("subject_id", "split"), on="subject_id", how="left")
    missing = joined["split"].null_count()
    if missing:
        raise InputError(
            "subjects without a split", where=where, count=missing, remedy="add them to the file"
        )
    allowed = (TRAIN, TUNING, HELD_OUT)
    unknown = joined.filter(~pl.col("split").is_in(allowed))
    if unknown.height:
        raise InputError(
            "unknown names of splits",
            where=where,
            count=unknown.height,
            allowed=allowed,
            remedy="rename them",
        )
    divided = joined.group_by("group_id").agg(pl.col("split").n_unique()).filter(pl.col("split") > 1)
    if divided.height:
        raise InputError(
            "persons (group_id) with subjects in several splits",
            where=where,
            count=divided.height,
            remedy="put all subjects of a person in one split",
        )
    present = set(joined["split"])
    for split in (TRAIN, HELD_OUT):
        if split not in present:
            raise InputError(
                f"no subject of task '{labels.name}' is in the split {split}", where=where, remedy="use kfold"
            )
    return [joined.with_columns(split_id=pl.lit("r0f0"), repeat=pl.lit(0), fold=pl.lit(0))]


def _random_held_out(persons: pl.DataFrame, settings: SplitSettings) -> tuple[pl.DataFrame, pl.Expr]:
    n_groups = persons["group_id"].n_unique()
    dealt = persons.join(_deal(persons, parts=n_groups, seed=(settings.seed, 0)), on="group_id")
    # Hands of one: every stratum takes its share from the front, positives and others alike.
    rank = pl.col("part").rank("dense").over("positive")
    share = pl.col("part").n_unique().over("positive") * settings.held_out
    return dealt, rank <= share.round().clip(1)


def _temporal(
    labels: Labels, persons: pl.DataFrame, settings: SplitSettings, dataset: Dataset
) -> list[pl.DataFrame]:
    return [_assign(*_by_side(labels, persons, settings, dataset, held_out="after"), settings)]


def _by_site(
    labels: Labels, persons: pl.DataFrame, settings: SplitSettings, dataset: Dataset
) -> list[pl.DataFrame]:
    sites = held_out_sites(labels)
    if len(sites) < 2:
        raise InputError(
            "leaving one site out needs at least two known sites",
            where=f"splits of task '{labels.name}'",
            count=len(sites),
            remedy="declare the hospital column (site_id_columns), or use another scheme",
        )
    return [
        _assign(*_by_side(labels, persons, settings, dataset, held_out=site), settings, fold=fold)
        for fold, site in enumerate(sites)
    ]


def _by_side(
    labels: Labels, persons: pl.DataFrame, settings: SplitSettings, dataset: Dataset, *, held_out: str
) -> tuple[pl.DataFrame, pl.Expr]:
    side = _side(labels, settings, dataset)
    if side is None:
        raise AssertionError(f"the scheme {settings.scheme} has no sides")
    across = int((side != _first_of_person(labels, side)).sum())
    if across:
        raise InputError(
            f"samples {ACROSS}",
            where=f"splits of task '{labels.name}'",
            count=across,
            remedy="drop them first: osler.task.splits.drop_across",
        )
    sides = labels.samples.select("group_id").with_columns(side.alias("side")).unique()
    return persons.join(sides, on="group_id"), pl.col("side") == held_out


def _side(labels: Labels, settings: SplitSettings, dataset: Dataset) -> pl.Series | None:
    """The side of each sample: its site, or before/after the cut; None where the scheme has no sides."""
    if settings.scheme == "site":
        return labels.samples["site"]
    if settings.scheme == "temporal":
        cut = _cut(labels, settings, dataset)
        return labels.samples.select(
            pl.when(pl.col("prediction_time") < cut).then(pl.lit("before")).otherwise(pl.lit("after"))
        ).to_series()
    return None


def _first_of_person(labels: Labels, side: pl.Series) -> pl.Series:
    # Ties in time go by subject, so that the order of rows does not matter.
    samples = labels.samples.with_columns(side.alias("side"))
    order = ["prediction_time", "subject_id"]
    return samples.select(pl.col("side").sort_by(order).first().over("group_id")).to_series()


def _cut(labels: Labels, settings: SplitSettings, dataset: Dataset) -> datetime:
    if dataset.undated or labels.task.get("undated"):
        raise InputError(
            "a temporal split needs dates, and this dataset has none",
            where=dataset.path,
            allowed=["kfold", "holdout", "site"],
            remedy="choose another scheme",
        )
    firsts = (
        labels.samples.group_by("group_id").agg(pl.col("prediction_time").min())["prediction_time"].sort()
    )
    cut: datetime = settings.cut or firsts[int(len(firsts) * (1 - settings.held_out))]
    if not firsts[0] < cut <= firsts[-1]:
        raise InputError(
            f"the cut {cut} leaves one side without persons",
            where="splits.cut",
            allowed=[f"after {firsts[0]}, at most {firsts[-1]}"],
            remedy="choose a cut between the first samples of the first and the last person",
        )
    return cut


def _assign(
    persons: pl.DataFrame, held_out: pl.Expr, settings: SplitSettings, *, repeat: int = 0, fold: int = 0
) -> pl.DataFrame:
    """Name the split of each person: held out or not, and of the others a share for tuning."""
    persons = persons.with_columns(held_out.alias("held_out"))
    split = pl.when("held_out").then(pl.lit(HELD_OUT)).otherwise(pl.lit(TRAIN))
    if settings.tuning > 0:
        rest = persons.filter(~pl.col("held_out"))
        inner = settings.model_copy(update={"held_out": settings.tuning})
        seeded = inner.model_copy(update={"seed": hash_seed(settings.seed, repeat, fold)})
        dealt, tuning = _random_held_out(rest.drop("part", strict=False), seeded)
        chosen = dealt.filter(tuning)["group_id"].unique().implode()
        split = (
            pl.when(~pl.col("held_out") & pl.col("group_id").is_in(chosen))
            .then(pl.lit(TUNING))
            .otherwise(split)
        )
    return persons.with_columns(
        split.alias("split"), split_id=pl.lit(f"r{repeat}f{fold}"), repeat=pl.lit(repeat), fold=pl.lit(fold)
    )


def hash_seed(*numbers: int) -> int:
    """One seed from several numbers, the same on every machine."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint32)[0])
