"""Does anything after the prediction time reach a text or a count?

For some samples the record is written three times: as it is, without the events after the prediction time,
and with those events changed (codes and values dealt out anew, times moved, each event doubled). Texts and
counts of the three must agree byte for byte.
"""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.checks.finding import BROKEN, OK, Finding, example
from osler.checks.place import DATASET, LABELS, TEXTS, Place
from osler.record.dataset import ROW, Dataset, open_dataset
from osler.record.schema import SAMPLE_KEY
from osler.record.splits import uniform_hash
from osler.record.write import write_events
from osler.represent.counts import count_features
from osler.represent.settings import CountSettings
from osler.statements.read import open_texts
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts
from osler.task.labels import open_labels

SUBJECTS = 200
SEED = 0
_CONTENT = ("code", "numeric_value", "text_value", "unit")


def check_leakage(places: list[Place]) -> list[Finding]:
    """Recompute texts and counts of up to 200 subjects with later events removed and changed.

    Args:
        places: what is examined: a dataset alone (times are drawn from each record), labels or texts with
            their dataset, or a run.

    Raises:
        InputError: the dataset is not known.
    """
    dataset = next((place.dataset for place in places if place.dataset is not None), None)
    if dataset is None:
        raise InputError(
            "the check for leakage needs the dataset", where=places[0].path, remedy="name it with --dataset"
        )
    settings = [open_texts(place.path).settings for place in places if place.kind == TEXTS] or [
        TextSettings()
    ]
    findings = []
    for where, samples in _samples(places, dataset):
        findings += compare(dataset, samples, texts=settings, where=where)
    return findings


def compare(
    dataset: Dataset, samples: pl.DataFrame, *, texts: list[TextSettings], where: Path
) -> list[Finding]:
    """Compare texts and counts over the three records.

    Args:
        dataset: where the events are.
        samples: `subject_id, prediction_time`, one row per subject.
        texts: settings of the texts to compare.
        where: what the samples belong to.

    Returns:
        One finding per representation.
    """
    with tempfile.TemporaryDirectory(prefix="osler-leakage-") as folder:
        later, variants = _variants(dataset, samples, Path(folder))
        findings = []
        for number, settings in enumerate(texts):
            differing: set[int] = set()
            first = _texts(variants["as it is"], samples, settings, Path(folder) / f"t{number}")
            for name in ("removed", "changed"):
                other = _texts(variants[name], samples, settings, Path(folder) / f"t{number}-{name}")
                differing |= _differing(first, other)
            what = f"text ({settings.style})"
            findings.append(_finding(what, sorted(differing), samples, later, where))
        counted = {name: _counts(variant, samples) for name, variant in variants.items()}
        same = all(value == counted["as it is"] for value in counted.values())
        every = samples["subject_id"].to_list()
        findings.append(_finding("counts", [] if same else every, samples, later, where))
    return findings


def _finding(what: str, differing: list[int], samples: pl.DataFrame, later: int, where: Path) -> Finding:
    """What became of a representation; `differing` are the subjects among which it changed."""
    if not differing:
        n = samples.height
        return Finding(
            OK,
            f"{what}: the same for {n:,} samples, whatever became of their {later:,} later events",
            file=str(where),
            count=n,
        )
    sample = samples.filter(pl.col("subject_id") == differing[0]).select(SAMPLE_KEY)
    return Finding(
        BROKEN,
        f"{what}: changes when events after the prediction time are removed or changed",
        file=str(where),
        count=len(differing),
        example=example(**sample.row(0, named=True)),
        remedy="report this as a fault of Osler, with the style and the settings",
    )


