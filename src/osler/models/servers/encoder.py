"""A model on a server, as an encoder: the same plan of batches, windows, cache and resume as a local one.

The server's tokenizer is not at hand, so a "token" is a character here: windows are cut at statements by
characters, and the ids of a text are its code points.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from osler.base.hashing import hash_json
from osler.models.batching import BUDGET
from osler.models.facts import Recipe
from osler.models.servers.address import Address, parse_address
from osler.models.servers.client import Client

SERVER = "server"  # in the place of an architecture
_PROBE = "Heart rate: 80 /min"


@dataclass(frozen=True)
class CharacterTokenizer:
    """Counts characters, with the interface of `osler.models.tokenizer.Tokenizer`.

    Attributes:
        name: name of the encoder.
        context: most characters of one window.

    Examples:
        >>> tokenizer = CharacterTokenizer("server", context=1024)
        >>> tokenizer.encode(["Na"]), tokenizer.count(["Na", ""]).tolist()
        ([[78, 97]], [2, 0])
    """

    name: str
    context: int
    hash: str = "characters"
    prefix: tuple[int, ...] = ()
    suffix: tuple[int, ...] = ()
    pad_id: int = 0
    splits_on_whitespace: bool = False

    @property
    def room(self) -> int:
        """Most characters of text in one window."""
        return self.context

    def count(self, texts: Sequence[str]) -> np.ndarray:
        """Number of characters of each text, int32 [n_texts]."""
        return np.array([len(text) for text in texts], dtype=np.int32)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Code points of each text."""
        return [list(map(ord, text)) for text in texts]


@dataclass(frozen=True)
class ServerEncoder:
    """A model on a server, with the interface of `osler.models.encoder.Encoder`.

    Attributes:
        facts: its recipe.
        tokenizer: counts characters.
        weights_sha256: hash of the model's name and dimension: the weights themselves are not to be seen.
        dtype: `server`.
        threads: requests at a time.
        budget: characters of a batch.
    """

    facts: Recipe
    tokenizer: CharacterTokenizer
    weights_sha256: str
    dtype: str
    threads: int
    budget: int
    _client: Client

    def encode_batches(
        self, batches: Iterable[Sequence[Sequence[int]]], *, lead: int = 0
    ) -> Iterator[np.ndarray]:
        """Vectors of batches as given and in their order, `threads` requests at a time.

        The server pools by itself: how many leading characters are the instruction says nothing to it.
        """
        with ThreadPoolExecutor(self.threads) as pool:
            waiting: list[Future[np.ndarray]] = []
            try:
                for batch in batches:
                    waiting.append(pool.submit(self.encode_batch, batch))
                    if len(waiting) > self.threads:
                        yield waiting.pop(0).result()
                for future in waiting:
                    yield future.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def encode_batch(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        """Vectors of one batch of texts given as code points: float32 [n_texts, dimension].

        Raises:
            InputError: as `Client.embed`.
        """
        # Servers refuse an empty text; a blank one is what comes nearest.
        return self._client.embed(["".join(map(chr, one)) or " " for one in ids])

    def describe(self) -> dict[str, Any]:
        """What made the vectors, as JSON-ready values."""
        return {
            **self.facts.facts(),
            "weights_sha256": self.weights_sha256,
            "tokenizer_sha256": self.tokenizer.hash,
            "dtype": self.dtype,
            "device": SERVER,
            "threads_per_batch": 1,
            "code_version": 1,
        }


@lru_cache(maxsize=2)
def load_server_encoder(name: str) -> ServerEncoder:
    """An encoder behind a server; asks it for one vector to learn the dimension.

    Args:
        name: the address, see `osler.models.servers.address.parse_address`.

    Raises:
        InputError: the address is not understood or not allowed, or the server does not answer.
    """
    address = parse_address(name)
    dimension = Client(address).embed([_PROBE]).shape[1]
    known = replace(address, dimension=dimension)
    facts = server_recipe(address, dimension=dimension)
    return ServerEncoder(
        facts=facts,
        tokenizer=CharacterTokenizer(facts.name, context=facts.context),
        weights_sha256=hash_json({"model": address.model, "dimension": dimension}),
        dtype=SERVER,
        threads=address.concurrency,
        budget=BUDGET,
        _client=Client(known),
    )


def server_recipe(address: Address, *, dimension: int) -> Recipe:
    """The facts that are known of a model on a server."""
    return Recipe(
        name=address.model,
        model_id=address.model,
        revision="as the server has it",
        architecture=SERVER,
        pooling=SERVER,
        normalise=False,
        padding_side="right",
        prompt=None,
        context=int(address.context * address.characters),
        dimension=dimension,
        licence="see the server's model",
        follows_instructions=address.instructions,
    )
