"""Tokens of a cohort's documents and of its distinct statements, those that carry a number apart."""

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from osler.models.tokenizer import Tokenizer
from osler.record.dataset import Dataset
from osler.represent.blocks import blocks_of
from osler.statements.read import Texts

# Parts of the samples that the ratio is also counted on: it grows with the cohort.
PARTS = (0.25, 0.5)
KINDS = {
    "number": pl.col("number"),
    "other": ~pl.col("number"),
    "other, no digit": ~pl.col("number") & ~pl.col("text").str.contains(r"\d"),
}


def encoded(texts: Texts, unit: str, tokenizer: Tokenizer) -> dict[str, int]:
    """What an encoder is given: texts, windows, tokens, and tokens with the special ones of each window."""
    n_texts = n_windows = n_tokens = 0
    with tempfile.TemporaryDirectory() as scratch:
        blocks = blocks_of(texts, unit=unit, tokenizer=tokenizer, room=tokenizer.room, scratch=Path(scratch))
        for name in texts.shards:
            for _, windows in blocks(name):
                n_texts += windows.n_texts
                n_windows += len(windows.ids)
                n_tokens += sum(map(len, windows.ids))
    special = tokenizer.context - tokenizer.room
    return {
        "texts": n_texts,
        "windows": n_windows,
        "tokens": n_tokens,
        "tokens_with_special": n_tokens + special * n_windows,
    }


def lines_of(texts: Texts, dataset: Dataset) -> pl.DataFrame:
    """Lines of all texts: sample, line, `section, statement_id, text, n_tokens, number`.

    `number` says whether an event behind the statement, in any text, has a numeric value.
    """
    numbers = dataset.scan().select("numeric_value").with_row_index("rows")
    numbers = numbers.filter(pl.col("numeric_value").is_not_null()).select(pl.col("rows").cast(pl.UInt64))
    named = pl.col("statement_id").cast(pl.String)
    key = ["subject_id", "prediction_time", "line"]
    lines = texts.lines().select(*key, pl.col("section").cast(pl.String), "rows", named)
    with_number = (
        lines.explode("rows")
        .with_columns(pl.col("rows").cast(pl.UInt64))
        .join(numbers, on="rows", how="semi")
        .select("statement_id")
        .unique()
        .with_columns(number=pl.lit(value=True))
    )
    statements = texts.statements().with_columns(named, pl.col("n_tokens").cast(pl.Int64))
    return (
        lines.drop("rows")
        .join(statements.unique("statement_id"), on="statement_id")
        .join(with_number, on="statement_id", how="left")
        .with_columns(pl.col("number").fill_null(value=False))
        .collect()
    )


def count(lines: pl.DataFrame) -> dict[str, Any]:
    """Lines and distinct statements, their tokens, and how many times fewer tokens the latter have."""
    distinct = lines.unique("statement_id")
    tokens, of_distinct = int(lines["n_tokens"].sum()), int(distinct["n_tokens"].sum())
    return {
        "lines": lines.height,
        "line_tokens": tokens,
        "distinct": distinct.height,
        "distinct_tokens": of_distinct,
        "ratio": ratio(tokens, of_distinct),
    }


def count_kinds(lines: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The same for each kind of `KINDS`."""
    return {kind: count(lines.filter(chosen)) for kind, chosen in KINDS.items()}


def count_sections(lines: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """The same for each section, statements with a number apart; first what costs most as statements."""
    found = {
        f"{section}, {'number' if number else 'other'}": count(some)
        for (section, number), some in lines.group_by("section", "number")
    }
    return dict(sorted(found.items(), key=lambda one: (-one[1]["distinct_tokens"], one[0])))


def of_parts(lines: pl.DataFrame) -> dict[str, float | None]:
    """The ratio of tokens on parts of the samples, drawn at random."""
    key = ["subject_id", "prediction_time"]
    samples = lines.select(key).unique().sort(key)
    some = {part: lines.join(samples.sample(fraction=part, seed=0), on=key, how="semi") for part in PARTS}
    return {f"{part:g}": count(of_part)["ratio"] for part, of_part in some.items()}


def ratio(more: int, fewer: int) -> float | None:
    """How many times more; None of nothing."""
    return round(more / fewer, 2) if fewer else None


def check_kinds(
    kinds: dict[str, dict[str, Any]], texts: Texts, dataset: Dataset, tokenizer: Tokenizer
) -> None:
    """Count again in plain Python, from the characters of the documents and the events behind each line."""
    numbers = dict(enumerate(dataset.scan().select("numeric_value").collect()["numeric_value"].to_list()))
    documents = {row[:2]: row[2] for row in texts.texts().collect().iter_rows()}
    places = texts.lines().select("subject_id", "prediction_time", "rows", "char_start", "char_end").collect()
    times: Counter[str] = Counter()
    carries: set[str] = set()
    for subject, moment, rows, start, end in places.iter_rows():
        text = documents[subject, moment][start:end]
        times[text] += 1
        shown = [numbers[row] for row in rows if numbers[row] is not None]
        if shown:
            carries.add(text)
            assert any(character.isdigit() for character in text), text
    size = {text: len(tokenizer.encode([text])[0]) for text in times}
    every = {
        "number": carries,
        "other": times.keys() - carries,
        "other, no digit": {
            text
            for text in times.keys() - carries
            if not any(character in "0123456789" for character in text)
        },
    }
    for kind, group in every.items():
        expected = {
            "lines": sum(times[text] for text in group),
            "line_tokens": sum(times[text] * size[text] for text in group),
            "distinct": len(group),
            "distinct_tokens": sum(size[text] for text in group),
        }
        found = {name: kinds[kind][name] for name in expected}
        assert found == expected, f"{kind}: {found} instead of {expected}"
