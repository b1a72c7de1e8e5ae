"""Memory of `osler encode` with one and with ten times as many texts.

Simulated texts of ten statements each; nearly every statement occurs in one text only, which is the worst
case for finding distinct statements. The encoder is a stub that costs nothing: what is measured is the
reading, the de-duplication, the windows, the batches and the writing. Each run is a process of its own; its
peak resident memory is read from the kernel. The number of vectors is checked before a number is printed.

    python benchmarks/encode_memory.py [--shards 5] [--rows 2000]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

LINES = 10
COMMON = 0.1  # share of lines that every shard has
WORDS = ["sodium", "potassium", "heart failure", "cough", "platelets", "creatinine", "fever", "oedema"]


class Stub:
    """An encoder without a model: a vector of 384 numbers that hardly costs anything."""

    def __init__(self, name: str, dtype: str) -> None:
        from osler.models.loading import weights_hash
        from osler.models.recipes import recipe
        from osler.models.tokenizer import load_tokenizer

        self.facts = recipe(name)
        self.tokenizer = load_tokenizer(name)
        self.weights_sha256 = weights_hash(self.facts)
        self.dtype = dtype
        self.threads = 1
        self.budget = 4096

    def encode_batches(
        self, batches: Iterable[Sequence[Sequence[int]]], *, lead: int = 0
    ) -> Iterator[np.ndarray]:
        """Vectors that tell the length and the first token of each text."""
        for batch in batches:
            vectors = np.ones((len(batch), self.facts.dimension), dtype=np.float32)
            vectors[:, 0] = [len(one) for one in batch]
            vectors[:, 1] = [one[0] if one else 0 for one in batch]
            yield vectors

    def describe(self) -> dict[str, Any]:
        """What made the vectors."""
        return {
            **self.facts.facts(),
            "weights_sha256": self.weights_sha256,
            "tokenizer_sha256": self.tokenizer.hash,
            "dtype": self.dtype,
            "device": "cpu",
            "threads_per_batch": 1,
            "code_version": 0,
        }


def write_texts(folder: Path, *, shards: int, rows: int) -> None:
    """A texts folder of `shards` files with `rows` texts each."""
    from osler.base.files import write_json, write_parquet
    from osler.base.hashing import hash_text
    from osler.base.output import Output

    with Output(folder, key=f"{shards} {rows}") as part:
        for shard in range(shards):
            rng = np.random.default_rng(shard)
            words = rng.choice(WORDS, (rows, LINES, 3))
            values = rng.integers(10**9, 10**10, (rows, LINES))
            values[rng.random((rows, LINES)) < COMMON] = 7
            lines = [[f"{' '.join(words[i, j])}: {values[i, j]}" for j in range(LINES)] for i in range(rows)]
            texts = pl.Series("text", ["\n".join(one) for one in lines])
            ends = [end for one in lines for end in np.cumsum([len(line) + 1 for line in one]) - 1]
            distinct = pl.Series("text", [line for one in lines for line in one]).unique(maintain_order=True)
            keys = {
                "subject_id": np.arange(rows) + shard * rows,
                "prediction_time": pl.Series([datetime(2020, 1, 1)] * rows, dtype=pl.Datetime("us")),
            }
            for name, frame in (
                (
                    "texts",
                    pl.DataFrame(
                        {
                            **keys,
                            "text": texts,
                            "n_statements": [LINES] * rows,
                            "n_tokens": texts.str.len_chars() // 3,
                        }
                    ),
                ),
                ("lines", pl.DataFrame({"char_end": ends})),
                (
                    "statements",
                    pl.DataFrame(
                        {
                            "statement_id": [hash_text(one)[:32] for one in distinct],
                            "text": distinct,
                            "n_tokens": distinct.str.len_chars() // 3,
                        }
                    ),
                ),
            ):
                write_parquet(part / name / f"{shard}.parquet", frame)
        info = {
            "shards": [str(shard) for shard in range(shards)],
            "samples": "labels",
            "settings": {},
            # A token is a third of the characters here, which is no tokenizer's count.
            "tokenizer": "characters",
            "tokenizer_hash": "characters",
        }
        write_json(part / "texts.json", info)


def encode(texts: Path, out: Path, unit: str) -> int:
    """Encode with the stub; returns the peak of this process in bytes."""
    import osler.represent.encode as room
    from osler.represent.settings import EncodeSettings
    from osler.statements.read import open_texts

    @contextmanager
    def stub(name: str, *, dtype: str, settings: Any) -> Iterator[Stub]:
        yield Stub(name, dtype)

    room.open_engine = stub  # type: ignore[assignment]
    settings = EncodeSettings.parse({"unit": unit, "dtype": "float32"}, where="benchmark")
    made = room.make_vectors(texts, out, settings=settings)
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    opened = open_texts(texts)
    frame = opened.texts() if unit == "document" else opened.statements().select("statement_id").unique()
    assert made.n_vectors == frame.select(pl.len()).collect().item()
    return peak


def measure(unit: str, shards: int, rows: int) -> int:
    """Peak of one run, in a process that did nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        write_texts(Path(folder) / "texts", shards=shards, rows=rows)
        command = [sys.executable, __file__, "--one", unit, "--folder", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        return int(done.stdout)


def main() -> None:
    """Measure both units at both sizes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shards", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--one", choices=["document", "statement"])
    parser.add_argument("--folder", type=Path)
    chosen = parser.parse_args()
    if chosen.one:
        print(encode(chosen.folder / "texts", chosen.folder / chosen.one, chosen.one))
        return
    peaks: dict[str, int] = {}
    for unit in ("document", "statement"):
        for times in (1, 10):
            peaks[f"{unit}_{times}x_mb"] = measure(unit, chosen.shards * times, chosen.rows) // 10**6
            print(unit, f"{times}x", peaks[f"{unit}_{times}x_mb"], "MB", file=sys.stderr)
    ratio = max(peaks[f"{unit}_10x_mb"] / peaks[f"{unit}_1x_mb"] for unit in ("document", "statement"))
    result = {
        "name": "memory of encoding",
        "value": max(peaks.values()),
        "unit": f"MB at most, {10 * chosen.shards * chosen.rows:,} texts of {LINES} statements, stub encoder",
        "ratio": round(ratio, 2),
        "against": "a tenth of the texts",
        **peaks,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
