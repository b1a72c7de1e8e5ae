"""Many texts: what is done again after SIGKILL, what memory holds, and how much is found to be distinct."""

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from osler.base.files import read_json
from osler.represent.cost import readable
from osler.represent.scratch import FirstPlaces, count_distinct
from osler.statements.read import open_texts

HERE = Path(__file__).parent


def encode(*arguments):
    command = [sys.executable, str(HERE / "represent_killed.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def content(folder):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_kill_9_costs_at_most_a_shard_and_no_byte(tiny_encoder, texts, tmp_path):
    whole = encode(texts, tmp_path / "whole", tiny_encoder, 0, "document")
    every = int(whole.stdout)
    killed = encode(texts, tmp_path / "killed", tiny_encoder, every - 2, "document")
    assert killed.returncode == -9
    [part] = (tmp_path / "killed").glob(".part-*")
    shards = read_json(part / "encoder.json")["shards"]
    assert len(shards) == 2
    again = encode(texts, tmp_path / "killed", tiny_encoder, 0, "document")
    # Batches of one shard of three, and those of measuring the speed.
    assert int(again.stdout) < 0.6 * every
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_first_places_and_counts_equal_those_by_hand(texts, tmp_path):
    opened = open_texts(texts)
    places = FirstPlaces(opened, tmp_path)
    seen, n_rows, tokens = set(), 0, 0
    for number, shard in enumerate(opened.shards):
        frame = pl.read_parquet(opened.file("statements", shard))
        expected = [row for row, one in enumerate(frame["statement_id"]) if one not in seen]
        assert places.rows(number).to_list() == expected
        assert expected
        seen |= set(frame["statement_id"])
        n_rows += frame.height
        tokens += sum(min(n, 5) for n in frame["n_tokens"].gather(expected))
    assert len(seen) < n_rows
    assert count_distinct(opened, unit="statement", most=5, folder=tmp_path) == (n_rows, len(seen), tokens)
    documents = opened.texts().collect()
    counts = count_distinct(opened, unit="document", most=None, folder=tmp_path)
    distinct = documents.unique("text")
    assert counts == (documents.height, distinct.height, distinct["n_tokens"].sum())


@pytest.mark.parametrize("unit", ["document", "statement"])
def test_memory_does_not_grow_with_the_number_of_samples(unit, monkeypatch):
    monkeypatch.syspath_prepend(HERE.parents[1] / "benchmarks")
    from encode_memory import measure

    few, many = (measure(unit, shards, 500) for shards in (2, 30))
    assert many < few + 40e6  # keeping the token ids of 14,000 texts more takes about 70 MB


def test_sizes_are_readable():
    assert readable(768 * 10**12) == "768.0 TB"
