"""Encoders: token ids in, vectors out.

On processors each batch is computed by one thread and several batches at a time: no thread waits for another,
which on a busy machine is several times as fast, and the bytes of a batch do not depend on the number of
cores. On a graphics processor batches follow each other; the next is put together while one is computed.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np

from osler.base.errors import InputError
from osler.base.parallel import cores
from osler.models.adapter import adapter_hash
from osler.models.batching import BUDGET, key_of_ids, plan_batches
from osler.models.budget import find_budget
from osler.models.device import choose_device
from osler.models.loading import choose_dtype, load_heads, load_model, weights_hash
from osler.models.packing import pack, use_packing
from osler.models.pooling import model_inputs, pool
from osler.models.recipes import Recipe, recipe
from osler.models.room import Room
from osler.models.tokenizer import Tokenizer, load_tokenizer

# Raise it when a change here alters vectors: it is part of every cache key.
CODE_VERSION = 2
# Longest text that a budget is tried with on a graphics processor.
_TRIED = 2048


@dataclass(frozen=True)
class Encoder:
    """A loaded encoder.

    Attributes:
        facts: its recipe.
        tokenizer: its tokenizer.
        weights_sha256: SHA-256 of its weights.
        dtype: number format of the weights: `float32`, `bfloat16`, `nf4` or `int8`.
        threads: number of batches computed at a time.
        device: `cpu` or `cuda`.
        budget: tokens of a batch that suit the device.

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
    device: str
    budget: int
    _model: Any
    _heads: tuple[Any, ...]
    _room: Room

    def __post_init__(self) -> None:
        """Have the model take packed texts."""
        use_packing(self._model)

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
        batches = plan_batches(lengths, [key_of_ids(one) for one in ids], budget=self.budget)
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
        """Vectors of one batch exactly as given: the same batch gives the same bytes on the same machine.

        Where memory does not suffice the batch is halved, and so are those after it.

        Raises:
            InputError: a text is longer than the context, or does not fit the memory by itself.
        """
        longest = self.tokenizer.context - self.tokenizer.room + max(len(one) for one in ids)
        if longest > self.tokenizer.context:
            raise InputError(
                f"a text of {longest} tokens is longer than the context of {self.tokenizer.context}",
                count=sum(len(one) > self.tokenizer.room for one in ids),
            )
        return self._room.run(ids, partial(self._encode, lead=lead))

    def _encode(self, ids: Sequence[Sequence[int]], *, lead: int) -> np.ndarray:
        import torch

        packed = pack(
            ids,
            prefix=self.tokenizer.prefix,
            suffix=self.tokenizer.suffix,
            pad_id=self.tokenizer.pad_id,
            lead=lead,
        )
        # The number of threads would decide how sums are divided, and so the last bits.
        with _one_thread_each(), torch.inference_mode():
            inputs = model_inputs(packed, self.facts, self._model.config, device=self.device)
            hidden = self._model(**inputs).last_hidden_state[0]
            pooled = pool(hidden, packed, self.facts.pooling)
            for head in self._heads:
                pooled = head(pooled)
            pooled = pooled[:, : self.facts.dimension]
            if self.facts.normalise:
                pooled = torch.nn.functional.normalize(pooled, dim=1)
        vectors: np.ndarray = pooled.cpu().numpy()
        return vectors

    def describe(self) -> dict[str, Any]:
        """What made the vectors, as JSON-ready values."""
        return {
            **self.facts.facts(),
            "weights_sha256": self.weights_sha256,
            "adapters_sha256": [adapter_hash(path) for path in self.facts.adapter_paths()],
            "tokenizer_sha256": self.tokenizer.hash,
            "dtype": self.dtype,
            "device": self.device,
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
def load_encoder(
    name: str, *, dtype: str = "auto", threads: int | None = None, device: str = "auto"
) -> Encoder:
    """Load an encoder from its package or folder; the last two stay loaded.

    Args:
        name: a name as for `osler.models.recipes.recipe`.
        dtype: `auto`, `float32`, `bfloat16`, `nf4` or `int8`.
        threads: batches computed at a time; None: one per core, or two on a graphics processor. It does not
            change the vectors.
        device: `auto`, `cpu` or `cuda`.

    Raises:
        InputError: there is no such encoder or device, its weights are not the tested ones, or they are
            broken.
    """
    facts = recipe(name)
    digest = weights_hash(facts)
    place = choose_device(device)
    chosen = choose_dtype(dtype, facts, device=place)
    heads = load_heads(facts, device=place)
    model = load_model(facts, dtype=chosen, device=place)
    tokenizer = load_tokenizer(name)
    # Of two batches in flight on a graphics processor one is put together while the other is computed.
    at_a_time = threads or (cores() if place == "cpu" else 2)
    special = tokenizer.context - tokenizer.room
    made = Encoder(
        facts=facts,
        tokenizer=tokenizer,
        weights_sha256=digest,
        dtype=chosen,
        threads=at_a_time,
        device=place,
        budget=BUDGET,
        _model=model,
        _heads=tuple(heads),
        _room=Room(special=special),
    )
    if place == "cpu":
        return made
    found = find_budget(
        partial(made._encode, lead=0),
        length=min(facts.context, _TRIED),
        special=special,
        token=tokenizer.pad_id,
    )
    return replace(made, budget=found)
