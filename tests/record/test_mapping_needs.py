"""What a table has to have when its columns are optional, and what is found out where a spec does not say."""

from pathlib import Path

import pytest
from mapping_support import events_of, ingest, spec_of, summary_of, write_table

from osler.base.errors import InputError
from osler.record.dataset import open_dataset
from osler.record.mapping.ingest import ingest_source
from osler.record.mapping.options import IngestOptions
from osler.record.mapping.source import Source

SPEC = """
tables:
  values:
    required: {required}
    optional: ["*"]
    derive: {{what: "coalesce(item, test)"}}
    subject: [person, patient]
    time: [time, {{origin: 2000-01-01, hours: [hour, hours]}}]
    availability: at once
    events:
      - {{code: "{{what}}", value: [value, result], needs_value: true}}
      - {{code: "{{local}}", number: amount, needs_value: true}}
"""
ROW = {"patient": "1", "hours": "3", "test": "HR", "result": "88"}


def made(tmp_path: Path, row: dict[str, str], *, required: str = "true", more: str = "") -> Path:
    write_table(tmp_path / "files", "values", [row])
    ingest(tmp_path / "files", spec_of(SPEC.format(required=required) + more), tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"patient": "1", "hours": "3", "Test No": "HR", "result": "88"}, "item, test"),
        ({"patient": "1", "hours": "3", "test": "HR", "Result (SI)": "88"}, "value, result"),
    ],
)
def test_a_required_table_without_the_columns_of_any_event_is_refused(
    tmp_path: Path, row: dict[str, str], says: str
) -> None:
    with pytest.raises(InputError) as caught:
        made(tmp_path, row)
    assert f"it has none of the columns {says}" in str(caught.value)
    assert list(row)[2 if "Test No" in row else 3] in str(caught.value)
    assert not (tmp_path / "out" / "metadata").exists()


def test_one_event_that_can_be_made_is_enough(tmp_path: Path) -> None:
    out = made(tmp_path, {"patient": "1", "hours": "3", "local": "K", "amount": "4.1"})
    assert [(row["code"], row["numeric_value"]) for row in events_of(out)] == [("K", pytest.approx(4.1))]


def test_another_table_may_lack_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no row of the source made an event"):
        made(tmp_path, {"patient": "1", "hours": "3", "Test No": "HR", "result": "88"}, required="false")


@pytest.mark.parametrize(
    ("row", "more", "dates"),
    [
        (ROW, "", "relative"),
        ({"patient": "1", "time": "2020-01-01", "test": "HR", "result": "88"}, "", "real"),
        ({**ROW, "time": "2020-01-01 08:00:00"}, "", "real"),
        (ROW, "dates: shifted\n", "shifted"),
        (ROW, "dates: real\n", "real"),
    ],
)
def test_dates_are_relative_where_the_source_has_offsets_only(
    tmp_path: Path, row: dict[str, str], more: str, dates: str
) -> None:
    out = made(tmp_path, row, more=more)
    assert open_dataset(out).settings["dates"] == dates
    assert summary_of(out)["dates"] == dates


def test_offsets_from_a_time_of_the_record_are_real(tmp_path: Path) -> None:
    write_table(tmp_path / "files", "values", [{**ROW, "begin": "2020-01-01 00:00:00"}])
    spec = SPEC.format(required="true").replace("2000-01-01", "begin")
    ingest(tmp_path / "files", spec_of(spec), tmp_path / "out")
    assert open_dataset(tmp_path / "out").settings["dates"] == "real"
    assert str(events_of(tmp_path / "out")[0]["time"]) == "2020-01-01 03:00:00"


def test_a_dataset_of_real_dates_is_not_continued_by_offsets(tmp_path: Path) -> None:
    first = {"patient": "1", "time": "2020-01-01", "test": "HR", "result": "88"}
    out = made(tmp_path, first)
    write_table(tmp_path / "more", "values", [ROW])
    spec = spec_of(SPEC.format(required="true"))
    options = IngestOptions.parse({}, where="options")
    source = Source("tables", "more", tmp_path / "more", spec, "spec", options)
    with pytest.raises(InputError, match="dates of the dataset are real, those of the source relative"):
        ingest_source(source, out, existing=open_dataset(out))


def test_measurements_are_known_where_the_spec_names_no_section(tmp_path: Path) -> None:
    out = made(tmp_path, ROW)
    assert open_dataset(out).codes.select("code", "section").rows() == [("HR", "vitals")]
    out = made(tmp_path / "other", {**ROW, "test": "mood"})
    assert open_dataset(out).codes.select("code", "section").rows() == [("mood", "other")]


def test_a_word_that_repeats_the_number_is_dropped_with_a_decimal_comma_too(tmp_path: Path) -> None:
    out = made(tmp_path, {**ROW, "result": "4,25"}, more='decimal: ","\n')
    assert [(row["numeric_value"], row["text_value"]) for row in events_of(out)] == [(4.25, None)]
