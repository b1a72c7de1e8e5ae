"""Cohorts that texts and vectors are measured on: three of real data where it is at hand, one simulated."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from osler.record.dataset import Dataset, open_dataset
from osler.record.sources import ingest
from osler.simulate.settings import SimulateSettings
from osler.simulate.simulate import simulate

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "examples" / "specs"


@dataclass(frozen=True)
class Source:
    """Where the records of a cohort come from, what is predicted, and how long its texts may be.

    Attributes:
        kind: format of `osler ingest`; None: simulated.
        place: below the folder of data.
        spec: file in `examples/specs`, where the format needs one.
        task: settings of the task, as in the example studies.
        budget: most tokens of a text.
    """

    kind: str | None
    place: str
    spec: str | None
    task: Mapping[str, Any]
    budget: int = 2048


COHORTS: Mapping[str, Source] = MappingProxyType(
    {
        "eicu": Source(
            "eicu",
            "eicu_demo",
            None,
            {"use": "mortality", "admission": "FIRST_ICU_ADMISSION", "after_hours": 24},
        ),
        "sepsis": Source(
            "table",
            "pediatric_sepsis_uganda/pediatric_sepsis_dev.csv",
            "sepsis.yaml",
            {"use": "outcome", "column": "inhospital_mortality"},
        ),
        "physionet": Source(
            "long",
            "physionet2012",
            "physionet2012.yaml",
            {"use": "mortality", "admission": "ICU_ADMISSION", "after_hours": 48},
        ),
        "simulated": Source(None, "", None, {"use": "readmission"}, budget=512),
    }
)


def dataset_of(name: str, folder: Path, *, subjects: int) -> Dataset | None:
    """The dataset of a cohort, made in a folder; None, with a word on standard error, where its data is not.

    Args:
        name: one of `COHORTS`.
        folder: a new folder.
        subjects: how many are simulated.
    """
    source = COHORTS[name]
    if source.kind is None:
        simulate(folder, settings=SimulateSettings(subjects=subjects, hospitals=6, seed=0))
        return open_dataset(folder)
    path = Path(os.environ.get("OSLER_DATA", ROOT.parent / "shared" / "data")) / source.place
    if not path.exists():
        print(f"the {name} records are not here: set OSLER_DATA", file=sys.stderr)
        return None
    ingest(source.kind, path, SPECS / source.spec if source.spec else None, folder)
    return open_dataset(folder)


def rounded(dataset: Dataset, folder: Path, *, digits: int) -> Dataset:
    """A copy of a dataset, its numbers rounded to significant digits."""
    shutil.copytree(dataset.path / "metadata", folder / "metadata")
    for shard in dataset.shards:
        file = folder / "data" / f"{shard.name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        events = pl.read_parquet(shard.path)
        events.with_columns(pl.col("numeric_value").round_sig_figs(digits)).write_parquet(file)
    return open_dataset(folder)
