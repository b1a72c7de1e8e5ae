"""Which server and model a person means, and whether records may go there."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from osler.base.errors import InputError

KEY_VARIABLE = "OSLER_SERVER_KEY"
ALLOWED_VARIABLE = "OSLER_ALLOW_SERVERS"
_LOOPBACK_NAMES = ("localhost", "ip6-localhost")
_FORM = "http://HOST:PORT/v1[?context=TOKENS&dimension=N&...]#MODEL"


@dataclass(frozen=True)
class Address:
    """An embeddings server and a model on it.

    Attributes:
        url: where the model is asked (`http://127.0.0.1:8000/v1/embeddings`), without user and key.
        host: its name or address.
        model: the name of the model there.
        context: most tokens of one text that the model reads.
        characters: characters that are counted as one token, so that no text is longer than the context: the
            server's tokenizer is not at hand. Lists of numbers have about 2 to a token, prose 4.
        dimension: length of a vector; None: what the server gives first.
        concurrency: requests at a time.
        timeout: seconds that an answer may take.
        instructions: whether the model was trained to follow an instruction.
    """

    url: str
    host: str
    model: str
    context: int = 512
    characters: float = 2.0
    dimension: int | None = None
    concurrency: int = 8
    timeout: float = 120.0
    instructions: bool = False


_NUMBERS: Mapping[str, type[int] | type[float]] = {
    "context": int,
    "characters": float,
    "dimension": int,
    "concurrency": int,
    "timeout": float,
}


def is_server(name: str) -> bool:
    """Whether the name of an encoder is the address of a server.

    Examples:
        >>> is_server("http://127.0.0.1:8000/v1#bge-m3"), is_server("minilm")
        (True, False)
    """
    return name.lower().startswith(("http://", "https://"))


def parse_address(name: str, *, call: str = "embeddings", where: str = "encoder") -> Address:
    """Read an address, and refuse one to which records may not go.

    Records leave this machine only for a host that the person has named in OSLER_ALLOW_SERVERS (names
    separated by commas); loopback addresses need no permission.

    Args:
        name: `http://HOST:PORT/v1?context=512#MODEL`; what may stand after ? are the attributes of
            `Address`, `instructions=yes` among them.
        call: what the server is asked for: `embeddings` or `chat/completions`.
        where: what to call the place of the address in an error.

    Raises:
        InputError: not such an address, a key in it, or a host that was not allowed by name.

    Examples:
        >>> address = parse_address("http://127.0.0.1:8000/v1?context=8192#bge-m3")
        >>> address.url, address.model, address.context
        ('http://127.0.0.1:8000/v1/embeddings', 'bge-m3', 8192)
    """
    try:
        parts = urlsplit(name)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError("not the address of a server", where=where, allowed=[_FORM]) from error
    if parts.username or parts.password:
        raise InputError(
            "an address may not hold a user or a key: it is stored with the vectors",
            where=where,
            remedy=f"put the key into the environment: {KEY_VARIABLE}",
        )
    if not host or not parts.fragment:
        raise InputError(
            "the address of a server names its host and the model",
            where=_shown(parts.scheme, host, port),
            allowed=[_FORM],
            remedy="write the name of the model after #",
        )
    _require_allowed(host, where=where)
    base = f"{_shown(parts.scheme, host, port)}{parts.path.rstrip('/')}"
    url = base if base.endswith(f"/{call}") else f"{base}/{call}"
    settings = _settings(dict(parse_qsl(parts.query, keep_blank_values=True)), where=base)
    return Address(url=url, host=host, model=parts.fragment, **settings)


def _settings(given: dict[str, str], *, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, text in given.items():
        if key == "instructions" and text in ("yes", "no"):
            found[key] = text == "yes"
            continue
        try:
            value = _NUMBERS[key](text)
        except (KeyError, ValueError) as error:
            raise InputError(
                f"'{key}={text}' is not understood",
                where=where,
                allowed=[*(f"{name}=NUMBER" for name in _NUMBERS), "instructions=yes|no"],
            ) from error
        if not value > 0:
            raise InputError(f"'{key}' must be above 0", where=where)
        found[key] = value
    return found


def _shown(scheme: str, host: str | None, port: int | None) -> str:
    name = f"[{host}]" if host and ":" in host else host or ""
    return f"{scheme}://{name}{f':{port}' if port else ''}"


def _require_allowed(host: str, *, where: str) -> None:
    allowed = [one.strip().lower() for one in os.environ.get(ALLOWED_VARIABLE, "").split(",")]
    if _is_loopback(host) or host.lower() in allowed:
        return
    raise InputError(
        f"records would leave this machine for '{host}'",
        where=where,
        remedy=f"if they may, allow this host by name: {ALLOWED_VARIABLE}={host}",
    )


def _is_loopback(host: str) -> bool:
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
