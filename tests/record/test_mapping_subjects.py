"""Whose rows are whose: ids, persons, and subjects of a dataset that is continued."""

from pathlib import Path

import pytest
from mapping_support import events_of, ingest, spec_of, write_table
from test_mapping_append import PEOPLE, source, spec, values

from osler.base.errors import InputError
from osler.record.dataset import open_dataset
from osler.record.sources import ingest as ingest_format

SPEC = """
subjects: {table: stays, id: stay, group: person}
tables:
  stays:
    subject: stay
    time: at
    availability: at once
    events: [{code: IN}]
"""


def groups(tmp_path: Path, persons: list[str]) -> list[int]:
    """Groups of stays 1, 2 ... of these persons."""
    rows = [
        {"stay": str(n), "person": person, "at": "2020-01-01"} for n, person in enumerate(persons, start=1)
    ]
    write_table(tmp_path / "a", "stays", rows)
    ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "d")
    subjects = open_dataset(tmp_path / "d").subjects
    assert subjects is not None
    return subjects.sort("subject_id")["group_id"].to_list()


@pytest.mark.parametrize("persons", [["p1", "p1", "", "p2", ""], ["3", "3", "", "4", ""]])
def test_who_has_no_person_is_a_group_and_the_others_keep_theirs(tmp_path: Path, persons: list[str]) -> None:
    found = groups(tmp_path, persons)
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_without_any_person_each_subject_is_a_group(tmp_path: Path) -> None:
    assert groups(tmp_path, ["", "", ""]) == [1, 2, 3]


def test_a_known_subject_is_never_told_under_another_id(tmp_path: Path) -> None:
    """Ids that are no whole numbers would have all ids hashed, those that the dataset knows as well."""
    numbers = [{**person, "person": str(n)} for n, person in enumerate(PEOPLE, start=7)]
    rows = [{**row, "person": {"a": "7", "b": "8", "c": "9"}[row["person"]]} for row in values("abc", 1)]
    ingest_format("tables", source(tmp_path / "one", numbers, rows), spec(tmp_path), tmp_path / "d")
    mixed = source(tmp_path / "two", [{"person": "7", "sex": "F"}, {"person": "A1", "sex": "M"}], rows[:1])
    with pytest.raises(InputError, match="no whole numbers, in a dataset whose ids are") as caught:
        ingest_format("tables", mixed, spec(tmp_path), tmp_path / "d", append=True)
    assert caught.value.count == 1
    assert {row["subject_id"] for row in events_of(tmp_path / "d")} == {7, 8, 9}


@pytest.mark.parametrize(
    "body",
    [
        "stay,person,at\n1,p1\n",
        "stay,person,at\n1,p1,2020-01-01,secret\n",
        'stay,person,at\n1,"secret,2020-01-01\n2,p2,2020-01-02\n',
        "stay,person,at\n1,p1,secret\xff\n",
    ],
)
def test_a_broken_table_of_subjects_is_named_and_leaves_nothing(tmp_path: Path, body: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "stays.csv").write_bytes(body.encode("latin-1"))
    with pytest.raises(InputError, match=r"stays\.csv") as caught:
        ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "d")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__  # a traceback would quote the line
    (tmp_path / "a" / "stays.csv").write_text("stay,person,at\n1,p1,2020-01-01\n")
    assert ingest(tmp_path / "a", spec_of(SPEC), tmp_path / "d")["n_subjects"] == 1
