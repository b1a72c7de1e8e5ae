"""Which encoders there are, and whether one works on this machine."""

import time
from typing import Any

import numpy as np
import psutil

from osler.base.errors import InputError
from osler.models.encoder import Encoder, load_encoder
from osler.models.loading import choose_dtype
from osler.models.quantized import QUANTIZED, can_quantize
from osler.models.recipes import RECIPES, Recipe
from osler.models.servers.address import is_server
from osler.models.weights import bytes_needed, size_on_disk

# The first two mean nearly the same, the third something else: an encoder that works knows.
_SENTENCES = (
    "The heart rate is high.",
    "Tachycardia was noted.",
    "The discharge form is printed on blue paper.",
)
# Longest window that is timed: longer ones take long without saying much more.
_LONGEST = 512


def list_encoders() -> list[dict[str, Any]]:
    """One row per recipe: its facts, the memory that it needs, and whether it can run here."""
    return [_row(facts) for facts in RECIPES.values()]


def _row(facts: Recipe) -> dict[str, Any]:
    dtype = choose_dtype("auto", facts)
    megabytes, here = _state(facts, dtype)
    return {
        "name": facts.name,
        "model_id": facts.model_id,
        "parameters_millions": facts.parameters or None,
        "megabytes": megabytes,
        "memory_gb": round(bytes_needed(facts.parameters, dtype) / 1e9, 1) if facts.parameters else None,
        "dtype": dtype,
        "dimension": facts.dimension,
        "cuts": list(facts.cuts),
        "context": facts.context,
        "architecture": facts.architecture,
        "pooling": facts.pooling,
        "padding_side": facts.padding_side,
        "attention": facts.attention,
        "licence": facts.licence,
        "follows_instructions": facts.follows_instructions,
        "prompt": facts.prompt,
        "prompt_side": facts.prompt_side,
        "traps": list(facts.traps),
        "runs_here": here,
    }


def _state(facts: Recipe, dtype: str) -> tuple[int | None, str]:
    """Size of the weights in megabytes, where they are here, and whether the encoder can run."""
    needed = bytes_needed(facts.parameters, dtype)
    machine = psutil.virtual_memory()
    try:
        size = round(size_on_disk(facts) / 1e6)
        facts.adapter_paths()
    except InputError:
        small = needed <= machine.total
        return (
            None,
            f"weights are missing{'' if small else f', and it needs {needed / 1e9:.0f} GB of memory'}",
        )
    if dtype in QUANTIZED and not can_quantize():
        return size, "needs the package bitsandbytes"
    if needed > machine.available:
        return size, f"needs {needed / 1e9:.0f} GB of memory, {machine.available / 1e9:.0f} are free"
    return size, "runs here"


def check_encoder(name: str, *, dtype: str = "auto", device: str = "auto") -> dict[str, Any]:
    """Load an encoder, check its weights, encode three sentences and measure its speed.

    Args:
        name: a name as for `osler.models.recipes.recipe`.
        dtype: `auto`, `float32`, `bfloat16`, `nf4` or `int8`.
        device: `auto`, `cpu` or `cuda`.

    Returns:
        Facts, similarity of two sentences of like meaning and of two of unlike meaning, tokens per second.

    Raises:
        InputError: it does not load, or its vectors are no numbers.
    """
    if is_server(name):
        raise InputError(
            "a server is tried by encoding with it: its model is not on this machine",
            where=name.partition("?")[0].partition("#")[0],
            remedy="osler encode TEXTS --encoder ADDRESS asks it for one vector first",
        )
    encoder = load_encoder(name, dtype=dtype, device=device)
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
        "device": encoder.device,
        "threads": encoder.threads,
        "like_meaning": round(float(length[0] @ length[1]), 3),
        "unlike_meaning": round(float(length[0] @ length[2]), 3),
        "tokens_per_second": round(tokens_per_second(encoder)),
    }


def tokens_per_second(encoder: Encoder, *, windows: int = 8) -> float:
    """Speed of warm batches of full windows (of 512 tokens at most) on all threads, in tokens per second."""
    special = encoder.tokenizer.context - encoder.tokenizer.room
    length = min(encoder.tokenizer.context, _LONGEST)
    batch = [[encoder.tokenizer.pad_id] * (length - special)] * windows
    work = [batch] * encoder.threads
    list(encoder.encode_batches(work))
    start = time.perf_counter()
    list(encoder.encode_batches(work))
    return len(work) * windows * length / (time.perf_counter() - start)
