"""docs/ingest.md: every word of a spec has an example, and each example gives what the page says."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest
import yaml
from pydantic import BaseModel

from osler.record.dataset import open_dataset
from osler.record.mapping.spec import MappingSpec
from osler.record.sources import ingest

PAGE = (Path(__file__).parents[2] / "docs" / "ingest.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"```(csv|yaml|text)\n(.*?)```", re.DOTALL)
_HEADS = ("events:", "codes:", "attrition:")


@dataclass
class Example:
    """Tables, a spec, and what comes of them: head of a block -> its lines."""

    files: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, list[str]] = field(default_factory=dict)


def _examples() -> list[Example]:
    examples = [Example()]
    for kind, body in _BLOCK.findall(PAGE):
        if kind == "csv":
            if examples[-1].expected:
                examples.append(Example())
            name, content = body.split("\n", 1)
            examples[-1].files[name.removeprefix("# ")] = content
        elif kind == "yaml":
            examples[-1].spec = yaml.safe_load(body)
        else:
            if body.splitlines()[0] not in _HEADS:
                continue  # a command
            head = ""
            for line in body.splitlines():
                head = line if line in _HEADS else head
                examples[-1].expected.setdefault(head, [])
                if line != head:
                    examples[-1].expected[head].append(line)
    return examples


EXAMPLES = _examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: next(iter(example.files)))
def test_the_example_gives_what_the_page_says(example: Example, tmp_path: Path) -> None:
    for name, content in example.files.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_text(content, encoding="utf-8")
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(example.spec), encoding="utf-8")
    form = example.spec.get("extends", "tables")
    ingest(form, tmp_path / "source", tmp_path / "spec.yaml", tmp_path / "dataset")
    told = {"events:": events, "codes:": codes, "attrition:": attrition}
    assert "events:" in example.expected
    for head, lines in example.expected.items():
        assert told[head](tmp_path / "dataset") == lines


def events(path: Path) -> list[str]:
    dataset = open_dataset(path)
    lines = []
    for shard in dataset.shards:
        for row in pl.read_parquet(shard.path).iter_rows(named=True):
            when = "-" if row["time"] is None else f"{row['time']:%Y-%m-%d %H:%M}"
            number = "" if row["numeric_value"] is None else f"= {row['numeric_value']:g} {row['unit'] or ''}"
            words = "" if row["text_value"] is None else repr(row["text_value"])
            places = [f"@ {row['site']}" if row.get("site") else "", f"# {row['visit_id']}"]
            parts = [str(row["subject_id"]), when, row["code"], number.strip(), words, places[0]]
            parts += places[1:] if row["visit_id"] is not None else []
            parts += [f"note {row['note_id']}"] if row["note_id"] is not None else []
            lines.append("  ".join(part for part in parts if part))
    return lines


def codes(path: Path) -> list[str]:
    lines = []
    for row in open_dataset(path).codes.iter_rows(named=True):
        facts = [row["section"], row["kind"], row["role"]]
        facts += [f"{row['low']:g} to {row['high']:g}"] if row["low"] is not None else []
        facts += [f"below {', '.join(row['parent_codes'])}"] if row["parent_codes"] is not None else []
        lines.append(f"{row['code']}: {row['description']} ({'; '.join(fact for fact in facts if fact)})")
    return lines


def attrition(path: Path) -> list[str]:
    frame = pl.read_parquet(path / "metadata" / "attrition.parquet")
    counted = frame.select("table", "step", "reason", pl.coalesce("n_rows", "n_events"))
    return [f"{table}: {step}: {reason}: {n}" for table, step, reason, n in counted.rows()]


def test_every_word_of_the_language_has_an_example() -> None:
    said = {name for example in EXAMPLES for name in _keys(example.spec)}
    words = _words(MappingSpec, set())
    assert words > {"availability", "midnight", "as_text", "days"}
    assert words - said == {"seconds", "hours", "days"}  # minutes stand for all


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(map(str, value)) | {key for one in value.values() for key in _keys(one)}
    return {key for one in value for key in _keys(one)} if isinstance(value, list) else set()


def _words(settings: type[BaseModel], found: set[str]) -> set[str]:
    """Every field of the settings, and of the settings inside."""
    for name, one in settings.model_fields.items():
        found.add(name)
        todo = [one.annotation]
        while todo:
            kind = todo.pop()
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                _words(kind, found)
            todo += get_args(kind)
    return found


@pytest.mark.parametrize("block", re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL))
def test_the_commands_run_as_written(
    block: str, tmp_path: Path, osler: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tables = {
        "omop/PERSON.csv": "person_id,gender_concept_id,year_of_birth\n11,8507,1950\n12,8532,1960\n",
        "omop/MEASUREMENT.csv": "person_id,measurement_concept_id,measurement_date,value_as_number\n"
        "11,3004249,2020-03-01,121\n",
        "letters.csv": "subject,time,kind,text\n11,2020-03-05 10:00,Discharge summary,Went home.\n",
        "export/Patient.ndjson": '{"resourceType": "Patient", "id": "p", "birthDate": "1950"}\n',
    }
    for name, content in tables.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    if "--append" in block:
        assert osler("ingest", "omop", "omop", "-o", "dataset").code == 0
    for line in block.strip().splitlines():
        words = shlex.split(line, comments=True)
        assert words[0] == "osler"
        told = osler(*words[1:])
        assert told.code == 0, f"{line}\n{told.err}"
