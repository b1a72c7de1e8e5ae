"""Asking a server for embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.base.errors import InputError
from osler.models.servers.connection import Connection, PassingError

if TYPE_CHECKING:
    import httpx2

_FULL = 0.98  # share of the context from which a text may have been cut


@dataclass
class Client(Connection):
    """A connection to an embeddings model."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts, in one request that is repeated while the fault may pass.

        Args:
            texts: at least one.

        Returns:
            float32 [n_texts, dimension], in the order given.

        Raises:
            InputError: as `Connection.post`; or the vectors are of another dimension, or a text may have
                been cut.
        """
        body = {"model": self.address.model, "input": list(texts), "encoding_format": "float"}
        vectors, n_tokens = self.post(body, lambda response: self._answer(response, len(texts)))
        self._require_whole(texts, n_tokens)
        return vectors

    def _require_whole(self, texts: Sequence[str], n_tokens: int | None) -> None:
        """Refuse to go on where a text may have been cut: some servers cut without a word.

        How long the longest text is in tokens is estimated from the tokens that the server counted in all.
        """
        longest, total = max(map(len, texts)), sum(map(len, texts))
        if n_tokens and longest * n_tokens >= _FULL * self.address.context * total:
            raise InputError(
                f"a text fills the context of {self.address.context:,} tokens: the server may have cut it",
                where=self.address.url,
                remedy=f"lower `characters`, now {self.address.characters:g}, or name the model's `context`",
            )

    def _answer(self, response: "httpx2.Response", n_texts: int) -> tuple[np.ndarray, int | None]:
        """The vectors, and how many tokens the server counted where it says."""
        try:
            answer: Any = response.json()
            rows = sorted(answer["data"], key=lambda row: row["index"])
            places = [row["index"] for row in rows]
            vectors = np.array([row["embedding"] for row in rows], dtype=np.float32)
        except (ValueError, KeyError, TypeError):
            raise PassingError("an answer that holds no embeddings") from None
        if places != list(range(n_texts)) or vectors.ndim != 2:
            raise PassingError(f"{len(places):,} embeddings for {n_texts:,} texts")
        if not np.isfinite(vectors).all():
            raise PassingError("embeddings that are no numbers")
        wanted = self.address.dimension
        if wanted is not None and vectors.shape[1] != wanted:
            raise InputError(
                f"the server's vectors have {vectors.shape[1]:,} numbers, {wanted:,} are expected",
                where=self.address.url,
                remedy="name the right model and `dimension`; vectors of two models do not mix",
            )
        counted = answer.get("usage") if isinstance(answer, dict) else None
        tokens = counted.get("prompt_tokens") if isinstance(counted, dict) else None
        return vectors, tokens if isinstance(tokens, int) and tokens > 0 else None
