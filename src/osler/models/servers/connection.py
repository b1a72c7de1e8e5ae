"""Asking a server: retries where waiting helps, a clear error where it does not."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from osler.base.errors import InputError
from osler.models.servers.address import KEY_VARIABLE, Address

if TYPE_CHECKING:
    import httpx2

TRIES = 6
_FIRST_WAIT = 0.5  # seconds; doubled from try to try
_LONGEST_WAIT = 60.0
_PASSING = (408, 409, 425, 429, 500, 502, 503, 504)
_REMEDIES = {
    401: f"put the key of the server into the environment: {KEY_VARIABLE}",
    403: f"put a key that may use this model into the environment: {KEY_VARIABLE}",
    404: "check the path (/v1) and the name of the model after #",
    400: "check the name of the model, and lower `context` or `characters` if texts are too long for it",
    413: "lower `context` or `characters`: texts are too long for the model",
    422: "check the name of the model, and lower `context` or `characters` if texts are too long for it",
}

T = TypeVar("T")


class PassingError(Exception):
    """What may be gone at the next try; `wait` is what the server asked for, in seconds."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.wait = wait


@dataclass
class Connection:
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

    def post(self, body: dict[str, Any], read: Callable[["httpx2.Response"], T]) -> T:
        """One request, repeated while the fault may pass.

        Args:
            body: what is sent, as JSON.
            read: makes the result of a good response; raises `PassingError` where another try may help.

        Raises:
            InputError: the server refuses, cannot be reached, or keeps failing.
        """
        for attempt in range(1, self.tries + 1):
            try:
                return read(self._once(body))
            except PassingError as passing:
                if attempt == self.tries:
                    raise InputError(
                        f"the server failed {self.tries} times, the last time: {passing.what}",
                        where=self.address.url,
                        remedy="see what the server says; the job goes on where it was when it is run again",
                    ) from None
                wait = passing.wait if passing.wait is not None else _FIRST_WAIT * 2 ** (attempt - 1)
                self.sleep(min(wait, _LONGEST_WAIT))
        raise AssertionError("every try returns or raises")

    def _once(self, body: dict[str, Any]) -> "httpx2.Response":
        import httpx2

        try:
            response = self._http.post(self.address.url, json=body)
        except httpx2.TimeoutException:
            raise PassingError(f"no answer within {self.address.timeout:g} s") from None
        except httpx2.HTTPError as error:
            raise PassingError(f"the connection failed ({type(error).__name__})") from None
        if response.status_code in _PASSING:
            raise PassingError(
                f"status {response.status_code}", _retry_after(response.headers.get("Retry-After"))
            )
        if response.status_code != 200:
            raise InputError(
                f"the server refused with status {response.status_code}",
                where=self.address.url,
                remedy=_REMEDIES.get(response.status_code, "see what the server says"),
            )
        return response


def _retry_after(header: str | None) -> float | None:
    """Seconds that a server asks to wait; a date there is not understood, and the usual wait is taken."""
    try:
        return max(float(header), 0.0) if header is not None else None
    except ValueError:
        return None
