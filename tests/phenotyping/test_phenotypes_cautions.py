"""What of the input may make clusters: texts cut off, instructions, outcomes that were known."""

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl

from osler.phenotyping.cautions import cautions, known_outcomes

T0 = datetime(2020, 1, 1)


def _dataset(tmp_path: Path) -> SimpleNamespace:
    """Thirty subjects; twelve died before the prediction time, three had a late event before it."""
    rows = [(i, T0 - timedelta(days=1), "COL//death") for i in range(12)]
    rows += [(i, T0 + timedelta(days=1), "COL//death") for i in range(12, 30)]
    rows += [(i, None, "COL//late") for i in range(3)]
    rows += [(i, T0, "LAB//a") for i in range(30)]
    schema = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "code": pl.String}
    frame = pl.DataFrame(rows, schema=schema, orient="row").sort("subject_id", "time")
    path = tmp_path / "0.parquet"
    frame.write_parquet(path)
    codes = pl.DataFrame(
        {"code": ["COL//death", "COL//late", "LAB//a"], "role": ["outcome", "outcome", "baseline"]}
    )
    return SimpleNamespace(codes=codes, shards=[SimpleNamespace(path=path, offset=0, columns=frame.columns)])


def _samples() -> pl.DataFrame:
    return pl.DataFrame(
        {"subject_id": range(30), "prediction_time": [T0] * 30},
        schema={"subject_id": pl.Int64, "prediction_time": pl.Datetime("us")},
    )


def test_outcomes_known_by_the_prediction_time_are_counted(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path)
    assert known_outcomes(dataset, _samples()) == {"COL//death": 12, "COL//late": 3}
    [said] = cautions(dataset, _samples(), source={"kind": "document"}, traces={})
    assert "COL//death (12 samples), COL//late (fewer than 11 samples)" in said
    assert cautions(dataset, _samples(), source={"kind": "variables"}, traces={}) == []


def test_cut_texts_and_instructions_are_told(tmp_path: Path) -> None:
    dataset = _dataset(tmp_path)
    dataset.codes = dataset.codes.with_columns(role=pl.lit("baseline"))
    cut = np.array([0] * 10 + [7] * 20)
    traces = {"tokens of the text": cut + 1, "tokens cut off": cut, "statements cut off": np.zeros(30)}
    source = {"kind": "document", "instruction": {"name": "task:mortality"}}
    said = cautions(dataset, _samples(), source=source, traces=traces)
    assert said == [
        "20 of 30 texts have tokens cut off: a cluster may be of what is left",
        "the vectors were made under the instruction 'task:mortality': clusters may be of what it asks for",
    ]
    quiet = {"kind": "document", "instruction": {"name": "none"}}
    assert cautions(dataset, _samples(), source=quiet, traces={"tokens of the text": cut}) == []
