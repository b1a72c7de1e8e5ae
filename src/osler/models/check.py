"""Which encoders there are, and whether one works on this machine."""

import time
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.models.encoder import Encoder, load_encoder
from osler.models.recipes import RECIPES, Recipe

# The first two mean nearly the same, the third something else: an encoder that works knows.
_SENTENCES = (
    "The heart rate is high.",
    "Tachycardia was noted.",
    "The discharge form is printed on blue paper.",
)


def list_encoders() -> list[dict[str, Any]]:
    """One row per recipe: its facts, size of its weights, and whether it can run here."""
    return [_row(facts) for facts in RECIPES.values()]


def _row(facts: Recipe) -> dict[str, Any]:
    try:
        weights = facts.path() / "model.safetensors"
        here = "runs here" if weights.is_file() else "weights are missing"
        megabytes = round(weights.stat().st_size / 1e6) if weights.is_file() else None
    except InputError as error:
        here, megabytes = error.what, None
    return {
        "name": facts.name,
        "model_id": facts.model_id,
        "megabytes": megabytes,
        "dimension": facts.dimension,
        "context": facts.context,
        "licence": facts.licence,
        "follows_instructions": facts.follows_instructions,
        "runs_here": here,
    }


def check_encoder(name: str, *, dtype: str = "auto") -> dict[str, Any]:
    """Load an encoder, check its weights, encode three sentences and measure its speed.

    Args:
        name: a name of `RECIPES`, or the path of a folder.
        dtype: `auto`, `float32` or `bfloat16`.

    Returns:
        Facts, similarity of two sentences of like meaning and of two of unlike meaning, tokens per second.

    Raises:
        InputError: it does not load, or its vectors are no numbers.
    """
    encoder = load_encoder(name, dtype=dtype)
    vectors = encoder.encode_ids(encoder.tokenizer.encode(list(_SENTENCES)))
    if not np.isfinite(vectors).all():
        raise InputError(
            f"encoder '{name}' gives values that are no numbers",
            remedy="use --dtype float32, or other weights",
        )
    length = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return {
        **_row(encoder.facts),
        "weights_sha256": encoder.weights_sha256,
        "dtype": encoder.dtype,
        "threads": encoder.threads,
        "like_meaning": round(float(length[0] @ length[1]), 3),
        "unlike_meaning": round(float(length[0] @ length[2]), 3),
        "tokens_per_second": round(tokens_per_second(encoder)),
    }


def tokens_per_second(encoder: Encoder, *, windows: int = 8) -> float:
    """Speed of warm batches of full windows on all threads, in tokens per second."""
    batch = [[encoder.tokenizer.pad_id] * encoder.tokenizer.room] * windows
    work = [batch] * encoder.threads
    list(encoder.encode_batches(work))
    start = time.perf_counter()
    list(encoder.encode_batches(work))
    return len(work) * windows * encoder.tokenizer.context / (time.perf_counter() - start)
