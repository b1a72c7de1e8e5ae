"""Asking a language model behind an OpenAI-compatible chat server."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osler.models.servers.address import parse_address
from osler.models.servers.connection import Connection, PassingError

if TYPE_CHECKING:
    import httpx2

CALL = "chat/completions"
_MOST_TOKENS = 400


@dataclass
class Chat(Connection):
    """A connection to a chat model; `open_chat` makes one."""

    def ask(self, system: str, user: str) -> str:
        """What the model answers, at temperature 0.

        Args:
            system: what is asked of it.
            user: what it is asked about.

        Raises:
            InputError: as `Connection.post`.
        """
        body = {
            "model": self.address.model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}],
            "temperature": 0,
            "max_tokens": _MOST_TOKENS,
        }
        return self.post(body, _answer)


def open_chat(name: str) -> Chat:
    """A chat model by its address, `http://HOST:PORT/v1#MODEL`.

    Raises:
        InputError: as `osler.models.servers.address.parse_address`.
    """
    return Chat(parse_address(name, call=CALL, where=name))


def _answer(response: "httpx2.Response") -> str:
    try:
        answer: Any = response.json()
        text = answer["choices"][0]["message"]["content"]
    except (ValueError, KeyError, TypeError, IndexError):
        raise PassingError("an answer that holds no message") from None
    if not isinstance(text, str):
        raise PassingError("an answer that holds no text")
    return text
