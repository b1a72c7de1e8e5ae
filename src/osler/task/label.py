"""Labelling: a task on a dataset becomes a labels folder.

The folder holds `data/labels.parquet` (exactly MEDS' LabelSchema), `samples.parquet`, `attrition.parquet`,
`task.json` and, where the task has choices, `sensitivity.parquet`.
"""

from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import write_json, write_parquet
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.base.settings import parse_settings
from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY
from osler.record.write import write_aligned
from osler.task.attrition import EXCLUDED, KEPT, NOTED, count_reasons
from osler.task.drawn import Drawn
from osler.task.events import require_one_shard_per_subject
from osler.task.families import FAMILIES
from osler.task.labels import FORMAT_VERSION, Labels, one_row_per_sample, open_labels
from osler.task.samples import count_patients, sample_table
from osler.task.settings import TaskSettings

VERSION = 2


def parse_task(values: dict[str, Any], *, where: str) -> TaskSettings:
    """Settings of a task from plain values.

    Args:
        values: `use` and the settings of that family.
        where: what to name in an error.

    Raises:
        InputError: unknown task, unknown key or wrong value.

    Examples:
        >>> parse_task({"use": "mortality", "after_hours": 48}, where="example").after_hours
        48.0
    """
    if values.get("use") not in FAMILIES:
        raise InputError(
            f"unknown task '{values.get('use')}'",
            where=where,
            allowed=FAMILIES,
            remedy="name one of these in 'use'",
        )
    parsed: TaskSettings = parse_settings(TaskSettings, values, where=where)
    return parsed


def make_labels(dataset: Dataset, out: Path, *, settings: TaskSettings, name: str | None = None) -> Labels:
    """Label a dataset for a task; a folder that holds this work already is only opened.

    Args:
        dataset: the dataset.
        out: the labels folder.
        settings: the task.
        name: what to call the task; None: as the folder is called.

    Raises:
        InputError: the dataset does not fit the task, no sample is left, or labels conflict.
    """
    name = name or out.name
    job = Output(
        out,
        key=hash_json({"task": settings.plain(), "name": name, "dataset": dataset.hash, "version": VERSION}),
    )
    if not job.complete:
        require_one_shard_per_subject(dataset)
        drawn: Drawn = import_module(FAMILIES[settings.use]).draw(dataset, settings)
        with job as part:
            _write(part, dataset, drawn, settings=settings, name=name)
    return open_labels(out)


def _write(part: Path, dataset: Dataset, drawn: Drawn, *, settings: TaskSettings, name: str) -> None:
    from meds import LabelSchema

    table = count_reasons(drawn.frame, unit=drawn.unit, reasons=drawn.reasons)
    kept = drawn.frame.filter(pl.col("reason").is_null()).sort(*SAMPLE_KEY, "visit_id", nulls_last=True)
    kept, duplicates = one_row_per_sample(kept, where=f"task '{name}' on {dataset.path}")
    table.add(EXCLUDED, "identical duplicates", duplicates)
    table.add(KEPT, "samples", kept)
    for text, rows in drawn.noted:
        table.add(NOTED, text, rows)
    attrition = table.frame()
    if kept.is_empty():
        raise InputError(
            f"task '{name}' leaves no sample",
            where=dataset.path,
            remedy="the attrition was: "
            + "; ".join(
                f"{row['reason']} {row['n_samples']:,}"
                for row in attrition.iter_rows(named=True)
                if row["n_samples"]
            ),
        )
    labels = kept.select(*SAMPLE_KEY, "boolean_value")
    write_aligned(part / "data" / "labels.parquet", LabelSchema, labels)
    samples = sample_table(dataset, kept)
    write_parquet(part / "samples.parquet", samples)
    write_parquet(part / "attrition.parquet", attrition)
    if drawn.sensitivity is not None:
        write_parquet(part / "sensitivity.parquet", drawn.sensitivity)
    n_events = int(labels["boolean_value"].sum())
    patients = count_patients(samples["group_id"].to_numpy(), labels["boolean_value"].to_numpy())
    write_json(
        part / "task.json",
        {
            "format_version": FORMAT_VERSION,
            "name": name,
            "settings": settings.plain(),
            "dataset": dataset.name,
            "dataset_hash": dataset.hash,
            "undated": dataset.undated,
            "description": asdict(drawn.description),
            "n_samples": labels.height,
            "n_subjects": labels["subject_id"].n_unique(),
            "n_events": n_events,
            "prevalence": n_events / labels.height,
            **patients,
            "warnings": [*drawn.warnings, *_one_class(n_events, labels.height)],
            **drawn.facts,
        },
    )


def _one_class(n_events: int, n: int) -> list[str]:
    if 0 < n_events < n:
        return []
    which = "positive" if n_events else "negative"
    return [f"every sample is {which}: a model cannot be fitted or judged on one class"]
