"""Asking a server for embeddings: retries where waiting helps, a clear error where it does not."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.base.errors import InputError
from osler.models.servers.address import KEY_VARIABLE, Address

if TYPE_CHECKING:
    import httpx2

TRIES = 6
_FIRST_WAIT = 0.5  # seconds; doubled from try to try
_LONGEST_WAIT = 60.0
_FULL = 0.98  # share of the context from which a text may have been cut
_PASSING = (408, 409, 425, 429, 500, 502, 503, 504)
_REMEDIES = {
    401: f"put the key of the server into the environment: {KEY_VARIABLE}",
    403: f"put a key that may use this model into the environment: {KEY_VARIABLE}",
    404: "check the path (/v1) and the name of the model after #",
    400: "check the name of the model, and lower `context` or `characters` if texts are too long for it",
    413: "lower `context` or `characters`: texts are too long for the model",
    422: "check the name of the model, and lower `context` or `characters` if texts are too long for it",
}


class _PassingError(Exception):
    """What may be gone at the next try; `wait` is what the server asked for, in seconds."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.wait = wait


@dataclass
class Client:
    """A connection to one model of a server; several threads may use it.

    The environment's proxies and redirects are not followed: texts go to the named host and nowhere else. No
    message holds what the server said, because servers repeat the text that they were sent.

    Attributes:
        address: the server and the model.
        tries: how often a request is made before it is given up.
        sleep: waits between tries.
    """

    address: Address
    tries: int = TRIES
    sleep: Callable[[float], None] = time.sleep
    _http: "httpx2.Client" = field(init=False, repr=False)

    def __post_init__(self) -> None:
        import httpx2

        key = os.environ.get(KEY_VARIABLE)
        limits = httpx2.Limits(
            max_connections=self.address.concurrency, max_keepalive_connections=self.address.concurrency
        )
        self._http = httpx2.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx2.Timeout(self.address.timeout, connect=min(self.address.timeout, 10.0)),
            limits=limits,
            trust_env=False,
            follow_redirects=False,
        )

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Vectors of texts, in one request that is repeated while the fault may pass.

        Args:
            texts: at least one.

        Returns:
            float32 [n_texts, dimension], in the order given.

        Raises:
            InputError: the server refuses, cannot be reached, or keeps failing; or its answer does not fit.
        """
        for attempt in range(1, self.tries + 1):
            try:
                return self._once(texts)
            except _PassingError as passing:
                if attempt == self.tries:
                    raise InputError(
                        f"the server failed {self.tries} times, the last time: {passing.what}",
                        where=self.address.url,
                        remedy="see what the server says; the job goes on where it was when it is run again",
                    ) from None
                wait = passing.wait if passing.wait is not None else _FIRST_WAIT * 2 ** (attempt - 1)
                self.sleep(min(wait, _LONGEST_WAIT))
        raise AssertionError("every try returns or raises")

    def _once(self, texts: Sequence[str]) -> np.ndarray:
        import httpx2

        body = {"model": self.address.model, "input": list(texts), "encoding_format": "float"}
        try:
            response = self._http.post(self.address.url, json=body)
        except httpx2.TimeoutException:
            raise _PassingError(f"no answer within {self.address.timeout:g} s") from None
        except httpx2.HTTPError as error:
            raise _PassingError(f"the connection failed ({type(error).__name__})") from None
        if response.status_code in _PASSING:
            raise _PassingError(
                f"status {response.status_code}", _retry_after(response.headers.get("Retry-After"))
            )
        if response.status_code != 200:
            raise InputError(
                f"the server refused with status {response.status_code}",
                where=self.address.url,
                remedy=_REMEDIES.get(response.status_code, "see what the server says"),
            )
        vectors, n_tokens = self._answer(response, len(texts))
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
            raise _PassingError("an answer that holds no embeddings") from None
        if places != list(range(n_texts)) or vectors.ndim != 2:
            raise _PassingError(f"{len(places):,} embeddings for {n_texts:,} texts")
        if not np.isfinite(vectors).all():
            raise _PassingError("embeddings that are no numbers")
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


def _retry_after(header: str | None) -> float | None:
    """Seconds that a server asks to wait; a date there is not understood, and the usual wait is taken."""
    try:
        return max(float(header), 0.0) if header is not None else None
    except ValueError:
        return None
