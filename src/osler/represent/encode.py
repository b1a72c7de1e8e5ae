"""Vectors of texts: one per document or per distinct statement; streamed, resumable, repeatable."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from osler.base.errors import InputError
from osler.base.files import atomic_path, read_json, write_json
from osler.base.hashing import hash_json
from osler.base.output import Output
from osler.base.progress import bar
from osler.models.batching import PLAN_VERSION
from osler.models.encoder import CODE_VERSION
from osler.models.loading import weights_hash
from osler.models.recipes import Recipe, recipe
from osler.models.servers.address import is_server
from osler.models.servers.encoder import load_server_encoder
from osler.models.tokenizer import load_tokenizer
from osler.represent.blocks import BlocksOf, block_size, blocks_of
from osler.represent.cache import VectorCache
from osler.represent.cost import announce
from osler.represent.engine import BatchEncoder, EngineSettings, open_engine
from osler.represent.instruction import Instruction, instruction, require_applicable
from osler.represent.maker import VectorMaker
from osler.represent.settings import EncodeSettings
from osler.represent.windows import Windows, first_windows
from osler.statements.read import Texts, open_texts

ENCODER_JSON = "encoder.json"
_VERSION = 3
_COUNTS = ("n_vectors", "n_overflow", "n_windows", "n_cut", "n_tokens")
# Before the temporary folder inside the part folder, which a killed job leaves behind.
_SCRATCH = ".scratch-"


@dataclass(frozen=True)
class VectorsSummary:
    """What was made.

    Attributes:
        path: the folder.
        unit: `document` or `statement`.
        encoder, instruction, dtype: what made the vectors.
        dimension: length of a vector.
        n_vectors: documents, or distinct statements.
        on_overflow: what was done with texts longer than a window.
        n_overflow: such texts.
        n_windows: windows of tokens that were encoded.
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
    on_overflow: str
    n_overflow: int
    n_windows: int
    n_cut: int
    n_tokens: int


def make_vectors(
    texts_path: Path,
    out: Path,
    *,
    settings: EncodeSettings | None = None,
    cache: Path | None = None,
    engine: EngineSettings | None = None,
) -> VectorsSummary:
    """Encode a folder of texts.

    Args:
        texts_path: a folder that `osler text` made.
        out: the folder; it may exist when it is empty or holds the same work.
        settings: encoder, unit, instruction, number format; defaults when None.
        cache: folder of vectors computed before; None: none are kept.
        engine: where batches are computed; None: in this process. It does not change the vectors.

    Returns:
        Counts, read back from `encoder.json`.

    Raises:
        InputError: no such texts or encoder, weights that were not tested, an instruction that does not
            apply or leaves no room for text, texts longer than a window where that is to be an error, or no
            worker is left of a cluster.
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
            **_hashes(settings.encoder, facts),
            "instruction": chosen.hash,
            "unit": settings.unit,
            "dtype": settings.dtype,
            "on_overflow": settings.on_overflow,
        }
    )
    job = Output(out, key=key)
    if not job.complete:
        with job as part:
            _encode(texts, part, settings, chosen, cache, engine or EngineSettings())
    return read_summary(out)


def _hashes(name: str, facts: Recipe) -> dict[str, str]:
    """Hashes of an encoder's weights and tokenizer."""
    if is_server(name):
        encoder = load_server_encoder(name)
        return {"weights": encoder.weights_sha256, "tokenizer": encoder.tokenizer.hash}
    return {"weights": weights_hash(facts), "tokenizer": load_tokenizer(name).hash}


def read_summary(folder: Path) -> VectorsSummary:
    """What a folder of vectors holds."""
    info = read_json(folder / ENCODER_JSON)
    counts = [shard["counts"] for shard in info["shards"]]
    return VectorsSummary(
        path=str(folder),
        unit=info["unit"],
        encoder=info["encoder"]["name"],
        instruction=info["instruction"]["name"],
        dtype=info["encoder"]["dtype"],
        dimension=info["encoder"]["dimension"],
        on_overflow=info["on_overflow"],
        **{name: sum(count[name] for count in counts) for name in _COUNTS},
    )


