"""The texts of a shard as windows of tokens, some thousand texts at a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from osler.models.tokenizer import Tokenizer
from osler.represent.scratch import FirstPlaces
from osler.represent.windows import Windows, pieces_of_texts, windows_of_pieces
from osler.statements.read import Texts

# Texts that are planned and held in memory together.
_DOCUMENTS = 2_000
_STATEMENTS = 50_000

# Name of a shard -> key columns of its rows and their windows, block after block.
BlocksOf = Callable[[str], Iterator[tuple[pl.DataFrame, Windows]]]


def block_size(unit: str) -> int:
    """Texts of a block, part of the plan."""
    return _DOCUMENTS if unit == "document" else _STATEMENTS


def blocks_of(texts: Texts, *, unit: str, tokenizer: Tokenizer, room: int, scratch: Path) -> BlocksOf:
    """How to read the blocks of a shard.

    Args:
        texts: the texts.
        unit: `document`: every text; `statement`: every statement with the first shard that shows it.
        tokenizer: of the encoder.
        room: most tokens of text in a window.
        scratch: a folder that only this job uses.
    """
    if unit == "document":
        return lambda name: _document_windows(texts, name, tokenizer, room)
    places = FirstPlaces(texts, scratch)
    return lambda name: _statement_windows(texts, name, tokenizer, room, places)


def _document_windows(
    texts: Texts, name: str, tokenizer: Tokenizer, room: int
) -> Iterator[tuple[pl.DataFrame, Windows]]:
    """Windows of a shard's texts, some thousand at a time."""
    file, lines = texts.file("texts", name), texts.file("lines", name)
    per_text = pl.read_parquet(file, columns=["n_statements"])["n_statements"].to_numpy().astype(np.int64)
    line = np.concatenate([[0], np.cumsum(per_text)])
    for start in range(0, len(per_text), _DOCUMENTS):
        counts = per_text[start : start + _DOCUMENTS]
        rows = pl.scan_parquet(file).slice(start, len(counts)).collect()
        span = int(line[start]), int(counts.sum())
        ends = pl.scan_parquet(lines).slice(*span).select(pl.col("char_end").cast(pl.Int64)).collect()
        pieces, n_pieces = pieces_of_texts(rows["text"], ends["char_end"], counts)
        distinct = pieces.unique(maintain_order=True)
        place = pieces.cast(pl.Enum(distinct)).to_physical().to_numpy()
        ids = tokenizer.encode(distinct.to_list())
        windows = windows_of_pieces(ids, place, n_pieces, room=room)
        yield rows.select("subject_id", "prediction_time"), windows


def _statement_windows(
    texts: Texts, name: str, tokenizer: Tokenizer, room: int, places: FirstPlaces
) -> Iterator[tuple[pl.DataFrame, Windows]]:
    """Windows of the statements of a shard that no shard before it has."""
    first = places.rows(texts.shards.index(name))
    statements = pl.read_parquet(texts.file("statements", name), columns=["statement_id", "text"])[first]
    for start in range(0, statements.height, _STATEMENTS):
        rows = statements.slice(start, _STATEMENTS)
        ids = tokenizer.encode(rows["text"].to_list())
        one_each = np.ones(len(ids), dtype=np.int64)
        yield rows.select("statement_id"), windows_of_pieces(ids, np.arange(len(ids)), one_each, room=room)
