"""Speed of encoding: ours beside `SentenceTransformer.encode`, same weights, texts and threads, in one run.

    python benchmarks/encode.py [--texts 4000] [--threads 2]

The texts are made-up statements joined until their lengths are log-normal (median 40 tokens, up to the
context of 256), in mixed order. The peer runs as it comes (float32, 32 texts at a time) and at its best over
batch sizes, and over bfloat16 where the processor has units for it. Before a time is printed, our vectors are
compared with the peer's in float32: cosine, and whether the nearest neighbour of each text is the same. The
ceiling is what this machine reaches in a plain matrix product of the model's shapes in our number format.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from osler.models.encoder import load_encoder
from osler.models.loading import has_amx_bf16

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
    tokenizer = load_encoder("minilm").tokenizer
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


def neighbours(vectors: np.ndarray) -> np.ndarray:
    """The nearest other text of each text."""
    near = vectors @ vectors.T
    np.fill_diagonal(near, -2)
    found: np.ndarray = near.argmax(axis=1)
    return found


def compare(texts: list[str], *, threads: int) -> dict[str, Any]:
    """Both encoders on the same texts."""
    from sentence_transformers import SentenceTransformer

    ours = load_encoder("minilm", threads=threads)
    folder = str(ours.facts.path())
    torch.set_num_threads(threads)
    ids = ours.tokenizer.encode(texts)
    lengths = np.array([len(one) + 2 for one in ids])
    peer = SentenceTransformer(folder, device="cpu")
    reference = peer.encode(texts, normalize_embeddings=True)
    made = ours.encode_ids(ids)
    cosine = float((reference * made).sum(axis=1).min())
    kept = float((neighbours(reference) == neighbours(made)).mean())
    if cosine < 0.999 or kept < 0.99:
        raise SystemExit(f"the vectors differ: cosine {cosine:.5f}, nearest neighbours kept {kept:.4f}")
    own = seconds_of(lambda: ours.encode_ids(ours.tokenizer.encode(texts)))
    plain = seconds_of(lambda: peer.encode(texts))
    best = plain
    for dtype in (torch.float32, *([torch.bfloat16] if has_amx_bf16() else [])):
        model = SentenceTransformer(folder, device="cpu", model_kwargs={"dtype": dtype})
        for size in (8, 16, 32, 64, 128):
            best = min(best, seconds_of(lambda m=model, s=size: m.encode(texts, batch_size=s)))  # type: ignore[misc]
    tokens = int(lengths.sum())
    kind = torch.bfloat16 if ours.dtype == "bfloat16" else torch.float32
    return {
        "texts": len(texts),
        "tokens": tokens,
        "tokens_per_second": round(tokens / own),
        "against_as_it_comes": round(plain / own, 2),
        "against_its_best": round(best / own, 2),
        "cosine_min": round(cosine, 5),
        "neighbours_kept": round(kept, 4),
        "dtype": ours.dtype,
        "share_of_ceiling": round(operations(lengths) / own / ceiling(kind), 3),
    }


def main() -> None:
    """Print what was measured; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=4000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    found = compare(log_normal_texts(arguments.texts), threads=arguments.threads)
    for name, value in found.items():
        print(f"{name:<22}{value}")
    head = {
        "name": "encode",
        "value": found.pop("tokens_per_second"),
        "unit": "tokens/s, MiniLM, log-normal lengths",
        "ratio": found.pop("against_as_it_comes"),
        "against": "SentenceTransformer.encode as it comes",
    }
    print(json.dumps({**head, **found}))


if __name__ == "__main__":
    main()
