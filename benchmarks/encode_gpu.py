"""Speed of encoding on a graphics processor: random weights in the shape of Qwen3-Embedding-8B and 0.6B.

    python benchmarks/encode_gpu.py [--models 8B 0.6B] [--lengths 2048 8192] [--seconds 20]

No weights are needed: the time of a matrix product does not depend on what is in it. Texts of random
tokens, all of one length, go the way that `osler encode` takes them, with the budget that it finds. The
ceiling is the best that this device reaches in plain products of bfloat16 matrices of the model's shapes in
the same run. Before a time is printed, the vectors of a batch are compared with those of its texts one at a
time, in float32, from a model of two layers. The published run that this is set beside did 1.85 texts/s per
H200, at up to 8,192 tokens with the 8B model.

`--device cpu --layers 1 --models 0.6B --lengths 64` tries the script itself on any machine.
"""

import argparse
import json
import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from osler.models.batching import BUDGET, key_of_ids, plan_batches
from osler.models.budget import find_budget
from osler.models.device import choose_device
from osler.models.encoder import Encoder
from osler.models.recipes import RECIPES
from osler.models.room import Room
from osler.models.tokenizer import Tokenizer

NAME = "encode on a graphics processor"
PUBLISHED = 1.85
# hidden, inside, layers, heads, heads of keys; a head is 128 wide, the vocabulary has 151,669 words.
SHAPES = {"8B": (4096, 12288, 36, 32, 8), "0.6B": (1024, 3072, 28, 16, 8)}
HEAD, WORDS, END = 128, 151_669, 151_643


