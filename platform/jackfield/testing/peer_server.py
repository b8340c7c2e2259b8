"""A small server that answers as a llama-server does, or as one that only has OpenAI's completions, or as neither."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

Kind = Literal["llama-server", "openai", "openai-with-ignore-eos", "rubbish", "breaks-off", "other-vocabulary", "full"]


class FakePeer:
    """Serves while entered, and remembers in `asked` each path with its body."""

    def __init__(self, kind: Kind) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(kind, self.asked))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was sent to a path."""
        return [body for asked, body in self.asked if asked == path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(kind: Kind, asked: list[tuple[str, dict[str, Any]]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._take("")

        def do_POST(self) -> None:
            self._take(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

        def _take(self, sent: str) -> None:
            body = json.loads(sent) if sent else {}
            asked.append((self.path, body))
            status, lines = _answered(kind, self.path, body)
            self.send_response(status)
            self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
            self.end_headers()
            for line in lines:
                self.wfile.write(line.encode())

    return Handler


def _answered(kind: Kind, path: str, body: dict[str, Any]) -> tuple[int, Iterator[str]]:
    match path:
        case "/tokenize" if not kind.startswith("openai"):
            shift = kind == "other-vocabulary"
            return 200, iter([json.dumps({"tokens": [byte + shift for byte in body["content"].encode()]})])
        case "/completion" if kind == "full":
            return 503, iter(['{"error": {"message": "no slot is free"}}'])
        case "/completion" if kind == "rubbish":
            return 200, iter(["data: <html>hello</html>\n\n"])
        case "/completion" if not kind.startswith("openai"):
            return 200, _completion(body, whole=kind != "breaks-off")
        case "/v1/models" if kind.startswith("openai"):
            return 200, iter(['{"data": [{"id": "theirs"}]}'])
        case "/v1/completions" if "ignore_eos" in body and kind == "openai":
            return 400, iter(['{"error": {"message": "ignore_eos is not known"}}'])
        case "/v1/completions" if kind.startswith("openai"):
            return 200, _text_completion(body)
    return 404, iter(["{}"])


def _completion(body: dict[str, Any], *, whole: bool) -> Iterator[str]:
    tokens = body["n_predict"] if whole else 1
    for place in range(tokens):
        yield _event({"content": "x", "tokens": [120], "stop": False, "tokens_predicted": place + 1})
    if whole:
        timings = {"cache_n": 3, "prompt_n": len(body["prompt"]) - 3}
        yield _event({"content": "", "tokens": [], "stop": True, "tokens_predicted": tokens, "timings": timings})


def _text_completion(body: dict[str, Any]) -> Iterator[str]:
    for _ in range(body["max_tokens"]):
        yield _event({"choices": [{"text": "x", "index": 0}], "usage": None})
    usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": body["max_tokens"]}
    yield _event({"choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _event(content: dict[str, Any]) -> str:
    return f"data: {json.dumps(content)}\n\n"
