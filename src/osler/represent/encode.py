"""Vectors of texts: one per document or per distinct statement; streamed, resumable, repeatable."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from osler.base.errors import InputError
from osler.base.files import atomic_path, read_json, write_json
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.base.progress import bar
from osler.models.batching import BUDGET, PLAN_VERSION, key_of_ids, plan_batches
from osler.models.encoder import CODE_VERSION, Encoder, load_encoder
from osler.models.loading import weights_hash
from osler.models.recipes import recipe
from osler.models.tokenizer import load_tokenizer
from osler.represent.cache import VectorCache
from osler.represent.cost import announce
from osler.represent.instruction import Instruction, instruction, require_applicable
from osler.represent.settings import EncodeSettings
from osler.represent.windows import Windows, pieces_of_texts, weighted_mean, windows_of_pieces
from osler.statements.read import Texts, open_texts

ENCODER_JSON = "encoder.json"
_VERSION = 1
# Texts that are planned and held in memory together.
_DOCUMENTS = 2_000
_STATEMENTS = 50_000
# Share of a window that an instruction may take.
_INSTRUCTION_SHARE = 0.75


@dataclass(frozen=True)
class VectorsSummary:
    """What was made.

    Attributes:
        path: the folder.
        unit: `document` or `statement`.
        encoder, instruction, dtype: what made the vectors.
        dimension: length of a vector.
        n_vectors: documents, or distinct statements.
        n_windows: windows of tokens that they took.
        n_cut: statements longer than a window, divided at a token boundary.
        n_tokens: tokens encoded, without special tokens and instruction.
    """

    path: str
    unit: str
    encoder: str
    instruction: str
    dtype: str
    dimension: int
    n_vectors: int
    n_windows: int
    n_cut: int
    n_tokens: int


def make_vectors(
    texts_path: Path, out: Path, *, settings: EncodeSettings | None = None, cache: Path | None = None
) -> VectorsSummary:
    """Encode a folder of texts.

    Args:
        texts_path: a folder that `osler text` made.
        out: the folder; it may exist when it is empty or holds the same work.
        settings: encoder, unit, instruction, number format; defaults when None.
        cache: folder of vectors computed before; None: none are kept.

    Returns:
        Counts, read back from `encoder.json`.

    Raises:
        InputError: no such texts or encoder, weights that were not tested, an instruction that does not
            apply or leaves no room for text.
    """
    settings = settings or EncodeSettings()
    texts = open_texts(texts_path)
    facts = recipe(settings.encoder)
    chosen = instruction(settings.instruction)
    require_applicable(chosen, encoder=facts.name, follows_instructions=facts.follows_instructions)
    key = hash_json(
        {
            "version": _VERSION,
            "code": [CODE_VERSION, PLAN_VERSION],
            "texts": texts.hash,
            "encoder": facts.facts(),
            "weights": weights_hash(facts),
            "tokenizer": load_tokenizer(settings.encoder).hash,
            "instruction": chosen.hash,
            "unit": settings.unit,
            "dtype": settings.dtype,
        }
    )
    job = Output(out, key=key)
    if not job.complete:
        with job as part:
            _encode(texts, part, settings, chosen, cache)
    return read_summary(out)


def read_summary(folder: Path) -> VectorsSummary:
    """What a folder of vectors holds."""
    info = read_json(folder / ENCODER_JSON)
    counts = [shard["counts"] for shard in info["shards"]]
    names = ("n_vectors", "n_windows", "n_cut", "n_tokens")
    return VectorsSummary(
        path=str(folder),
        unit=info["unit"],
        encoder=info["encoder"]["name"],
        instruction=info["instruction"]["name"],
        dtype=info["encoder"]["dtype"],
        dimension=info["encoder"]["dimension"],
        **{name: sum(count[name] for count in counts) for name in names},
    )


def _encode(
    texts: Texts, part: Path, settings: EncodeSettings, chosen: Instruction, cache: Path | None
) -> None:
    """Encode shard after shard; finished shards are listed in `encoder.json` and not done again."""
    path = part / ENCODER_JSON
    if path.is_file():
        info = read_json(path)
        # What a killed job chose stays, so that its bytes and ours are the same.
        encoder = load_encoder(settings.encoder, dtype=info["encoder"]["dtype"])
    else:
        encoder = load_encoder(settings.encoder, dtype=settings.dtype)
        info = {
            "format_version": 1,
            "unit": settings.unit,
            "encoder": encoder.describe(),
            "instruction": chosen.plain(),
            "plan": {"version": PLAN_VERSION, "budget": BUDGET, "texts": _block(settings.unit)},
            "texts_hash": texts.hash,
            "shards": [],
        }
        write_json(path, info)
    finished = {shard["name"] for shard in info["shards"]}
    maker = _Maker(encoder, chosen, VectorCache(cache, encoder))
    n_tokens = announce(texts, encoder, unit=settings.unit)
    with bar(f"encoding {settings.unit}s", total=n_tokens) as step:
        maker.step = step
        seen: list[pl.Series] = []
        for name in texts.shards:
            file = part / settings.unit / f"{name}.parquet"
            if name not in finished:
                if settings.unit == "document":
                    blocks = _document_blocks(texts, name, maker)
                else:
                    blocks = _statement_blocks(texts, name, maker, seen)
                counts = _write(file, blocks, dimension=encoder.facts.dimension)
                info["shards"].append({"name": name, "counts": counts})
                write_json(path, info)
            if settings.unit == "statement":
                seen.append(pl.read_parquet(file, columns=["statement_id"])["statement_id"])


@dataclass
class _Block:
    """Some rows of a file: key columns, vectors, and how they came about."""

    keys: pl.DataFrame
    vectors: np.ndarray
    windows: Windows


class _Maker:
    """Turns texts into vectors with one encoder, one instruction and one cache."""

    def __init__(self, encoder: Encoder, chosen: Instruction, cache: VectorCache) -> None:
        self.encoder = encoder
        self.cache = cache
        template = encoder.facts.prompt or "{instruction}{text}"
        prompt = template.format(instruction=chosen.text, text="") if chosen.text else ""
        [self.prefix] = encoder.tokenizer.encode([prompt])
        self.room = encoder.tokenizer.room - len(self.prefix)
        if len(self.prefix) > _INSTRUCTION_SHARE * encoder.tokenizer.room:
            raise InputError(
                f"the instruction takes {len(self.prefix):,} of a window's {encoder.tokenizer.room:,} tokens",
                remedy="write a shorter instruction",
            )
        self.step: Callable[[int], None] = lambda done: None

    def vectors(self, windows: Windows) -> np.ndarray:
        """float32 [n_texts, dimension]."""
        ids = [[*self.prefix, *one] for one in windows.ids]
        # Where the instruction ends makes a difference to encoders that leave it out of the mean.
        mark = [len(self.prefix)] if self.prefix and self.encoder.facts.pooling == "text" else []
        keys = [key_of_ids([*mark, *one]) for one in ids]
        place: dict[bytes, int] = {}
        distinct = []
        for i, key in enumerate(keys):
            if key not in place:
                place[key] = len(place)
                distinct.append(i)
        return weighted_mean(
            self._distinct([ids[i] for i in distinct], [keys[i] for i in distinct])[[place[k] for k in keys]],
            windows.owner,
            np.array([len(one) for one in windows.ids]),
            windows.n_texts,
            normalise=self.encoder.facts.normalise,
        )

    def _distinct(self, ids: list[list[int]], keys: list[bytes]) -> np.ndarray:
        special = self.encoder.tokenizer.context - self.encoder.tokenizer.room
        vectors = np.empty((len(ids), self.encoder.facts.dimension), dtype=np.float32)
        todo: list[tuple[np.ndarray, str]] = []
        for batch in plan_batches([len(one) + special for one in ids], keys):
            key = self.cache.key([keys[i] for i in batch])
            known = self.cache.get(key, (len(batch), vectors.shape[1]))
            if known is None:
                todo.append((batch, key))
            else:
                vectors[batch] = known
                self.step(sum(len(ids[i]) for i in batch))
        batches = ([ids[i] for i in batch] for batch, _ in todo)
        made = self.encoder.encode_batches(batches, lead=len(self.prefix))
        for (batch, key), new in zip(todo, made, strict=True):
            self.cache.put(key, new)
            vectors[batch] = new
            self.step(sum(len(ids[i]) for i in batch))
        return vectors


def _block(unit: str) -> int:
    return _DOCUMENTS if unit == "document" else _STATEMENTS


def _document_blocks(texts: Texts, name: str, maker: _Maker) -> Iterator[_Block]:
    """Vectors of a shard's texts, some thousand at a time."""
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
        ids = maker.encoder.tokenizer.encode(distinct.to_list())
        windows = windows_of_pieces(ids, place, n_pieces, room=maker.room)
        yield _Block(rows.select("subject_id", "prediction_time"), maker.vectors(windows), windows)


