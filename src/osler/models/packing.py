"""Texts one after another in one row of tokens, so that nothing is padded and no mask is needed.

Everything in a model but attention looks at one token at a time. Attention is given the row in runs of texts
of the same length, each run as an array of its own; in it every text sees itself alone. So a batch may hold
texts of any lengths, costs no more than its tokens, and attention takes the kernels without a mask (flash, on
a graphics processor), also for a decoder that looks both ways.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

# What transformers calls this way of attention in a model's settings.
PACKED = "osler_packed"
# A row is filled up to a multiple of a 64th of itself, of 8 at least: kernels are made for a shape once, and
# rows of nearly the same length share them.
_FINENESS, _LEAST = 64, 8


@dataclass(frozen=True)
class Run:
    """Texts of one length that follow each other.

    Attributes:
        start: place of the first token.
        n_texts: number of texts.
        length: tokens of each.
    """

    start: int
    n_texts: int
    length: int


@dataclass(frozen=True)
class Packed:
    """Texts in one row.

    Attributes:
        tokens: int64 [n_tokens] ids; what fills the row up stands at its end.
        positions: int64 [n_tokens] place of each token in its text, from 0.
        starts: int64 [n_texts] place of each text's first token.
        lengths: int64 [n_texts] tokens of each text, special ones included.
        text_starts: int64 [n_texts] place of the first token that is neither special nor instruction.
        text_lengths: int64 [n_texts] number of such tokens; of a text without any, all its tokens count.
        runs: the row, filling included, as runs of texts of one length.
    """

    tokens: np.ndarray
    positions: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    text_starts: np.ndarray
    text_lengths: np.ndarray
    runs: tuple[Run, ...]


def pack(
    ids: Sequence[Sequence[int]],
    *,
    prefix: Sequence[int],
    suffix: Sequence[int],
    pad_id: int,
    lead: int = 0,
) -> Packed:
    """Put texts into one row, in their order.

    Args:
        ids: token ids of each text, instruction included, special tokens not; at least one text.
        prefix, suffix: special tokens before and after each text.
        pad_id: what the row is filled up with.
        lead: number of leading ids of each text that are the instruction.

    Examples:
        >>> packed = pack([[5, 6], [7, 8], [9]], prefix=[1], suffix=[2], pad_id=0)
        >>> packed.tokens.tolist()
        [1, 5, 6, 2, 1, 7, 8, 2, 1, 9, 2, 0, 0, 0, 0, 0]
        >>> [(run.start, run.n_texts, run.length) for run in packed.runs]
        [(0, 2, 4), (8, 1, 3), (11, 1, 5)]
    """
    lengths = np.array([len(one) for one in ids], dtype=np.int64) + len(prefix) + len(suffix)
    n_tokens = int(lengths.sum())
    starts = np.cumsum(lengths) - lengths
    row = [token for one in ids for token in (*prefix, *one, *suffix)]
    filling = rounded(n_tokens) - n_tokens
    all_lengths = np.append(lengths, filling) if filling else lengths
    all_starts = np.cumsum(all_lengths) - all_lengths
    first = starts + len(prefix) + lead
    count = lengths - len(prefix) - lead - len(suffix)
    empty = count <= 0
    return Packed(
        tokens=np.array(row + [pad_id] * filling, dtype=np.int64),
        positions=np.arange(n_tokens + filling) - np.repeat(all_starts, all_lengths),
        starts=starts,
        lengths=lengths,
        text_starts=np.where(empty, starts, first),
        text_lengths=np.where(empty, lengths, count),
        runs=_runs(all_lengths),
    )


def rounded(n_tokens: int) -> int:
    """The length up to which a row of so many tokens is filled.

    Examples:
        >>> [rounded(n) for n in (1, 40, 4090, 4096, 4097)]
        [8, 40, 4096, 4096, 4224]
    """
    step = max(_LEAST, (1 << (n_tokens - 1).bit_length()) // _FINENESS)
    return -(-n_tokens // step) * step


def _runs(lengths: np.ndarray) -> tuple[Run, ...]:
    changes = np.flatnonzero(np.diff(lengths)) + 1
    edges = [0, *changes.tolist(), len(lengths)]
    runs, start = [], 0
    for first, end in pairwise(edges):
        length = int(lengths[first])
        runs.append(Run(start, end - first, length))
        start += length * (end - first)
    return tuple(runs)


def use_packing(model: Any) -> None:
    """Have a model of transformers attend within packed texts: its `forward` then needs `runs`, `looks_back`.

    Args:
        model: one of `osler.models.architectures`.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(PACKED, attend)
    model.set_attn_implementation(PACKED)


def attend(
    module: Any,
    query: Any,
    key: Any,
    value: Any,
    attention_mask: Any,
    *,
    runs: Sequence[Run],
    looks_back: bool,
    scaling: float | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Any, None]:
    """Attention of packed texts, as transformers calls it.

    Args:
        module, attention_mask: not used; without a mask each text sees itself alone.
        query: float [1, heads, n_tokens, width].
        key, value: float [1, heads of keys, n_tokens, width]; several heads may share one of keys.
        runs: the texts.
        looks_back: whether a token sees only those before it and itself.
        scaling: factor of the products; None: one over the root of the width.
        sliding_window: a token sees those less than so far from it; None: all.

    Returns:
        float [1, n_tokens, heads, width], and no weights.
    """
    import torch

    made = torch.empty_like(query.transpose(1, 2), memory_format=torch.contiguous_format)
    shared = query.shape[1] != key.shape[1]
    for run in runs:
        part = slice(run.start, run.start + run.n_texts * run.length)
        parts = (
            one[0, :, part].unflatten(1, (run.n_texts, run.length)).transpose(0, 1)
            for one in (query, key, value)
        )
        near = (
            None
            if sliding_window is None
            else _near(run.length, sliding_window, query.device, looks_back=looks_back)
        )
        found = torch.nn.functional.scaled_dot_product_attention(
            *parts,
            attn_mask=near,
            is_causal=looks_back and near is None,
            scale=scaling,
            enable_gqa=shared,
        )
        made[0, part].view(run.n_texts, run.length, *made.shape[2:]).copy_(found.transpose(1, 2))
    return made, None


def _near(length: int, window: int | None, device: Any, *, looks_back: bool) -> Any:
    """bool [length, length] whom a token sees; None where the window reaches over the whole text."""
    import torch

    if window is None or length <= window:
        return None
    place = torch.arange(length, device=device)
    apart = place[:, None] - place[None, :]
    near = apart.abs() < window
    return near & (apart >= 0) if looks_back else near
