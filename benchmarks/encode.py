"""Speed of encoding: ours beside `SentenceTransformer.encode`, same weights, texts and threads, in one run.

    python benchmarks/encode.py [--texts 4000] [--threads 2] [--sets log-normal sepsis eicu]
                                [--dtype auto]

Three sets of texts: made-up statements joined until their lengths are log-normal (median 40 tokens, up to
the context of 256), and, where the data is at hand ($OSLER_DATA or shared/data beside the repository), the
records of the 2024 Pediatric Sepsis Data Challenge and of the eICU demo, divided between statements into
windows of that context; all in mixed order. The peer runs as it comes (float32, 32 texts at a time) and
at its best over batch sizes, and over bfloat16 where that pays, or in the format that is asked for.
Before a time is printed, our vectors are compared with the peer's in float32: cosine, and whether the
nearest neighbour of each text is the same, or another that is as near to within .001 (records repeat each
other). The ceiling is what this machine reaches in plain matrix products of the model's shapes in our
number format.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from osler.models.encoder import load_encoder
from osler.models.probe import bfloat16_pays
from osler.models.tokenizer import load_tokenizer
from osler.record.dataset import open_dataset
from osler.record.sources import ingest
from osler.statements.read import open_texts
from osler.statements.samples import record_end
from osler.statements.settings import TextSettings
from osler.statements.write import make_texts

ROOT = Path(__file__).parents[1]
SETS = {
    "log-normal": None,
    "sepsis": ("table", "pediatric_sepsis_uganda/pediatric_sepsis_dev.csv", "sepsis.yaml"),
    "eicu": ("eicu", "eicu_demo", None),
}
ROUNDS = 3
# Of MiniLM: six layers of width 384 with 1,536 inside; two operations per weight, and attention.
LAYERS, WIDTH, INSIDE = 6, 384, 1536


def log_normal_texts(n: int, *, seed: int = 0) -> list[str]:
    """Texts of made-up statements whose lengths in tokens are log-normal."""
    random = np.random.default_rng(seed)
    names = (
        "Sodium",
        "Heart rate",
        "Norepinephrine infusion",
        "Acute respiratory failure",
        "Chest tube output",
    )
    tokenizer = load_tokenizer("minilm")
    lengths = np.clip(random.lognormal(np.log(40), 0.8, n), 4, tokenizer.room).astype(int)
    texts = []
    for length in lengths:
        parts: list[str] = []
        while len(parts) * 9 < length + 9:
            parts.append(
                f"{names[random.integers(len(names))]}: {random.integers(1, 900)}.{random.integers(10)}"
            )
        ids = tokenizer.encode([", ".join(parts)])[0][:length]
        texts.append(tokenizer._backend.decode(ids))
    return texts


def record_texts(name: str, n: int, *, seed: int = 0) -> list[str]:
    """Windows of the records of a real data set, mixed; none where the data is not at hand."""
    source = SETS[name]
    assert source is not None
    kind, place, spec = source
    path = Path(os.environ.get("OSLER_DATA", ROOT.parent / "shared" / "data")) / place
    if not path.exists():
        print(f"the {name} records are not here: set OSLER_DATA", file=sys.stderr)
        return []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        ingest(kind, path, ROOT / "examples" / "specs" / spec if spec else None, folder / "dataset")
        dataset = open_dataset(folder / "dataset")
        make_texts(dataset, record_end(dataset), folder / "texts", settings=TextSettings(budget=2048))
        texts = open_texts(folder / "texts").texts().select("text").collect()["text"].to_list()
    tokenizer = load_tokenizer("minilm")
    random = np.random.default_rng(seed)
    windows: list[str] = []
    for text in random.permutation(np.array(texts, dtype=object)):
        if len(windows) >= 2 * n:
            break
        lines = text.split("\n")
        part: list[str] = []
        room = tokenizer.room
        for line, count in zip(lines, tokenizer.count(lines).tolist(), strict=True):
            if part and count > room:
                windows.append("\n".join(part))
                part, room = [], tokenizer.room
            part.append(line)
            room -= count
        windows.append("\n".join(part))
    return [str(windows[i]) for i in random.permutation(len(windows))[:n]]


def seconds_of(work: Callable[[], Any]) -> float:
    """Median of some runs after one that warms up."""
    work()
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def ceiling(dtype: torch.dtype) -> float:
    """Operations per second of a plain matrix product of the model's shapes."""
    left, right = torch.randn(2048, WIDTH).to(dtype), torch.randn(WIDTH, INSIDE).to(dtype)
    seconds = seconds_of(lambda: [left @ right for _ in range(50)])
    return 50 * 2 * 2048 * WIDTH * INSIDE / seconds