def _statement_blocks(texts: Texts, name: str, maker: _Maker, seen: list[pl.Series]) -> Iterator[_Block]:
    """Vectors of the statements of a shard that no shard before it had."""
    statements = pl.read_parquet(texts.file("statements", name), columns=["statement_id", "text"])
    if seen:
        before = pl.concat(seen).to_frame()
        statements = statements.join(before, on="statement_id", how="anti", maintain_order="left")
    for start in range(0, statements.height, _STATEMENTS):
        rows = statements.slice(start, _STATEMENTS)
        ids = maker.encoder.tokenizer.encode(rows["text"].to_list())
        one_each = np.ones(len(ids), dtype=np.int64)
        windows = windows_of_pieces(ids, np.arange(len(ids)), one_each, room=maker.room)
        yield _Block(rows.select("statement_id"), maker.vectors(windows), windows)


def _write(file: Path, blocks: Iterator[_Block], *, dimension: int) -> dict[str, int]:
    """Write the blocks of one shard as row groups; an empty shard is an empty file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    unit = file.parent.name
    keys = (
        {"subject_id": pa.int64(), "prediction_time": pa.timestamp("us")}
        if unit == "document"
        else {"statement_id": pa.string()}
    )
    schema = pa.schema([*keys.items(), ("vector", pa.list_(pa.float32(), dimension))])
    counts = {"n_vectors": 0, "n_windows": 0, "n_cut": 0, "n_tokens": 0}
    with (
        atomic_path(file, private=True) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=1) as writer,
    ):
        for block in blocks:
            columns: dict[str, Any] = {
                name: block.keys[name].to_arrow().cast(kind) for name, kind in keys.items()
            }
            flat = pa.array(block.vectors.ravel())
            columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, dimension)
            writer.write_table(pa.table(columns, schema=schema))
            counts["n_vectors"] += block.windows.n_texts
            counts["n_windows"] += len(block.windows.ids)
            counts["n_cut"] += block.windows.n_cut
            counts["n_tokens"] += sum(len(one) for one in block.windows.ids)
    return counts
