"""docs/table.md: every word of a spec has an example, and each example gives what the page says."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from pydantic import BaseModel

from osler.models.tokenizer import load_tokenizer
from osler.record.dataset import Dataset, open_dataset
from osler.record.sources.table import ATTRITION, ingest_table
from osler.record.sources.table_spec import TableSpec
from osler.statements.render import render_shard
from osler.statements.settings import TextSettings
from osler.task.label import make_labels, parse_task

PAGE = (Path(__file__).parents[2] / "docs" / "table.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"```(csv|yaml|text)\n(.*?)```", re.DOTALL)
_HEAD = re.compile(
    r"^(?:patient (?P<id>\w+)(?P<t0> at t0)?(?: in style (?P<style>[\w-]+))?|samples|attrition):$"
)


@dataclass
class Example:
    """Files, a spec, and what comes of them: head of a block -> its lines."""

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
            head = ""
            for line in body.splitlines():
                if _HEAD.match(line):
                    head = line
                    examples[-1].expected[head] = []
                else:
                    examples[-1].expected[head].append(line)
    return examples


EXAMPLES = _examples()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: next(iter(example.files)))
def test_the_example_gives_what_the_page_says(example: Example, tmp_path: Path) -> None:
    for name, content in example.files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    spec = TableSpec.parse(example.spec, where="docs/table.md")
    ingest_table(tmp_path / next(iter(example.files)), spec, tmp_path / "dataset")
    dataset = open_dataset(tmp_path / "dataset")
    assert example.expected
    for head, lines in example.expected.items():
        wanted = "\n".join(lines).strip()
        if head == "attrition:":
            steps = pl.read_parquet(dataset.path / ATTRITION).select("step", "reason", "n_rows")
            assert [f"{a}: {b}: {n}" for a, b, n in steps.rows()] == wanted.splitlines()
            continue
        samples = _samples(dataset, tmp_path / "labels")
        if head == "samples:":
            shown = samples.sort("source_id").with_columns(
                pl.col("prediction_time").dt.strftime("%Y-%m-%d %H:%M")
            )
            groups = list(spec.groups)
            rows = shown.select("source_id", "prediction_time", "site", *groups).rows()
            assert [" ".join(map(str, row)) for row in rows] == wanted.splitlines()
        else:
            found = _HEAD.match(head)
            assert found is not None
            mine = samples.filter(source_id=found["id"]).select("subject_id", "prediction_time")
            assert _text(dataset, mine, found["style"] or "list-recent", at_t0=bool(found["t0"])) == wanted


def _samples(dataset: Dataset, out: Path) -> pl.DataFrame:
    task = parse_task({"use": "outcome", "column": "died"}, where="test")
    samples = make_labels(dataset, out, settings=task).samples
    assert dataset.subjects is not None
    return samples.join(dataset.subjects.select("subject_id", "source_id"), on="subject_id")


def _text(dataset: Dataset, samples: pl.DataFrame, style: str, *, at_t0: bool) -> str:
    events = pl.concat([dataset.read(shard) for shard in dataset.shards]).filter(
        pl.col("subject_id").is_in(samples["subject_id"].implode())
    )
    if not at_t0:
        samples = samples.tail(1).with_columns(prediction_time=pl.lit(events["time"].max()))
    made = render_shard(
        events,
        dataset.codes,
        samples.sort("prediction_time").tail(1),
        TextSettings.parse({"style": style}, where="test"),
        load_tokenizer("minilm"),
        undated=dataset.undated,
    )
    return str(made.frame("texts")["text"].item())


def test_every_word_of_a_spec_has_an_example() -> None:
    used: set[str] = set()
    for example in EXAMPLES:
        used |= _words(TableSpec, example.spec)
    assert used == _all_words(TableSpec)


def test_the_page_names_every_word() -> None:
    for word in _all_words(TableSpec):
        assert f"`{word.rpartition('.')[2]}" in PAGE, word


def _models(kind: Any) -> list[type[BaseModel]]:
    """The settings classes inside a type."""
    if isinstance(kind, type):
        return [kind] if issubclass(kind, BaseModel) else []
    return [model for inner in getattr(kind, "__args__", ()) for model in _models(inner)]


def _all_words(model: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, info in model.model_fields.items():
        found.add(prefix + name)
        for inner in _models(info.annotation):
            found |= _all_words(inner, f"{prefix}{name}.")
    return found


def _words(model: type[BaseModel], values: Any, prefix: str = "") -> set[str]:
    found = set()
    for name, value in values.items():
        if name not in model.model_fields:
            continue
        found.add(prefix + name)
        for inner in _models(model.model_fields[name].annotation):
            blocks = value if isinstance(value, list) else [value]
            for block in blocks:
                # A block, or blocks by the name of a column or a group.
                inside = [block, *block.values()] if isinstance(block, dict) else []
                for one in inside:
                    if isinstance(one, dict) and set(one) <= set(inner.model_fields):
                        found |= _words(inner, one, f"{prefix}{name}.")
    return found
