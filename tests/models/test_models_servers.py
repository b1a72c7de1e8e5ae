"""Encoders behind a server: a real server process, and whatever it may do wrong."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from embedding_server import DIMENSION, vector

from osler.base.errors import InputError
from osler.models.servers.address import is_server, parse_address
from osler.models.servers.chat import open_chat
from osler.models.servers.client import Client
from osler.models.servers.encoder import CharacterTokenizer, ServerEncoder, load_server_encoder

Start = Callable[..., str]


@pytest.fixture
def server(start_server: Callable[[str], str]) -> Iterator[Start]:
    """Starts a server with a fault and gives the name of the encoder behind it."""

    def start(fault: str = "none", query: str = "") -> str:
        return f"{start_server(fault)}/v1{query}#model"

    yield start
    load_server_encoder.cache_clear()


def encode(name: str, texts: list[str], *, each: int = 2) -> np.ndarray:
    """Vectors of texts in batches of some, with short waits between tries."""
    encoder = load_server_encoder(name)
    encoder._client.sleep = lambda seconds: None
    ids = encoder.tokenizer.encode(texts)
    return np.concatenate(list(encoder.encode_batches(ids[i : i + each] for i in range(0, len(ids), each))))


TEXTS = [f"Sodium (mmol/L): {n}" for n in range(7)]
EXPECTED = np.array([vector(text) for text in TEXTS], dtype=np.float32)


def test_vectors_come_in_the_order_of_the_texts(server: Start) -> None:
    assert np.array_equal(encode(server(), TEXTS), EXPECTED)


@pytest.mark.parametrize("fault", ["429:2", "500:3", "503:1", "garbage:2", "close:2", "short:1", "nan:1"])
def test_what_passes_is_tried_again_and_nothing_is_lost(server: Start, fault: str) -> None:
    assert np.array_equal(encode(server(fault), TEXTS), EXPECTED)


def test_a_server_that_hangs_is_asked_again(server: Start) -> None:
    assert np.array_equal(encode(server("hang:1", "?timeout=0.5"), TEXTS[:2]), EXPECTED[:2])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("429", "status 429"),
        ("500", "status 500"),
        ("garbage", "an answer that holds no embeddings"),
        ("close", "the connection failed"),
        ("short", "1 embeddings for 2 texts"),
        ("nan", "embeddings that are no numbers"),
    ],
)
def test_what_does_not_pass_is_given_up(server: Start, fault: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        encode(server(fault), TEXTS[:2])
    assert "the server failed 6 times" in str(caught.value)
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "says", "remedy"),
    [
        ("400", "refused with status 400", "lower `context`"),
        ("404", "refused with status 404", "the name of the model"),
        ("elsewhere", "refused with status 307", "see what the server says"),
        ("dimension", "have 7 numbers, 8 are expected", "name the right model"),
    ],
)
def test_what_waiting_does_not_mend_is_refused_at_once(
    server: Start, fault: str, says: str, remedy: str
) -> None:
    with pytest.raises(InputError) as caught:
        encode(server(fault), TEXTS[:2])
    assert says in str(caught.value)
    assert remedy in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_text_that_the_server_cut_is_noticed(server: Start) -> None:
    """Some servers cut what is too long without a word; the tokens that they count give it away."""
    with pytest.raises(InputError, match="the server may have cut it"):
        encode(server("cuts"), ["a" * 900])
    assert encode(server("none"), ["a" * 900]).shape == (1, DIMENSION)


def test_the_key_comes_from_the_environment(server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="OSLER_SERVER_KEY") as caught:
        encode(server("key"), TEXTS[:1])
    assert "Sodium" not in str(caught.value)
    monkeypatch.setenv("OSLER_SERVER_KEY", "k3y")
    name = server("key")
    assert np.array_equal(encode(name, TEXTS[:1]), EXPECTED[:1])
    assert "k3y" not in repr(load_server_encoder(name))


def test_nothing_leaves_the_machine_unless_a_host_is_allowed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSLER_ALLOW_SERVERS", raising=False)
    for name in ("http://gpu.hospital.org/v1#m", "http://10.0.0.1:8000/v1#m", "http://0.0.0.0/v1#m"):
        with pytest.raises(InputError, match="records would leave this machine"):
            parse_address(name)
    monkeypatch.setenv("OSLER_ALLOW_SERVERS", "gpu.hospital.org, other")
    assert parse_address("https://GPU.hospital.org/v1#m").host == "gpu.hospital.org"
    with pytest.raises(InputError, match="records would leave"):
        parse_address("http://evil-gpu.hospital.org/v1#m")
    for name in ("http://localhost:1/v1#m", "http://127.8.0.1/v1#m", "http://[::1]:80/v1#m"):
        assert parse_address(name).model == "m"


def test_proxies_of_the_environment_are_not_used(server: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert np.array_equal(encode(server(), TEXTS[:1]), EXPECTED[:1])


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("http://127.0.0.1:8000/v1", "names its host and the model"),
        ("http://me:key@127.0.0.1/v1#m", "may not hold a user or a key"),
        ("http://127.0.0.1/v1?context=0#m", "must be above 0"),
        ("http://127.0.0.1/v1?contxt=5#m", "'contxt=5' is not understood"),
        ("http://127.0.0.1:port/v1#m", "not the address of a server"),
    ],
)
def test_an_address_that_is_not_understood_is_refused(name: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_address(name)


def test_a_server_that_is_not_there_is_named() -> None:
    client = Client(parse_address("http://127.0.0.1:9/v1#m"), tries=2, sleep=lambda seconds: None)
    with pytest.raises(InputError, match="the server failed 2 times") as caught:
        client.embed(["a"])
    assert "127.0.0.1:9" in str(caught.value)


def test_waits_grow_and_follow_the_server(server: Start) -> None:
    waits: list[float] = []
    client = Client(parse_address(server("503:3")), sleep=waits.append)
    client.embed(["the first asks for the dimension"])
    client.embed(["a"])
    assert waits == [0.01, 0.01, 0.01]
    waits.clear()
    refused = Client(parse_address("http://127.0.0.1:9/v1#m"), sleep=waits.append)
    with pytest.raises(InputError):
        refused.embed(["a"])
    assert waits == [0.5, 1, 2, 4, 8]


def test_it_stands_in_for_a_local_encoder(server: Start) -> None:
    encoder = load_server_encoder(server("none", "?context=100&characters=3"))
    assert isinstance(encoder, ServerEncoder)
    assert (encoder.tokenizer.room, encoder.facts.dimension) == (300, DIMENSION)
    assert isinstance(encoder.tokenizer, CharacterTokenizer)
    assert {"architecture", "weights_sha256", "tokenizer_sha256", "dtype", "code_version"} <= set(
        encoder.describe()
    )
    assert (encoder.facts.name, is_server("http://127.0.0.1/v1#m")) == ("model", True)
    assert not is_server("minilm")


@pytest.mark.parametrize("fault", ["none", "429:2", "500:1", "garbage:1", "close:1"])
def test_a_chat_model_answers_and_what_passes_is_tried_again(server: Start, fault: str) -> None:
    chat = open_chat(server(fault))
    chat.sleep = lambda seconds: None
    # The server lets the first request through.
    assert [chat.ask("say", word) for word in ("a", "b")] == ["SAY / A", "SAY / B"]


def test_a_chat_model_that_says_nothing_is_an_error_without_the_text(server: Start) -> None:
    chat = open_chat(server("mute"))
    chat.sleep = lambda seconds: None
    with pytest.raises(InputError, match="holds no text") as error:
        chat.ask("say", "secret")
    assert "secret" not in str(error.value)
    with pytest.raises(InputError, match="records would leave this machine"):
        open_chat("http://gpu.example.org/v1#m")
