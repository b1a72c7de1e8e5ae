"""Labels on disk: opened, checked, one row per sample.

Opens what `osler label` wrote, and a bare folder (or file) of MEDS label Parquet that another tool wrote.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.base.hashing import hash_file, hash_json
from osler.base.output import content_hash
from osler.base.progress import note
from osler.record.dataset import Dataset
from osler.record.schema import SAMPLE_KEY, UNKNOWN
from osler.task.attrition import EXCLUDED, FOUND, KEPT, Attrition
from osler.task.label_files import label_files, read_labels
from osler.task.samples import count_patients, sample_table

FORMAT_VERSION = 1
SAMPLE_COLUMNS: dict[str, pl.DataType] = {
    "subject_id": pl.Int64(),
    "prediction_time": pl.Datetime("us"),
    "group_id": pl.Int64(),
    "site": pl.String(),
    "visit_id": pl.Int64(),
}


@dataclass(frozen=True)
class Labels:
    """The samples of one task with their labels.

    Attributes:
        path: folder or file that they were read from.
        frame: `subject_id, prediction_time, boolean_value`, sorted by key, one row per key.
        samples: the same rows: `subject_id, prediction_time, group_id, site, visit_id` and one column per
            group.
        attrition: `step, reason, n_samples, n_subjects`.
        task: content of `task.json`; for foreign labels what can be said of them.
        hash: hash of the files.
    """

    path: Path
    frame: pl.DataFrame
    samples: pl.DataFrame
    attrition: pl.DataFrame
    task: dict[str, Any]
    hash: str

    @property
    def name(self) -> str:
        """Name of the task."""
        return str(self.task["name"])

    @property
    def n_events(self) -> int:
        """Number of positive samples."""
        return int(self.frame["boolean_value"].sum())

    @property
    def groups(self) -> list[str]:
        """Names of the declared groups."""
        return [name for name in self.samples.columns if name not in SAMPLE_COLUMNS]

    def keep(self, mask: pl.Series, *, reason: str) -> "Labels":
        """These labels without the samples for which `mask` is false, counted in the attrition table.

        Args:
            mask: one boolean for each row.
            reason: why the others go.
        """
        kept, samples = self.frame.filter(mask), self.samples.filter(mask)
        positive = kept["boolean_value"]
        counts = {
            "n_samples": kept.height,
            "n_subjects": kept["subject_id"].n_unique(),
            "n_events": int(positive.sum()),
            "prevalence": positive.sum() / kept.height if kept.height else 0.0,
            **count_patients(samples["group_id"].to_numpy(), positive.to_numpy()),
        }
        table = Attrition()
        table.add(EXCLUDED, reason, self.frame.filter(~mask))
        table.add(KEPT, "samples", self.frame.filter(mask))
        before = self.attrition.filter(pl.col("step") != KEPT)
        return replace(
            self,
            frame=kept,
            samples=samples,
            task={**self.task, **counts},
            attrition=pl.concat([before, table.frame()]),
            hash=hash_json({"labels": self.hash, "kept": mask.to_list()}),
        )


def open_labels(path: str | Path, *, dataset: Dataset | None = None) -> Labels:
    """Open labels.

    Args:
        path: a labels folder of Osler, or a folder or file of MEDS label Parquet.
        dataset: where labels of other tools take persons (`group_id`), sites and groups from; None: each
            subject is a person of its own, at an unknown site. Labels that were made from another one give
            a warning.

    Raises:
        InputError: nothing there, a column missing or of a wrong type, null or conflicting labels, or
            labels that are not boolean.
    """
    folder = Path(path)
    if not folder.exists():
        raise InputError("no such folder", where=folder, remedy="name the folder that `osler label` wrote")
    files = label_files(folder)
    merged, duplicates = one_row_per_sample(read_labels(files), where=folder)
    own = (folder / "task.json").is_file() and (folder / "samples.parquet").is_file()
    if own:
        samples = pl.read_parquet(folder / "samples.parquet").sort(SAMPLE_KEY)
        if not samples.select(SAMPLE_KEY).equals(merged.select(SAMPLE_KEY)):
            raise InputError(
                "samples.parquet and the labels do not have the same rows", where=folder, remedy="label again"
            )
        task = read_json(folder / "task.json")
        if dataset is not None and not made_from(task, dataset):
            note(
                f"{folder}: these labels were not made from {dataset.path} as it is now; unless only its "
                "code book was edited, label it again"
            )
        return Labels(
            path=folder,
            frame=merged,
            samples=samples,
            attrition=pl.read_parquet(folder / "attrition.parquet"),
            task=task,
            hash=content_hash(folder),
        )
    content: dict[str, str] = {str(i): hash_file(file) for i, file in enumerate(files)}
    if dataset is not None:
        content["dataset"] = dataset.hash
    table = Attrition()
    table.add(FOUND, "labels", pl.concat([merged, duplicates]))
    table.add(EXCLUDED, "identical duplicates", duplicates)
    table.add(KEPT, "samples", merged)
    return Labels(
        path=folder,
        frame=merged,
        samples=bare_samples(merged) if dataset is None else sample_table(dataset, merged),
        attrition=table.frame(),
        task={
            "format_version": FORMAT_VERSION,
            "name": folder.stem if folder.is_file() else folder.resolve().name,
            "settings": {"use": "labels"},
            "n_samples": merged.height,
            "n_subjects": merged["subject_id"].n_unique(),
            "n_events": int(merged["boolean_value"].sum()),
        },
        hash=hash_json(content),
    )


def made_from(task: dict[str, Any], dataset: Dataset) -> bool:
    """Whether labels were made from this dataset as it is now; labels of other tools do not say.

    Args:
        task: of the labels.
        dataset: that they are used with. Ids of subjects alone do not tell two datasets apart.
    """
    return bool(task.get("dataset_hash", dataset.hash) == dataset.hash)


def one_row_per_sample(labels: pl.DataFrame, *, where: object) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Collapse identical rows of a sample; refuse samples with two labels.

    Args:
        labels: `subject_id, prediction_time, boolean_value` and perhaps other columns, of which the first
            row counts.
        where: what to name in the error.

    Returns:
        The rows that stay, sorted by key, and those that went.

    Raises:
        InputError: samples with conflicting labels; says how many.
    """
    labels = labels.sort(*SAMPLE_KEY, maintain_order=True)
    conflicting = (
        labels.group_by(SAMPLE_KEY)
        .agg(pl.col("boolean_value").n_unique())
        .filter(pl.col("boolean_value") > 1)
    )
    if conflicting.height:
        raise InputError(
            "samples (subject_id, prediction_time) with conflicting labels",
            where=where,
            count=conflicting.height,
            remedy="give each sample one label; identical duplicates collapse by themselves",
        )
    first = labels.select(pl.struct(SAMPLE_KEY).is_first_distinct()).to_series()
    return labels.filter(first), labels.filter(~first)


def bare_samples(labels: pl.DataFrame) -> pl.DataFrame:
    """Samples of which nothing is known but their key: each subject its own group, site unknown."""
    return labels.select(
        *SAMPLE_KEY,
        pl.col("subject_id").alias("group_id"),
        pl.lit(UNKNOWN).alias("site"),
        pl.lit(None, dtype=pl.Int64).alias("visit_id"),
    )