def random_model(size: str, *, layers: int | None, dtype: torch.dtype, device: str) -> Any:
    """A Qwen3 model of random weights, made on the device."""
    from transformers import Qwen3Config, Qwen3Model

    hidden, inside, all_layers, heads, keys = SHAPES[size]
    config = Qwen3Config(
        hidden_size=hidden,
        intermediate_size=inside,
        num_hidden_layers=layers or all_layers,
        num_attention_heads=heads,
        num_key_value_heads=keys,
        head_dim=HEAD,
        vocab_size=WORDS,
        max_position_embeddings=40_960,
        attn_implementation="sdpa",
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = Qwen3Model(config)
    finally:
        torch.set_default_dtype(before)
    return model.eval().requires_grad_(requires_grad=False)


def encoder_of(model: Any, size: str, *, dtype: str, device: str, length: int, search: bool) -> Encoder:
    """The model as Osler's encoder, windows of `length` tokens with the end token."""
    row = RECIPES[f"qwen3-embedding-{size.lower()}"]
    tokenizer = Tokenizer(
        name=row.name,
        hash="random",
        context=length,
        prefix=(),
        suffix=(END,),
        pad_id=END,
        splits_on_whitespace=False,
        _backend=None,
    )
    made = Encoder(
        facts=row,
        tokenizer=tokenizer,
        weights_sha256="random",
        dtype=dtype,
        threads=2 if device == "cuda" else 1,
        device=device,
        budget=BUDGET,
        _model=model,
        _heads=(),
        _room=Room(special=1),
    )
    if not search:
        return made
    budget = find_budget(made.encode_batch, length=length, special=1, token=END)
    return replace(made, budget=budget)


def check(size: str, *, device: str) -> float:
    """Largest difference between vectors of a batch and of its texts one at a time, in float32."""
    torch.manual_seed(0)
    model = random_model(size, layers=2, dtype=torch.float32, device=device)
    encoder = encoder_of(model, size, dtype="float32", device=device, length=64, search=False)
    random = np.random.default_rng(0)
    texts = [random.integers(0, 150_000, n).tolist() for n in (3, 17, 40, 63)]
    together = encoder.encode_batch(texts)
    alone = np.vstack([encoder.encode_batch([text]) for text in texts])
    return float(np.abs(together - alone).max())


def ceiling(size: str, *, tokens: int, device: str) -> float:
    """Operations per second of plain products of the model's shapes, the best of some rounds."""
    hidden, inside = SHAPES[size][:2]
    left = torch.randn(tokens, hidden, dtype=torch.bfloat16, device=device)
    right = torch.randn(hidden, inside, dtype=torch.bfloat16, device=device)
    best = np.inf
    for _ in range(6):
        start = time.perf_counter()
        for _ in range(4):
            made = left @ right
        float(made[0, 0])
        best = min(best, time.perf_counter() - start)
    return 4 * 2 * tokens * hidden * inside / best


def operations(size: str, length: int, layers: int | None) -> float:
    """Operations for one text: products with the weights, and half of the attention (the model is causal)."""
    hidden, inside, all_layers, heads, keys = SHAPES[size]
    weights = hidden * HEAD * (2 * heads + 2 * keys) + 3 * hidden * inside
    attention = 2 * heads * HEAD * length * length
    return float((layers or all_layers) * (2 * weights * length + attention))


def measure(size: str, length: int, options: argparse.Namespace, model: Any) -> dict[str, Any]:
    """Texts per second at one length."""
    encoder = encoder_of(
        model, size, dtype="bfloat16", device=options.device, length=length, search=options.device == "cuda"
    )
    random = np.random.default_rng(1)
    in_batch = max(encoder.budget // length, 1)

    def seconds(n_texts: int) -> float:
        ids = [random.integers(0, 150_000, length - 1).tolist() for _ in range(n_texts)]
        start = time.perf_counter()
        plan = plan_batches([length] * n_texts, [key_of_ids(one) for one in ids], budget=encoder.budget)
        for _ in encoder.encode_batches([ids[i] for i in batch] for batch in plan):
            pass
        return time.perf_counter() - start

    seconds(in_batch)
    rounds, least = [], 2 * in_batch
    while sum(rounds) < options.seconds:
        rounds.append(seconds(least))
    took = statistics.median(rounds)
    rate = least / took
    top = ceiling(size, tokens=max(encoder.budget, 2048), device=options.device)
    return {
        "texts_per_second": round(rate, 3),
        "tokens_per_second": round(rate * length),
        "budget": encoder.budget,
        "share_of_ceiling": round(operations(size, length, options.layers) * rate / top, 3),
        "ceiling_tflops": round(top / 1e12, 2),
    }


def main() -> None:
    """Print what was measured; the last line is one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="+", choices=sorted(SHAPES), default=["8B", "0.6B"])
    parser.add_argument("--lengths", nargs="+", type=int, default=[2048, 8192])
    parser.add_argument("--seconds", type=float, default=20, help="least time of each measurement")
    parser.add_argument("--layers", type=int, default=None, help="fewer layers than the model has")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    options = parser.parse_args()
    if options.device == "auto" and not torch.cuda.is_available():
        print(json.dumps({"name": NAME, "value": None, "unit": "no graphics processor here"}))
        return
    options.device = choose_device(options.device)
    name = torch.cuda.get_device_name(0) if options.device == "cuda" else "processor"
    found: dict[str, dict[str, Any]] = {}
    for size in options.models:
        difference = check(size, device=options.device)
        if not difference < 1e-4:
            raise SystemExit(f"vectors of a batch differ from those of its texts by {difference:.2e}")
        model = random_model(size, layers=options.layers, dtype=torch.bfloat16, device=options.device)
        for length in options.lengths:
            found[f"{size} at {length}"] = measure(size, length, options, model)
            print(f"{size:>5} {length:>6} tokens  {found[f'{size} at {length}']}", flush=True)
        del model
    first = found[f"{options.models[0]} at {options.lengths[-1]}"]
    whole = options.device == "cuda" and options.models[0] == "8B" and options.layers is None
    head = {
        "name": NAME,
        "value": first["texts_per_second"],
        "unit": f"texts/s, {options.models[0]} at {options.lengths[-1]} tokens, {name}",
        "ratio": round(first["texts_per_second"] / PUBLISHED, 2) if whole else None,
        "against": "1.85 texts/s of a published run on an H200",
    }
    print(json.dumps({**head, "measured": found}))


if __name__ == "__main__":
    main()
