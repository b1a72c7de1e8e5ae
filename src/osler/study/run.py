"""Carrying out a study: from the dataset to the report, step by step, each step resumable."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from osler.base.files import write_json, write_parquet
from osler.base.output import Output, content_hash
from osler.record.check import check_dataset
from osler.record.dataset import Dataset, open_dataset
from osler.record.schema import SAMPLE_KEY
from osler.represent.settings import OfTextSettings
from osler.study.compare import compare_step
from osler.study.environment import environment
from osler.study.features import StudyFeatures
from osler.study.schema import DatasetFolder, DatasetSource, Study
from osler.study.steps import Steps
from osler.task.splits import drop_across, make_splits

if TYPE_CHECKING:
    from osler.represent.engine import EngineSettings
    from osler.task.labels import Labels

DATASET = "dataset"


@dataclass(frozen=True)
class _Run:
    """What the steps of one run share."""

    study: Study
    steps: Steps
    engine: "EngineSettings | None"

    @property
    def out(self) -> Path:
        return self.steps.out


def run_study(
    study: Study, out: Path, *, private: bool = False, engine: "EngineSettings | None" = None
) -> dict[str, Any]:
    """Carry out a study.

    Args:
        study: the study, as `read_study` gives it.
        out: the run folder: new, empty, or of an earlier run, which is then continued: finished steps whose
            inputs are the same are not redone.
        private: whether to write `report-private.html` too.
        engine: where encoding runs; None: in this process. It does not change the results.

    Returns:
        The summary: the report, the steps done and those that were done before, the models and their AUROC.

    Raises:
        InputError: something in the study, the data or the output folder is wrong.
    """
    start = time.perf_counter()
    run = _Run(study=study, steps=Steps(out), engine=engine)
    _require_encoders(study)
    _require_namer(study)
    with run.steps.alone():
        write_json(out / "study.json", {"format_version": 1, **study.settings.plain()})
        write_json(out / "environment.json", environment())
        dataset = _dataset(run)
        whole = {name: _labels(run, dataset, name) for name in study.settings.tasks}
        labels = {name: _within_splits(run, dataset, name, given) for name, given in whole.items()}
        samples = _all_samples(labels)
        texts = {name: _texts(run, dataset, samples, name) for name in study.settings.texts}
        vectors = _vectors(run, texts)
        splits = _splits(run, dataset, labels)
        for task, task_labels in labels.items():
            _table_one(run, dataset, task, task_labels)
            features = StudyFeatures(run.study, dataset, task_labels.samples, texts=texts, vectors=vectors)
            _predictions(run, task, task_labels, splits[task], features)
            _phenotypes(run, task, task_labels, features)
        run.steps.clear_others()
        metrics = _merge_metrics(run)
        reports = _reports(run, private=private)
    return {
        "report": str(reports[0]),
        **({"private_report": str(reports[1])} if private else {}),
        "subjects": _count_subjects(labels),
        "samples": {task: task_labels.frame.height for task, task_labels in labels.items()},
        "auroc": _auroc(metrics),
        "steps_done": len(run.steps.done),
        "steps_done_before": len(run.steps.skipped),
        "seconds": round(time.perf_counter() - start, 1),
    }


def _require_encoders(study: Study) -> None:
    """Refuse an unknown encoder before the first step instead of in the middle of the run."""
    from osler.models.recipes import recipe

    representations = study.settings.representations.values()
    names = {settings.encoder for settings in representations if isinstance(settings, OfTextSettings)}
    for name in sorted(names | {text.tokenizer for text in study.settings.texts.values()}):
        recipe(name)


def _require_namer(study: Study) -> None:
    """Refuse a chat server that does not answer, or to which records may not go, likewise."""
    from osler.phenotyping.names import open_namer

    if study.settings.phenotype is not None:
        open_namer(study.settings.phenotype.names)


def _dataset(run: _Run) -> Dataset:
    settings = run.study.settings.dataset
    if isinstance(settings, DatasetFolder):
        dataset = open_dataset(run.study.resolve(settings.path))
    elif isinstance(settings, DatasetSource):
        dataset = _ingested(run, settings)
    else:
        from osler.simulate.simulate import simulate

        simulation = settings.simulate
        dataset = open_dataset(
            run.steps.do(DATASET, simulation.plain(), lambda folder: simulate(folder, settings=simulation))
        )
    check_dataset(dataset)
    return dataset


def _ingested(run: _Run, settings: DatasetSource) -> Dataset:
    """The dataset of a source; it is made anew when a file of the source or a setting changed."""
    from osler.record.mapping.options import IngestOptions, parse_size
    from osler.record.sources import TABLE, ingest
    from osler.record.sources.mapped import depends_on
    from osler.record.sources.postgres import is_database_url
    from osler.record.sources.table import find_inputs

    database = is_database_url(settings.source)
    source = settings.source if database else run.study.resolve(settings.source)
    spec = None if settings.spec is None else run.study.resolve(settings.spec)
    if settings.format == TABLE:
        inputs = find_inputs(Path(source), spec).depends_on()
        folder = run.steps.do(DATASET, inputs, lambda out: ingest(TABLE, source, spec, out))
        return open_dataset(folder)
    options = IngestOptions(limit=settings.limit)
    if settings.memory is not None:
        memory = parse_size(settings.memory, where="dataset.memory")
        options = options.model_copy(update={"memory": memory})
    vocabulary = tuple(run.study.resolve(path) for path in settings.vocabulary)
    inputs = depends_on(settings.format, source, spec, timezone=settings.timezone, vocabulary=vocabulary)
    folder = run.steps.do(
        DATASET,
        {**inputs, "limit": settings.limit},
        lambda out: ingest(
            settings.format,
            source,
            spec,
            out,
            options=options,
            timezone=settings.timezone,
            vocabulary=vocabulary,
        ),
    )
    return open_dataset(folder)


def _labels(run: _Run, dataset: Dataset, name: str) -> "Labels":
    from osler.task.label import make_labels
    from osler.task.labels import open_labels

    settings = run.study.settings.tasks[name]
    depends_on = {"dataset": dataset.hash, "task": settings.plain()}
    folder = run.steps.do(
        f"labels/{name}", depends_on, lambda out: make_labels(dataset, out, settings=settings, name=name)
    )
    return open_labels(folder)


def _within_splits(run: _Run, dataset: Dataset, name: str, whole: "Labels") -> "Labels":
    """Labels without samples across the cut of a temporal or site split; `cohort/` says who went and why."""
    settings = run.study.settings.splits
    labels = drop_across(whole, settings, dataset)
    if labels is whole:
        return whole

    def work(folder: Path) -> None:
        with Output(folder, key=labels.hash) as part:
            write_parquet(part / "attrition.parquet", labels.attrition)
            write_json(part / "task.json", labels.task)

    run.steps.do(f"cohort/{name}", {"labels": labels.hash}, work)
    return labels


def _all_samples(labels: Mapping[str, "Labels"]) -> pl.DataFrame:
    keys = [task_labels.samples.select(SAMPLE_KEY) for task_labels in labels.values()]
    return pl.concat(keys).unique().sort(SAMPLE_KEY)


def _texts(run: _Run, dataset: Dataset, samples: pl.DataFrame, name: str) -> Path:
    from osler.statements.write import make_texts

    settings = run.study.settings.texts[name]
    depends_on = {"dataset": dataset.hash, "samples": _frame_hash(samples), "text": settings.plain()}
    return run.steps.do(
        f"texts/{name}", depends_on, lambda out: make_texts(dataset, samples, out, settings=settings)
    )


def _vectors(run: _Run, texts: Mapping[str, Path]) -> dict[str, Path]:
    from osler.represent.encode import make_vectors

    folders = {}
    for name, representation in run.study.settings.representations.items():
        if not isinstance(representation, OfTextSettings):
            continue
        text = texts[representation.text]
        settings = representation.encode_settings()
        depends_on = {"texts": content_hash(text), "encode": settings.plain()}

        def work(out: Path, text: Path = text, settings: Any = settings) -> None:
            make_vectors(text, out, settings=settings, cache=run.out / "cache", engine=run.engine)

        folders[name] = run.steps.do(f"vectors/{name}", depends_on, work)
    return folders


def _splits(run: _Run, dataset: Dataset, labels: Mapping[str, "Labels"]) -> dict[str, pl.DataFrame]:
    settings = run.study.settings.splits
    splits = {task: make_splits(task_labels, settings, dataset) for task, task_labels in labels.items()}
    merged = pl.concat([frame.with_columns(task=pl.lit(task)) for task, frame in splits.items()])
    write_parquet(run.out / "splits.parquet", merged, private=True)
    return splits


def _table_one(run: _Run, dataset: Dataset, task: str, labels: "Labels") -> None:
    from osler.task.describe import table_one

    def work(folder: Path) -> None:
        with Output(folder, key="table one") as part:
            write_parquet(part / "table_one.parquet", table_one(dataset, labels))

    run.steps.do(f"table_one/{task}", {"dataset": dataset.hash, "labels": labels.hash}, work)


def _predictions(
    run: _Run, task: str, labels: "Labels", splits: pl.DataFrame, features: StudyFeatures
) -> None:
    from osler.prediction.predict import fit_predictions

    settings = run.study.settings.predict
    if settings is None:
        return
    depends_on = {
        "labels": labels.hash,
        "splits": _frame_hash(splits),
        "features": features.hashes,
        "predict": settings.plain(),
    }
    run.steps.do(
        f"predictions/{task}",
        depends_on,
        lambda out: fit_predictions(labels, features.all(), splits, out, settings=settings, task_name=task),
    )


def _phenotypes(run: _Run, task: str, labels: "Labels", features: StudyFeatures) -> None:
    from osler.phenotyping.arms import arm
    from osler.phenotyping.fit import fit_phenotypes
    from osler.phenotyping.settings import VARIABLES

    whole = run.study.settings.phenotype
    if whole is None:
        return
    settings = whole.fit
    on_table = [name for name in settings.arms if arm(name).needs_table]
    on_vectors = [name for name in settings.arms if name not in on_table]
    kinds = {name: run.study.settings.representations[name].kind for name in features.names}
    sources = [name for name, kind in kinds.items() if on_vectors and kind != "joined"]
    for name in sources + ([VARIABLES] if on_table else []):
        known = name in kinds
        own = settings.model_copy(update={"arms": tuple(on_vectors if known else on_table)})
        depends_on = {
            "labels": labels.hash,
            "features": features.hashes[name] if known else features.table_hash,
            "described by": features.counts_hash,
            "followed": features.table_hash,
            "texts": features.texts_hash(name),
            "phenotype": own.plain(),
        }

        def work(out: Path, name: str = name, own: Any = own) -> None:
            known = name in kinds
            fit_phenotypes(
                labels,
                features[name] if known else None,
                out,
                settings=own,
                table=features.table(own.table),
                variables=features.counts(),
                lengths=features.lengths(name) if known else None,
                source=features.source(name) if known else {"kind": VARIABLES},
                follow=features.follow_up(),
                texts=features.texts(name),
                cautions=features.cautions(name) if known else (),
            )

        run.steps.do(f"phenotypes/{task}/{name}", depends_on, work)
    compare_step(
        run.steps,
        run.study,
        task,
        labels,
        features,
        engine=run.engine,
        on_vectors=sources,
        on_table=bool(on_table),
    )


def _merge_metrics(run: _Run) -> pl.DataFrame:
    files = sorted((run.out / "predictions").glob("*/metrics.parquet"))
    if not files:
        for name in ("metrics.parquet", "metrics.json"):
            (run.out / name).unlink(missing_ok=True)
        return pl.DataFrame()
    parts = []
    for file in files:
        folder = pl.lit(f"predictions/{file.parent.name}/")
        parts.append(pl.read_parquet(file).with_columns(file=pl.concat_str(folder, "file")))
    metrics = pl.concat(parts)
    write_parquet(run.out / "metrics.parquet", metrics)
    write_json(run.out / "metrics.json", metrics.to_dicts())
    return metrics


def _reports(run: _Run, *, private: bool) -> list[Path]:
    from osler.reports.report import write_report

    reports = [write_report(run.out)]
    if private:
        reports.append(write_report(run.out, private=True))
    return reports


def _frame_hash(frame: pl.DataFrame) -> str:
    from osler.base.hashing import hash_bytes

    return hash_bytes(frame.write_csv().encode())


def _count_subjects(labels: Mapping[str, "Labels"]) -> int:
    return pl.concat([task_labels.frame.select("subject_id") for task_labels in labels.values()]).n_unique()


def _auroc(metrics: pl.DataFrame) -> dict[str, dict[str, dict[str, float | None]]]:
    """By task and model the AUROC over all folds: `value`, `low`, `high`; empty where nothing is ranked."""
    if metrics.is_empty():
        return {}
    overall = metrics.filter(
        pl.col("metric") == "auroc", pl.col("fold") == "mean", pl.col("group").is_null()
    ).with_columns(model=pl.concat_str("representation", "head", separator="+"))
    found: dict[str, dict[str, dict[str, float | None]]] = {}
    for row in overall.select("task", "model", "value", "low", "high").iter_rows(named=True):
        found.setdefault(row["task"], {})[row["model"]] = {key: row[key] for key in ("value", "low", "high")}
    return found
