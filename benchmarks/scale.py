"""What 100 million patients would take, from rates measured on this machine.

Simulated patients in two sizes are turned into texts (end of record, budget 2,048). Measured are: events,
statements, distinct statements and tokens per patient, and how the number of distinct statements grows; the
tokens that one driver process reads, de-duplicates, tokenizes, plans and writes per second (with a stub in
place of the model); the speed of MiniLM. The rest is arithmetic, printed as the tables of docs/scale.md.

    python benchmarks/scale.py [--subjects 2000 | --texts FEWER MORE]

With --texts two folders of texts of one cohort, the first of fewer patients, replace the simulation.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from encode_memory import Stub

PATIENTS = 10**8
TIMES = 8
WIDTHS = (10, 12, 10, 13, 16)
# Assumptions, not measured here: dense bf16 peak of one H100 SXM, and the share of it that encoding reaches.
PEAK = 989e12
SHARE = 0.4
# Name -> parameters that take part in a matrix product, length of a vector.
MODELS = {
    "minilm": (10.6e6, 384),
    "Stella-en-400M-v5": (0.40e9, 1024),
    "Qwen3-Embedding-0.6B": (0.44e9, 1024),
    "Qwen3-Embedding-8B": (6.9e9, 4096),
}


def simulated(folder: Path, subjects: int) -> Path:
    """Simulate patients and write their texts."""
    data, texts = folder / f"data{subjects}", folder / f"texts{subjects}"
    osler = [sys.executable, "-c", "from osler.cli.main import main; main()"]
    for command in (["simulate", "-o", data, "--subjects", subjects], ["text", data, "-o", texts]):
        subprocess.run([*osler, *map(str, command)], check=True, stdout=subprocess.DEVNULL)
    events = pl.scan_parquet(data / "data" / "**" / "*.parquet").select(pl.len()).collect().item()
    print(f"{subjects:,} subjects: {events / subjects:,.0f} events each")
    return texts


def counted(texts: Path) -> dict[str, int]:
    """Patients, statements, distinct statements and tokens of a folder of texts."""
    from osler.statements.read import open_texts

    opened = open_texts(texts)
    distinct = opened.statements().unique("statement_id")
    sums = distinct.select(n=pl.len(), tokens=pl.col("n_tokens").cast(pl.Int64).sum()).collect()
    per_text = pl.col("n_tokens", "n_statements").cast(pl.Int64).sum()
    documents = opened.texts().select(per_text, n=pl.len()).collect()
    return {
        "subjects": documents["n"][0],
        "lines": documents["n_statements"][0],
        "distinct": sums["n"][0],
        "distinct_tokens": sums["tokens"][0],
        "document_tokens": documents["n_tokens"][0],
    }


def driver_rate(texts: Path, out: Path) -> float:
    """Tokens per second of everything but the model, for documents."""
    import osler.represent.encode as room
    from osler.represent.settings import EncodeSettings

    @contextmanager
    def stub(name: str, *, dtype: str, settings: Any) -> Any:
        yield Stub(name, dtype)

    before, room.open_engine = room.open_engine, stub  # type: ignore[assignment]
    start = time.perf_counter()
    made = room.make_vectors(texts, out, settings=EncodeSettings(dtype="float32"))
    room.open_engine = before
    return made.n_tokens / (time.perf_counter() - start)


def hours(tokens: float, parameters: float) -> float:
    """Hours of one graphics processor: two operations per parameter and token."""
    return tokens * 2 * parameters / (PEAK * SHARE) / 3600


def main() -> None:
    """Measure, compute, print the tables and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=2000)
    parser.add_argument("--texts", type=Path, nargs=2)
    chosen = parser.parse_args()
    from osler.models.check import tokens_per_second
    from osler.models.encoder import load_encoder

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes = (chosen.subjects, chosen.subjects * TIMES)
        texts = chosen.texts or [simulated(folder, n) for n in sizes]
        few, many = map(counted, texts)
        driver = driver_rate(texts[0], folder / "vectors")
    encoder = load_encoder("minilm", dtype="float32")
    cpu = tokens_per_second(encoder) / encoder.threads
    growth = math.log(many["distinct"] / few["distinct"]) / math.log(many["subjects"] / few["subjects"])
    per = {key: many[key] / many["subjects"] for key in ("lines", "document_tokens")}
    tokens_each = many["distinct_tokens"] / many["distinct"]
    distinct = many["distinct"] * (PATIENTS / many["subjects"]) ** growth
    loads = {"document": per["document_tokens"] * PATIENTS, "statement": distinct * tokens_each}
    rows = {"document": float(PATIENTS), "statement": distinct}

    print(
        f"{'subjects':>10} {'statements':>12} {'distinct':>10} {'their tokens':>13} {'document tokens':>16}"
    )
    for one in (few, many):
        print(" ".join(f"{value:>{width},}" for value, width in zip(one.values(), WIDTHS, strict=True)))
    print(
        f"\nper patient: {per['lines']:,.0f} statements, {per['document_tokens']:,.0f} tokens; "
        f"{tokens_each:.1f} tokens per distinct statement; "
        f"distinct statements grow with patients to the power of {growth:.2f}\n"
        f"driver: {driver:,.0f} tokens/s; MiniLM float32: {cpu:,.0f} tokens/s and core "
        f"({os.cpu_count()} cores here)\n"
    )
    print("| 100 million patients | vectors | tokens | MiniLM, core hours | driver hours |")
    print("|---|---|---|---|---|")
    for unit, tokens in loads.items():
        print(
            f"| {unit} | {rows[unit]:,.3g} | {tokens:,.3g} | {tokens / cpu / 3600:,.3g} "
            f"| {tokens / driver / 3600:,.3g} |"
        )
    print("\n| model | documents, H100 hours | statements, H100 hours | documents, TB | statements, GB |")
    print("|---|---|---|---|---|")
    for model, (parameters, dimension) in MODELS.items():
        print(
            f"| {model} | {hours(loads['document'], parameters):,.3g} "
            f"| {hours(loads['statement'], parameters):,.2g} "
            f"| {rows['document'] * (4 * dimension + 16) / 1e12:,.2g} "
            f"| {rows['statement'] * (4 * dimension + 32) / 1e9:,.2g} |"
        )
    result = {
        "name": "plan for 100 million patients",
        "value": round(loads["document"] / loads["statement"]),
        "unit": "times fewer tokens with distinct statements than with documents (extrapolated)",
        "ratio": round(many["document_tokens"] / many["distinct_tokens"], 1),
        "against": f"documents of {many['subjects']:,} patients (measured)",
        "growth": round(growth, 3),
        "driver_tokens_per_second": round(driver),
        "minilm_tokens_per_second_and_core": round(cpu),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