def _encode(
    texts: Texts,
    part: Path,
    settings: EncodeSettings,
    chosen: Instruction,
    cache: Path | None,
    engine: EngineSettings,
) -> None:
    """Encode shard after shard; finished shards are listed in `encoder.json` and not done again."""
    path = part / ENCODER_JSON
    # What a killed job chose stays, so that its bytes and ours are the same.
    info = read_json(path) if path.is_file() else None
    dtype = info["encoder"]["dtype"] if info else settings.dtype
    if info and engine.engine == "local" and info["encoder"]["device"] in ("cpu", "cuda"):
        engine = engine.model_copy(update={"device": info["encoder"]["device"]})
    for left in part.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left)
    with (
        open_engine(settings.encoder, dtype=dtype, settings=engine) as encoder,
        tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=part) as scratch,
    ):
        if info:
            _require_same_device(info, encoder, where=path)
        maker = VectorMaker(
            encoder,
            chosen,
            VectorCache(cache, encoder),
            budget=info["plan"]["budget"] if info else None,
        )
        blocks = blocks_of(
            texts,
            unit=settings.unit,
            tokenizer=encoder.tokenizer,
            room=maker.room,
            scratch=Path(scratch),
        )
        if info is None:
            if settings.on_overflow == "error":
                _require_short(texts, blocks, unit=settings.unit, room=maker.room)
            info = _begun(texts, settings, chosen, encoder)
            write_json(path, info)
        finished = {shard["name"] for shard in info["shards"]}
        n_tokens = announce(texts, encoder, unit=settings.unit, on_overflow=settings.on_overflow)
        with bar(f"encoding {settings.unit}s", total=n_tokens) as step:
            maker.step = step
            for name in texts.shards:
                if name not in finished:
                    file = part / settings.unit / f"{name}.parquet"
                    counts = _write(
                        file,
                        blocks(name),
                        maker,
                        truncate=settings.on_overflow == "truncate",
                        dimension=encoder.facts.dimension,
                    )
                    info["shards"].append({"name": name, "counts": counts})
                    write_json(path, info)


def _begun(
    texts: Texts, settings: EncodeSettings, chosen: Instruction, encoder: BatchEncoder
) -> dict[str, Any]:
    return {
        "format_version": 1,
        "unit": settings.unit,
        "encoder": encoder.describe(),
        "instruction": chosen.plain(),
        "on_overflow": settings.on_overflow,
        "plan": {"version": PLAN_VERSION, "budget": encoder.budget, "texts": block_size(settings.unit)},
        "texts_hash": texts.hash,
        "shards": [],
    }


def _require_same_device(info: dict[str, Any], encoder: BatchEncoder, *, where: Path) -> None:
    """Refuse to go on with another kind of device, whose vectors are other ones."""
    begun, here = info["encoder"]["device"], encoder.describe()["device"]
    if begun != here:
        raise InputError(
            f"the job was begun on '{begun}' and would go on on '{here}'",
            where=where,
            remedy=f"go on where there is '{begun}', or name another folder",
        )


def _require_short(texts: Texts, blocks: BlocksOf, *, unit: str, room: int) -> None:
    """Refuse texts longer than a window, all of them counted before any is encoded."""
    n_long = sum(made.n_overflow for name in texts.shards for _, made in blocks(name))
    if n_long:
        raise InputError(
            f"{unit}s are longer than a window of {room:,} tokens",
            where=texts.path,
            count=n_long,
            remedy="use --on-overflow window (or truncate), a smaller --budget of osler text, or an encoder "
            "with a longer context",
        )


def _write(
    file: Path,
    blocks: Iterator[tuple[pl.DataFrame, Windows]],
    maker: VectorMaker,
    *,
    truncate: bool,
    dimension: int,
) -> dict[str, int]:
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
    counts = dict.fromkeys(_COUNTS, 0)
    with (
        atomic_path(file, private=True) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=1) as writer,
    ):
        for rows, whole in blocks:
            windows = first_windows(whole) if truncate else whole
            columns: dict[str, Any] = {name: rows[name].to_arrow().cast(kind) for name, kind in keys.items()}
            flat = pa.array(maker.vectors(windows).ravel())
            columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, dimension)
            writer.write_table(pa.table(columns, schema=schema))
            counts["n_vectors"] += windows.n_texts
            counts["n_overflow"] += whole.n_overflow
            counts["n_windows"] += len(windows.ids)
            counts["n_cut"] += windows.n_cut
            counts["n_tokens"] += sum(len(one) for one in windows.ids)
    return counts
