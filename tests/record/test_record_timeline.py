"""`osler show`: the timeline, moments of undated records, the text with its rows."""

import datetime as dt
import json

import polars as pl
import pytest
from typer import Typer
from typer.testing import CliRunner

from osler.base.errors import InputError
from osler.cli import show
from osler.record.dataset import open_dataset
from osler.record.timeline import find_subject, last_moment, parse_moment, timeline
from osler.record.write import write_events, write_metadata

DAY = dt.datetime(2020, 1, 1)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(params=[False, True], ids=["dated", "undated"])
def dataset(request, tmp_path):
    events = pl.DataFrame(
        [
            (1, None, "GENDER//F", None, None, None),
            (1, DAY, "LAB//b", 2.5, None, "ug"),
            (1, DAY, "LAB//a", 1.0, None, None),
            (1, DAY + HOUR, "COL//q___1", None, "Checked", None),
            (1, DAY + 2 * HOUR, "NOTE//x", None, "two\nlines " + "z" * 300, None),
            (1, DAY + 3 * HOUR, "MEDS_DEATH", None, None, None),
            (2, DAY, "LAB//a", 3.0, None, None),
        ],
        schema=["subject_id", "time", "code", "numeric_value", "text_value", "unit"],
        orient="row",
        schema_overrides={"time": pl.Datetime("us"), "numeric_value": pl.Float32},
    )
    write_events(tmp_path, "0", events)
    codes = [
        {"code": "COL//q", "description": "Question?"},
        {"code": "COL//q___1", "description": "Option", "parent_codes": ["COL//q"], "kind": "flag"},
        {"code": "LAB//b", "description": "Second"},
        {"code": "LAB//a", "description": "First", "unit": "g"},
    ]
    write_metadata(
        tmp_path,
        name="small",
        codes=pl.DataFrame(codes, schema_overrides={"parent_codes": pl.List(pl.String)}),
        used=events["code"].unique(),
        subjects=pl.DataFrame({"subject_id": [1, 2], "source_id": ["A-1", "A-2"], "group_id": [1, 2]}),
        settings={"undated": request.param},
    )
    return open_dataset(tmp_path)


def test_the_timeline_is_in_order_and_stops_at_the_time(dataset):
    events = dataset.subject(1)
    rows = timeline(dataset, events, at=DAY + HOUR)
    assert rows.select("moment", "description", "value", "unit").rows() == [
        (None, "Sex: F", None, None),
        (1, "Second", "2.5", "µg"),
        (1, "First", "1", "g"),
        (2, "Question? [Option]", "Checked", None),
    ]
    whole = pl.concat([dataset.read(shard) for shard in dataset.shards])
    for row, value in rows.select("row", "value").drop_nulls().iter_rows():
        source = whole.filter(pl.col("row") == row)
        assert value in (source["text_value"].item(), f"{source['numeric_value'].item() or 0:g}")
    assert timeline(dataset, events, at=DAY - HOUR).height == 1
    assert timeline(dataset, events).height == 6


def test_subjects_are_found_by_id_and_by_source_id(dataset):
    assert find_subject(dataset, "2") == 2
    assert find_subject(dataset, "A-1") == 1
    for wrong in ("3", "x", "-", "99999999999999999999", ""):
        with pytest.raises(InputError, match="no subject"):
            find_subject(dataset, wrong)


def test_times_as_a_person_writes_them(dataset):
    times = dataset.subject(1)["time"]
    assert parse_moment(dataset, times, "2020-01-01T01:00") == DAY + HOUR
    assert parse_moment(dataset, times, "2020-01-01") == DAY + dt.timedelta(days=1, microseconds=-1)
    for wrong in ("yesterday", "2020-13-01", "2020-01-01T00:00+01:00"):
        with pytest.raises(InputError) as caught:
            parse_moment(dataset, times, wrong)
        assert caught.value.remedy
    if dataset.undated:
        assert parse_moment(dataset, times, "2") == DAY + HOUR
        with pytest.raises(InputError, match="no moment 9"):
            parse_moment(dataset, times, "9")
        with pytest.raises(InputError, match="only order its events"):
            parse_moment(dataset, times, "2024-05-01")
    assert last_moment(dataset.subject(1)) == DAY + 2 * HOUR


def _run(*arguments: str):
    app = Typer()
    app.command()(show.command)
    return CliRunner().invoke(app, list(arguments), catch_exceptions=True)


def test_the_command_prints_no_dates_of_undated_records(dataset):
    result = _run(str(dataset.path), "1")
    assert result.exit_code == 0
    assert ("2020" in result.stdout) is not dataset.undated
    assert "6 of 6 events" in result.stdout
    assert "and 110 more characters" in result.stdout
    events = json.loads(_run(str(dataset.path), "A-1", "--json").stdout)["events"]
    assert ("moment" if dataset.undated else "time") in events[0]
    assert [event["row"] for event in events if event["description"] == "Sex: F"] == [0]


def test_the_text_comes_with_its_rows(dataset):
    at = "1" if dataset.undated else "2020-01-01T00:30"
    body = json.loads(_run(str(dataset.path), "1", "--at", at, "--style", "list-recent", "--json").stdout)
    assert "Option" not in body["text"]
    assert body["n_statements"] == len(body["lines"])
    whole = pl.concat([dataset.read(shard) for shard in dataset.shards])
    second = next(line for line in body["lines"] if line["text"].startswith("Second"))
    assert whole.filter(pl.col("row").is_in(second["rows"]))["code"].to_list() == ["LAB//b"]
    assert "style list-recent" in _run(str(dataset.path), "1", "--at", at, "--style", "list-recent").stdout


def test_what_is_wrong_is_an_input_error(dataset):
    for arguments in (["9"], ["1", "--at", "soon"], ["1", "--style", "sonnet"]):
        result = _run(str(dataset.path), *arguments)
        assert isinstance(result.exception, InputError)
        assert result.stdout == ""


def test_words_beside_a_number_hide_neither(tmp_path):
    events = pl.DataFrame(
        {
            "subject_id": [1, 1, 1],
            "time": [DAY, DAY + HOUR, DAY + 2 * HOUR],
            "code": ["VITAL//sbp", "LAB//troponin", "DRUG"],
            "numeric_value": [106.0, 0.5, None],
            "text_value": ["sitting", "<0.5", "started"],
            "unit": ["mm[Hg]", "ng/L", None],
        },
        schema_overrides={"time": pl.Datetime("us"), "numeric_value": pl.Float32},
    )
    write_events(tmp_path, "0", events)
    codes = pl.DataFrame({"code": ["DRUG"], "description": ["Infusion"]})
    write_metadata(tmp_path, name="small", codes=codes, used=events["code"].unique())
    dataset = open_dataset(tmp_path)
    rows = timeline(dataset, dataset.subject(1)).select("value", "unit", "words").rows()
    assert rows == [("106", "mmHg", "sitting"), ("<0.5", "ng/L", None), ("started", None, None)]
    shown = _run(str(tmp_path), "1").stdout
    assert "106 mmHg, sitting" in shown
    assert "<0.5 ng/L\n" in shown
