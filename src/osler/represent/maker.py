"""Windows in, vectors of texts out: each distinct window once, in batches of the plan, or from the cache."""

from collections.abc import Callable

import numpy as np

from osler.base.errors import InputError
from osler.models.batching import key_of_ids, plan_batches
from osler.represent.cache import VectorCache
from osler.represent.engine import BatchEncoder
from osler.represent.instruction import Instruction
from osler.represent.windows import Windows, weighted_mean

# Share of a window that an instruction may take.
_INSTRUCTION_SHARE = 0.75


class VectorMaker:
    """Turns texts into vectors with one encoder, one instruction and one cache.

    Args:
        encoder: what computes vectors.
        chosen: the instruction; its tokens come off the room of each window.
        cache: vectors computed before.
        budget: tokens of a batch; None: what suits the encoder.

    Attributes:
        room: tokens of text that a window has room for.
        step: called with the number of tokens whose vectors were just found or made.

    Raises:
        InputError: the instruction leaves too little room for text.
    """

    def __init__(
        self, encoder: BatchEncoder, chosen: Instruction, cache: VectorCache, *, budget: int | None = None
    ) -> None:
        self.encoder = encoder
        self.budget = budget or encoder.budget
        self.cache = cache
        template = encoder.facts.prompt or "{instruction}{text}"
        prompt = template.format(instruction=chosen.text, text="") if chosen.text else ""
        [self.prefix] = encoder.tokenizer.encode([prompt])
        self.room = encoder.tokenizer.room - len(self.prefix)
        if len(self.prefix) > _INSTRUCTION_SHARE * encoder.tokenizer.room:
            raise InputError(
                f"the instruction takes {len(self.prefix):,} of a window's {encoder.tokenizer.room:,} tokens",
                remedy="write a shorter instruction",
            )
        self.step: Callable[[int], None] = lambda done: None

    def vectors(self, windows: Windows) -> np.ndarray:
        """float32 [n_texts, dimension]."""
        ids = [[*self.prefix, *one] for one in windows.ids]
        # Where the instruction ends makes a difference to encoders that leave it out of the mean.
        mark = [len(self.prefix)] if self.prefix and self.encoder.facts.pooling == "text" else []
        keys = [key_of_ids([*mark, *one]) for one in ids]
        place: dict[bytes, int] = {}
        distinct = []
        for i, key in enumerate(keys):
            if key not in place:
                place[key] = len(place)
                distinct.append(i)
        return weighted_mean(
            self._distinct([ids[i] for i in distinct], [keys[i] for i in distinct])[[place[k] for k in keys]],
            windows.owner,
            np.array([len(one) for one in windows.ids]),
            windows.n_texts,
            normalise=self.encoder.facts.normalise,
        )

    def _distinct(self, ids: list[list[int]], keys: list[bytes]) -> np.ndarray:
        special = self.encoder.tokenizer.context - self.encoder.tokenizer.room
        vectors = np.empty((len(ids), self.encoder.facts.dimension), dtype=np.float32)
        todo: list[tuple[np.ndarray, str]] = []
        for batch in plan_batches([len(one) + special for one in ids], keys, budget=self.budget):
            key = self.cache.key([keys[i] for i in batch])
            known = self.cache.get(key, (len(batch), vectors.shape[1]))
            if known is None:
                todo.append((batch, key))
            else:
                vectors[batch] = known
                self.step(sum(len(ids[i]) for i in batch))
        batches = ([ids[i] for i in batch] for batch, _ in todo)
        made = self.encoder.encode_batches(batches, lead=len(self.prefix))
        for (batch, key), new in zip(todo, made, strict=True):
            broken = int((~np.isfinite(new)).any(axis=1).sum())
            if broken:
                raise InputError(
                    f"encoder '{self.encoder.facts.name}' gives vectors that are no numbers",
                    count=broken,
                    remedy="use --dtype float32, or other weights",
                )
            self.cache.put(key, new)
            vectors[batch] = new
            self.step(sum(len(ids[i]) for i in batch))
        return vectors
