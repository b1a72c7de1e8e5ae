"""Datasets that other tools wrote: odd types, odd metadata, names that Osler uses for itself."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osler.base.errors import InputError
from osler.record.dataset import open_dataset

EVENTS = pl.DataFrame(
    {
        "subject_id": [1, 1, 2],
        "time": [None, datetime(2020, 1, 1, 8), datetime(2020, 1, 2)],
        "code": ["SEX//F", "LAB//K", "LAB//K"],
        "numeric_value": [None, 4.5, 5.0],
        "visit_id": [None, 7, 8],
    }
)


def write(folder: Path, events: pl.DataFrame | pa.Table = EVENTS, **metadata: Any) -> Path:
    (folder / "data").mkdir(parents=True)
    (folder / "metadata").mkdir()
    table = events.to_arrow() if isinstance(events, pl.DataFrame) else events
    pq.write_table(table, folder / "data" / "0.parquet")
    for name, content in metadata.items():
        if isinstance(content, pl.DataFrame):
            content.write_parquet(folder / "metadata" / f"{name}.parquet")
        else:
            (folder / "metadata" / f"{name}.json").write_text(json.dumps(content))
    return folder


def retyped(**types: pa.DataType) -> pa.Table:
    table = EVENTS.to_arrow()
    for name, kind in types.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(kind))
    return table


@pytest.mark.parametrize(
    "types",
    [
        {"time": pa.timestamp("ns"), "code": pa.large_string()},
        {"time": pa.timestamp("ms"), "subject_id": pa.int32()},
        {"time": pa.timestamp("s"), "visit_id": pa.int32(), "numeric_value": pa.float32()},
        {"visit_id": pa.float64()},
    ],
)
def test_other_types_give_the_same_events(tmp_path: Path, types: dict[str, pa.DataType]) -> None:
    plain = open_dataset(write(tmp_path / "a"))
    other = open_dataset(write(tmp_path / "b", retyped(**types)))
    assert other.read(other.shards[0]).equals(plain.read(plain.shards[0]))
    assert other.codes.equals(plain.codes)


def test_codes_in_a_dictionary_give_the_same_events(tmp_path: Path) -> None:
    plain = open_dataset(write(tmp_path / "a"))
    table = EVENTS.to_arrow()
    table = table.set_column(2, "code", table["code"].cast(pa.string()).dictionary_encode())
    other = open_dataset(write(tmp_path / "b", table))
    assert other.read(other.shards[0]).equals(plain.read(plain.shards[0]))


@pytest.mark.parametrize(
    ("column", "value"),
    [("visit_id", "V12"), ("note_id", "n1"), ("unit", 3), ("visit_id", datetime(2020, 1, 1))],
)
def test_known_columns_of_other_types_are_refused_by_name(tmp_path: Path, column: str, value: Any) -> None:
    events = EVENTS.with_columns(pl.lit(value).alias(column))
    with pytest.raises(InputError, match=f"column '{column}' has type") as error:
        open_dataset(write(tmp_path / "d", events))
    assert "give it another name" in str(error.value)


def test_a_column_called_row_does_no_harm(tmp_path: Path) -> None:
    from osler.task.events import scan_shard

    dataset = open_dataset(write(tmp_path / "d", EVENTS.with_columns(row=pl.lit("x"))))
    assert dataset.read(dataset.shards[0])["row"].to_list() == [0, 1, 2]
    assert scan_shard(dataset.shards[0]).collect()["row"].to_list() == [0, 1, 2]


def test_empty_shards_do_no_harm(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    EVENTS.clear().write_parquet(folder / "data" / "00.parquet")
    dataset = open_dataset(folder)
    assert [shard.rows for shard in dataset.shards] == [3, 0]
    assert sum(dataset.read(shard).height for shard in dataset.shards) == 3


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"codes": pl.DataFrame({"concept": ["a"]})}, "column 'code' is missing"),
        ({"codes": pl.DataFrame({"code": ["a"], "low": ["small"]})}, "column 'low' has type String"),
        ({"codes": pl.DataFrame({"code": ["a"], "parent_codes": ["b"]})}, "column 'parent_codes'"),
        ({"subject_splits": pl.DataFrame({"subject_id": [1], "fold": ["a"]})}, "column 'split' is missing"),
        (
            {"subject_splits": pl.DataFrame({"subject_id": [1, 1], "split": ["train", "held_out"]})},
            "contradict each other",
        ),
        ({"subjects": pl.DataFrame({"subject_id": [1, 2], "group_id": ["p", "q"]})}, "column 'group_id'"),
        ({"subjects": pl.DataFrame({"subject_id": [1, None]})}, "rows without a subject"),
    ],
)
def test_wrong_metadata_says_what_and_where(tmp_path: Path, metadata: dict[str, Any], says: str) -> None:
    dataset = open_dataset(write(tmp_path / "d", **metadata))
    with pytest.raises(InputError, match=says) as error:
        _ = dataset.codes, dataset.splits, dataset.subjects
    assert "metadata" in str(error.value)


def test_metadata_is_read_leniently_where_nothing_is_lost(tmp_path: Path) -> None:
    splits = pl.DataFrame({"subject_id": [1, 1, 2], "split": ["train", "train", "held_out"]})
    codes = pl.DataFrame({"code": ["LAB//K", None], "description": ["Potassium", "nothing"]})
    facts = {"osler": None, "site_id_columns": "hospital"}
    dataset = open_dataset(
        write(
            tmp_path / "d",
            subject_splits=splits.with_columns(pl.col("subject_id").cast(pl.Int32)),
            codes=codes,
            dataset=facts,
        )
    )
    assert dataset.splits is not None
    assert dataset.splits.rows() == [(1, "train"), (2, "held_out")]
    assert dataset.codes["code"].to_list() == ["LAB//K", "SEX//F"]
    assert dataset.settings == {}
    assert dataset.site_columns == ("hospital",)


def test_a_manifest_of_another_tool_is_no_seal(tmp_path: Path) -> None:
    folder = write(tmp_path / "d")
    before = open_dataset(folder).hash
    (folder / "manifest.json").write_text(json.dumps(["0.parquet"]))
    assert open_dataset(folder).hash == before


def test_a_code_book_edited_by_hand_changes_the_hash_of_a_sealed_dataset(tmp_path: Path) -> None:
    from osler.base.output import Output

    with Output(tmp_path / "d", key="k") as part:
        write(part / "inner", codes=pl.DataFrame({"code": ["LAB//K"], "description": ["Potassium"]}))
        for name in ("data", "metadata"):
            (part / "inner" / name).rename(part / name)
        (part / "inner").rmdir()
    before = open_dataset(tmp_path / "d").hash
    book = tmp_path / "d" / "metadata" / "codes.parquet"
    pl.DataFrame({"code": ["LAB//K"], "description": ["Serum potassium"]}).write_parquet(book)
    assert open_dataset(tmp_path / "d").hash != before
