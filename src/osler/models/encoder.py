"""Encoders: token ids in, vectors out.

Each batch is computed by one thread and several batches at a time: no thread waits for another, which on a
busy machine is several times as fast, and the bytes of a batch do not depend on the number of cores.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.models.adapter import adapter_hash
from osler.models.batching import key_of_ids, plan_batches
from osler.models.loading import choose_dtype, load_heads, load_model, weights_hash
from osler.models.pooling import model_inputs, pad_batch, pool
from osler.models.recipes import Recipe, recipe
from osler.models.tokenizer import Tokenizer, load_tokenizer

# Raise it when a change here alters vectors: it is part of every cache key.
CODE_VERSION = 1


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder.

    Attributes:
        facts: its recipe.
        tokenizer: its tokenizer.
        weights_sha256: SHA-256 of its weights.
        dtype: number format of the weights: `float32`, `bfloat16`, `nf4` or `int8`.
        threads: number of batches computed at a time.

    Examples:
        >>> encoder = load_encoder("minilm", dtype="float32")
        >>> encoder.encode_ids(encoder.tokenizer.encode(["Sodium: 140"])).shape
        (1, 384)
    """

    facts: Recipe
    tokenizer: Tokenizer
    weights_sha256: str
    dtype: str
    threads: int
    _model: Any
    _heads: tuple[Any, ...] = ()

    def encode_ids(self, ids: Sequence[Sequence[int]], *, lead: int = 0) -> np.ndarray:
        """Vectors of texts given as token ids without special tokens.

        Args:
            ids: any number of texts, each at most `tokenizer.room` tokens.
            lead: number of leading tokens of each that are the instruction (pooling `text` leaves them out).

        Returns:
            float32 [n_texts, dimension], in the order given; length 1 each where the recipe normalises.

        Raises:
            InputError: a text is longer than the context; nothing is ever cut here.
        """
        special = self.tokenizer.context - self.tokenizer.room
        lengths = [len(one) + special for one in ids]
        vectors = np.empty((len(ids), self.facts.dimension), dtype=np.float32)
        batches = plan_batches(lengths, [key_of_ids(one) for one in ids])
        made = self.encode_batches(([ids[i] for i in batch] for batch in batches), lead=lead)
        for batch, part in zip(batches, made, strict=True):
            vectors[batch] = part
        return vectors

    def encode_batches(
        self, batches: Iterable[Sequence[Sequence[int]]], *, lead: int = 0
    ) -> Iterator[np.ndarray]:
        """Vectors of batches exactly as given and in their order, `threads` of them at a time."""
        encode = partial(self.encode_batch, lead=lead) if lead else self.encode_batch
        with _one_thread_each(), ThreadPoolExecutor(self.threads, initializer=_use_one_thread) as pool:
            waiting: list[Future[np.ndarray]] = []
            try:
                for batch in batches:
                    waiting.append(pool.submit(encode, batch))
                    if len(waiting) > self.threads:
                        yield waiting.pop(0).result()
                for future in waiting:
                    yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def encode_batch(self, ids: Sequence[Sequence[int]], *, lead: int = 0) -> np.ndarray:
        """Vectors of one batch exactly as given: the same batch gives the same bytes on the same machine."""
        import torch

        longest = self.tokenizer.context - self.tokenizer.room + max(len(one) for one in ids)
        if longest > self.tokenizer.context:
            raise InputError(
                f"a text of {longest} tokens is longer than the context of {self.tokenizer.context}",
                count=sum(len(one) > self.tokenizer.room for one in ids),
            )
        batch = pad_batch(
            ids,
            prefix=self.tokenizer.prefix,
            suffix=self.tokenizer.suffix,
            pad_id=self.tokenizer.pad_id,
            side=self.facts.padding_side,
            lead=lead,
        )
        # The number of threads would decide how sums are divided, and so the last bits.
        with _one_thread_each(), torch.inference_mode():
            hidden = self._model(**model_inputs(batch, self.facts)).last_hidden_state
            pooled = pool(hidden.float(), batch, self.facts.pooling)
            for head in self._heads:
                pooled = head(pooled)
            pooled = pooled[:, : self.facts.dimension]
            if self.facts.normalise:
                pooled = torch.nn.functional.normalize(pooled, dim=1)
        vectors: np.ndarray = pooled.numpy()
        return vectors

    def describe(self) -> dict[str, Any]:
        """What made the vectors, as JSON-ready values."""
        return {
            **self.facts.facts(),
            "weights_sha256": self.weights_sha256,
            "adapters_sha256": [adapter_hash(path) for path in self.facts.adapter_paths()],
            "tokenizer_sha256": self.tokenizer.hash,
            "dtype": self.dtype,
            "threads_per_batch": 1,
            "code_version": CODE_VERSION,
        }


def _use_one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """One thread per operation of torch; what the caller had set comes back."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=2)
def load_encoder(name: str, *, dtype: str = "auto", threads: int | None = None) -> Encoder:
    """Load an encoder from its package or folder; the last two stay loaded.

    Args:
        name: a name as for `osler.models.recipes.recipe`.
        dtype: `auto`, `float32`, `bfloat16`, `nf4` or `int8`.
        threads: batches computed at a time; None: one per core. It does not change the vectors.

    Raises:
        InputError: there is no such encoder, its weights are not the tested ones, or they are broken.
    """
    facts = recipe(name)
    digest = weights_hash(facts)
    chosen = choose_dtype(dtype, facts)
    heads = load_heads(facts)
    model = load_model(facts, dtype=chosen)
    return Encoder(
        facts=facts,
        tokenizer=load_tokenizer(name),
        weights_sha256=digest,
        dtype=chosen,
        threads=threads or len(os.sched_getaffinity(0)),
        _model=model,
        _heads=tuple(heads),
    )
