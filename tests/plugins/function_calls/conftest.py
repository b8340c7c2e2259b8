"""A checker of BFCL's form in a package of its name, and a server that answers chats as it is told."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

CHECKER = """
from bfcl_eval.constants.model_config import MODEL_CONFIG_MAPPING


def ast_checker(functions, calls, truth, language, category, model):
    assert MODEL_CONFIG_MAPPING[model].underscore_to_dot is False
    wanted = [{name: {key: values[0] for key, values in each[name].items()} for name in each} for each in truth]
    if len(calls) != len(wanted):
        return {"valid": False, "error_type": "count"}
    calls[0].keys()
    return {"valid": calls == wanted, "error_type": "value"}
"""


def forget_bfcl() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "bfcl_eval"]:
        del sys.modules[name]


@pytest.fixture
def bfcl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package `bfcl_eval` whose checker wants calls to be equal, and whose table of models cannot be imported."""
    files = {
        "__init__.py": "",
        "constants/__init__.py": "",
        "constants/enums.py": "from enum import Enum\nLanguage = Enum('Language', 'PYTHON JAVA')\n",
        "constants/model_config.py": "import a_vendors_client_that_nobody_has\n",
        "eval_checker/__init__.py": "",
        "eval_checker/ast_eval/__init__.py": "",
        "eval_checker/ast_eval/ast_checker.py": CHECKER,
    }
    for name, text in files.items():
        path = tmp_path / "bench" / "bfcl_eval" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    forget_bfcl()
    monkeypatch.syspath_prepend(str(tmp_path / "bench"))
    yield
    forget_bfcl()


Reply = Callable[[dict[str, Any]], tuple[int, dict[str, Any]]]


class ChatServer:
    """Serves /v1/chat/completions; a reply is a status and a body, made from what was asked."""

    def __init__(self, reply: Reply) -> None:
        self.asked: list[dict[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(reply, self.asked))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def chat_server() -> Iterator[Callable[[Reply], ChatServer]]:
    """Starts servers, which end with the test."""
    servers: list[ChatServer] = []

    def started(reply: Reply) -> ChatServer:
        servers.append(ChatServer(reply))
        return servers[-1]

    yield started
    for server in servers:
        server.close()


def _handler(reply: Reply, asked: list[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(body)
            status, said = reply(body) if self.path == "/v1/chat/completions" else (404, {})
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            """Keep quiet."""

    return Handler
