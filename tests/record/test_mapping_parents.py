"""What stands above a code: what the source states, what the vocabulary knows of that, up to the top."""

from pathlib import Path

import pytest
from mapping_support import ingest, spec_of, write_table

from osler.record.dataset import open_dataset
from osler.record.vocabulary import parents_of

SPEC = """
tables:
  problems:
    subject: person
    time: time
    availability: at once
    events:
      - {code: "DIAGNOSIS//{problem}", parents: ["{icd}"], path: "|"}
"""


def parents(folder: Path, problems: list[tuple[str, str | None]]) -> dict[str, list[str]]:
    time = "2020-01-01 08:00:00"
    rows = [{"person": "1", "time": time, "problem": problem, "icd": icd} for problem, icd in problems]
    write_table(folder / "a", "problems", rows)
    ingest(folder / "a", spec_of(SPEC), folder / "out")
    stated = open_dataset(folder / "out").codes.drop_nulls("parent_codes").select("code", "parent_codes")
    return {code: list(above) for code, above in stated.iter_rows() if above}


def test_stated_parents_have_those_of_their_vocabulary(tmp_path: Path) -> None:
    found = parents(tmp_path, [("heart|failure", "ICD9CM/428.0"), ("heart|failure", None), ("pain", None)])
    assert found["DIAGNOSIS//heart|failure"] == ["DIAGNOSIS//heart", "ICD9CM/428.0"]
    assert "DIAGNOSIS//pain" not in found
    code, above = "ICD9CM/428.0", []
    while (parent := parents_of(code)) is not None:
        assert found[code] == [parent]
        above.append(code := parent)
    assert len(above) >= 2  # the category, and the chapter


@pytest.mark.parametrize("icd", ["not a code", "LOCAL//7"])
def test_a_stated_parent_of_no_vocabulary_is_the_top(tmp_path: Path, icd: str) -> None:
    assert parents(tmp_path, [("heart", icd)]) == {"DIAGNOSIS//heart": [icd]}
