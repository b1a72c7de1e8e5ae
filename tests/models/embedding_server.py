"""An OpenAI-compatible server for tests, of embeddings and chat.

`python embedding_server.py FAULT` prints its port.

Vectors are a function of the text alone. FAULT says what goes wrong with the first requests, or with all;
`honest` and `inventive` say how the chat model names the card of a phenotype.
"""

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIMENSION = 8
CONTEXT = 512


def vector(text: str) -> list[float]:
    """What the server makes of a text."""
    digest = hashlib.sha256(text.encode()).digest()
    return [byte / 256 for byte in digest[:DIMENSION]]


def honest(card: str) -> str:
    """A name that is on a card of phenotypes: the first finding, with its row."""
    label = card.split("[1] ")[-1].split(":")[0]
    return json.dumps({"name": f"{label} [1]", "sentence": f"Patients with {label} [1]."})


def inventive(card: str) -> str:
    """A name with a finding and a number that no card holds."""
    return json.dumps({"name": "Dragon fever [1]", "sentence": "Their mean is 98765 [1]."})


NAMERS = {"honest": honest, "inventive": inventive}


class Handler(BaseHTTPRequestHandler):
    """One request."""

    fault = "none"
    seen = 0
    lock = threading.Lock()
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with Handler.lock:
            Handler.seen += 1
            turn = Handler.seen
        # The first request is the one that asks for the dimension.
        name, _, often = self.fault.partition(":")
        faulty = name != "none" and 1 < turn <= 1 + int(often or 10**9)
        if faulty and self._fail(name):
            return
        if self.path == "/v1/chat/completions" and name in NAMERS:
            content = NAMERS[name](body["messages"][-1]["content"])
            self._send(200, json.dumps({"choices": [{"message": {"content": content}}]}).encode())
            return
        if self.path == "/v1/chat/completions" and name != "mute":
            words = " / ".join(message["content"] for message in body["messages"])
            content = {"choices": [{"message": {"role": "assistant", "content": words.upper()}}]}
            self._send(200, json.dumps(content).encode())
            return
        if self.path == "/v1/chat/completions":
            self._send(200, json.dumps({"choices": [{"message": {"content": None}}]}).encode())
            return
        if self.path != "/v1/embeddings":
            self._send(404, b"{}")
            return
        rows = [{"index": i, "embedding": vector(text)} for i, text in enumerate(body["input"])]
        if faulty and name == "short":
            rows = rows[:-1]
        if faulty and name == "nan":
            rows[0]["embedding"][0] = float("nan")
        if faulty and name == "dimension":
            rows = [{**row, "embedding": row["embedding"][:-1]} for row in rows]
        if name == "key" and self.headers.get("Authorization") != "Bearer k3y":
            self._send(401, json.dumps({"error": body["input"]}).encode())
            return
        tokens = sum(
            min(len(text), CONTEXT) if name == "cuts" else len(text) // 3 + 1 for text in body["input"]
        )
        answer = {"data": rows[::-1], "model": body["model"], "usage": {"prompt_tokens": tokens}}
        self._send(200, json.dumps(answer).encode())

    def _fail(self, name: str) -> bool:
        if name.isdigit():
            self._send(int(name), b'{"error": "secret text"}', {"Retry-After": "0.01"})
        elif name == "garbage":
            self._send(200, b"<html>secret text</html>")
        elif name == "hang":
            time.sleep(3)
        elif name == "close":
            self.send_response(200)
            self.send_header("Content-Length", "100000")
            self.end_headers()
            self.wfile.write(b'{"data": [')
            self.wfile.flush()
            self.connection.close()
            self.close_connection = True
        elif name == "elsewhere":
            self._send(307, b"", {"Location": "http://example.org/v1/embeddings"})
        else:
            return False
        return True

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Handler.fault = sys.argv[1] if len(sys.argv) > 1 else "none"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