def operations(lengths: np.ndarray) -> float:
    """Operations that the model needs for texts of these numbers of tokens, without padding."""
    weights = LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INSIDE)
    return float((2 * weights * lengths + LAYERS * 4 * WIDTH * lengths**2).sum())


def neighbours_kept(reference: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """Share of texts whose nearest neighbour is the same, and share whose is the same or as near to .001."""
    near, ours = reference @ reference.T, made @ made.T
    np.fill_diagonal(near, -2)
    np.fill_diagonal(ours, -2)
    found = ours.argmax(axis=1)
    lost = near.max(axis=1) - near[np.arange(len(near)), found]
    return float((near.argmax(axis=1) == found).mean()), float((lost < 0.001).mean())


def compare(texts: list[str], *, threads: int, dtype: str) -> dict[str, Any]:
    """Both encoders on the same texts."""
    from sentence_transformers import SentenceTransformer

    ours = load_encoder("minilm", threads=threads, dtype=dtype)
    folder = str(ours.facts.path())
    torch.set_num_threads(threads)
    ids = ours.tokenizer.encode(texts)
    lengths = np.array([len(one) + 2 for one in ids])
    peer = SentenceTransformer(folder, device="cpu")
    reference = peer.encode(texts, normalize_embeddings=True)
    made = ours.encode_ids(ids)
    cosine = float((reference * made).sum(axis=1).min())
    same, as_near = neighbours_kept(reference, made)
    if cosine < 0.999 or as_near < 0.99:
        raise SystemExit(f"the vectors differ: cosine {cosine:.5f}, nearest neighbours kept {as_near:.4f}")
    own = seconds_of(lambda: ours.encode_ids(ours.tokenizer.encode(texts)))
    plain = seconds_of(lambda: peer.encode(texts))
    best = plain
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    tried = [torch.float32, *([torch.bfloat16] if bfloat16_pays() else [])]
    for kind in tried if dtype == "auto" else [kinds[dtype]]:
        model = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": kind})
        for size in (8, 16, 32, 64, 128):
            best = min(best, seconds_of(lambda m=model, s=size: m.encode(texts, batch_size=s)))  # type: ignore[misc]
    tokens = int(lengths.sum())
    return {
        "texts": len(texts),
        "tokens": tokens,
        "tokens_per_second": round(tokens / own),
        "against_as_it_comes": round(plain / own, 2),
        "against_its_best": round(best / own, 2),
        "cosine_min": round(cosine, 5),
        "neighbours_the_same": round(same, 4),
        "neighbours_as_near": round(as_near, 4),
        "dtype": ours.dtype,
        "share_of_ceiling": round(operations(lengths) / own / ceiling(kinds[ours.dtype]), 3),
    }


def main() -> None:
    """Print what was measured; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--dtype", choices=["auto", "float32", "bfloat16"], default="auto", help="of ours and the peer's best"
    )
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    arguments = parser.parse_args()
    found = {}
    for name in arguments.sets:
        wanted = arguments.texts
        texts = log_normal_texts(wanted) if SETS[name] is None else record_texts(name, wanted)
        if texts:
            found[name] = compare(texts, threads=arguments.threads, dtype=arguments.dtype)
            print(name, json.dumps(found[name]), flush=True)
    first_name, first = next(iter(found.items()))
    head = {
        "name": "encode",
        "value": first["tokens_per_second"],
        "unit": f"tokens/s, MiniLM, {first_name} texts",
        "ratio": first["against_as_it_comes"],
        "against": "SentenceTransformer.encode as it comes",
    }
    rest = {f"{name} {key}": value for name, row in found.items() for key, value in row.items()}
    print(json.dumps({**head, **rest}))


if __name__ == "__main__":
    main()