def _samples(places: list[Place], dataset: Dataset) -> list[tuple[Path, pl.DataFrame]]:
    """One sample for each of some subjects: from labels, else from texts, else at times of the record."""
    found: list[tuple[Path, pl.DataFrame]] = []
    for place in places:
        if place.kind == LABELS:
            found.append((place.path, open_labels(place.path).frame.select(SAMPLE_KEY)))
    if not found:
        for place in places:
            if place.kind == TEXTS:
                found.append((place.path, open_texts(place.path).texts().select(SAMPLE_KEY).collect()))
    if not found:
        times = dataset.scan().select("subject_id", prediction_time="time").drop_nulls().unique()
        last = pl.col("prediction_time").max().over("subject_id")
        frame = times.collect(engine="streaming")
        early = frame.filter(pl.col("prediction_time") < last)
        kind = next(place.path for place in places if place.kind == DATASET or place.dataset is not None)
        found.append((kind, early if early.height else frame))
    return [(path, _some(frame)) for path, frame in found]


def _some(samples: pl.DataFrame) -> pl.DataFrame:
    """One sample per subject, of at most 200 subjects, always the same ones."""
    drawn = samples.unique(SAMPLE_KEY).sort(SAMPLE_KEY)
    times = drawn["prediction_time"].to_physical().to_numpy()
    drawn = drawn.with_columns(
        draw=pl.Series(uniform_hash(times ^ drawn["subject_id"].to_numpy(), seed=SEED))
    )
    one = drawn.sort("draw", *SAMPLE_KEY).unique("subject_id", keep="first", maintain_order=True)
    return one.head(SUBJECTS).select(SAMPLE_KEY).sort(SAMPLE_KEY)


def _variants(dataset: Dataset, samples: pl.DataFrame, folder: Path) -> tuple[int, dict[str, Dataset]]:
    """The three records on disk, and the number of later events."""
    parts = []
    for shard in dataset.shards:
        events = dataset.read(shard)
        parts.append(events.join(samples, on="subject_id", how="inner", maintain_order="left").drop(ROW))
    events = pl.concat(parts, how="diagonal_relaxed")
    late = (pl.col("time") > pl.col("prediction_time")).fill_null(value=False)
    seen, later = events.filter(~late), events.filter(late)
    records = {
        "as it is": events,
        "removed": seen,
        "changed": pl.concat([seen, _changed(later)], how="vertical_relaxed"),
    }
    made = {}
    for name, record in records.items():
        place = folder / name.replace(" ", "-")
        write_events(place, "0", record.drop("prediction_time"))
        for file in ("codes.parquet", "dataset.json"):
            source = dataset.path / "metadata" / file
            if source.is_file():
                (place / "metadata").mkdir(exist_ok=True)
                (place / "metadata" / file).write_bytes(source.read_bytes())
        made[name] = open_dataset(place)
    return later.height, made


def _changed(later: pl.DataFrame) -> pl.DataFrame:
    """Later events with codes and values dealt out anew, an hour later, and all of them twice."""
    order = np.random.default_rng(SEED).permutation(later.height)
    content = [name for name in _CONTENT if name in later.columns]
    dealt = later.with_columns(later[name].gather(order) for name in content)
    dealt = dealt.with_columns(pl.col("time") + pl.duration(hours=1))
    return pl.concat([dealt, later])


def _texts(dataset: Dataset, samples: pl.DataFrame, settings: TextSettings, out: Path) -> pl.DataFrame:
    make_texts(dataset, samples, out, settings=settings)
    return open_texts(out).texts().sort(SAMPLE_KEY).collect()


def _differing(one: pl.DataFrame, other: pl.DataFrame) -> set[int]:
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_other")) for name in one.columns[2:])
    joined = one.join(other, on=SAMPLE_KEY, how="left", suffix="_other")
    return set(joined.filter(differs)["subject_id"].to_list())


def _counts(dataset: Dataset, samples: pl.DataFrame) -> tuple[object, ...]:
    features = count_features(dataset, samples, settings=CountSettings())
    matrix = features.matrix
    return (
        tuple(features.names),
        matrix.shape,
        matrix.data.tobytes(),
        matrix.indices.tobytes(),
        matrix.indptr.tobytes(),
    )
