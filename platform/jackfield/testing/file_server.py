"""Files over HTTP on loopback, with the faults that real servers and networks have."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import msgspec

_RANGE = re.compile(r"bytes=(\d+)-")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        """The part that was asked for, None for the whole."""
        return self.headers.get("range")


class Pause:
    """A place in a body where the server stops sending until it is let on."""

    def __init__(self, after: int) -> None:
        self.after = after
        self.reached = threading.Event()
        self.let_on = threading.Event()


class ServedFile(msgspec.Struct, kw_only=True):
    """What is at a path, and how the server misbehaves about it.

    `cuts` and `statuses` are used up, one a request: bytes of body after which the connection is cut, and answers
    given instead of the file. `length` is what is claimed to be the file's; 0 claims none and closes at the end.
    """

    content: bytes = b""
    etag: str | None = None
    modified: str | None = None
    ranges: bool = True
    content_type: str = "application/octet-stream"
    length: int | None = None
    cuts: list[int] = []
    statuses: list[int] = []
    pause: Pause | None = None
    token: str | None = None
    redirect: str | None = None
    headers: dict[str, str] = {}

    @classmethod
    def of(cls, content: bytes) -> ServedFile:
        """A file that is served as it should be."""
        return cls(content=content, etag=f'"{hashlib.sha256(content).hexdigest()}"')


class FileServer:
    """Serves `files` by their paths while entered, and remembers in `asked` what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, ServedFile] = {}
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """The server's address, without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def ranges(self) -> list[str | None]:
        """The parts that were asked for, in order; None is a whole file."""
        return [asked.range for asked in self.asked if asked.method == "GET"]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self.files.values():
            if file.pause:
                file.pause.let_on.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def file_at(self, path: str) -> ServedFile | None:
        """What to answer a path with; made anew by servers that do more than serve files."""
        return self.files.get(path)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(_Answer):
            asked = server.asked
            file_at = staticmethod(server.file_at)

        return Handler


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[Asked]
    file_at: Callable[[str], ServedFile | None]

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
        """Keep quiet."""

    def _answer(self, *, body: bool) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urlsplit(self.path).path
        self.asked.append(Asked(method=self.command, path=path, headers=headers))
        file = self.file_at(path)
        refused = _refusal(file, headers)
        if file is None or refused:
            self._head(file or ServedFile(), refused or HTTPStatus.NOT_FOUND, {"Content-Length": "0"})
        elif file.redirect:
            self._head(file, HTTPStatus.FOUND, {"Location": file.redirect, "Content-Length": "0"})
        else:
            self._send(file, headers, body=body)

    def _send(self, file: ServedFile, headers: dict[str, str], *, body: bool) -> None:
        start = _start(file, headers)
        whole = len(file.content) if file.length is None else file.length
        if start and start >= whole:
            self._head(
                file,
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                {"Content-Range": f"bytes */{whole}", "Content-Length": "0"},
            )
            return
        described = {"Content-Type": file.content_type}
        if whole:
            described["Content-Length"] = str(whole - start)
        if start:
            described["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
        self._head(file, HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK, described)
        if body:
            self._write(file, file.content[start:])
        if whole != len(file.content):  # there is nothing more to send, whatever was claimed
            self.close_connection = True

    def _write(self, file: ServedFile, content: bytes) -> None:
        if file.cuts:
            self.wfile.write(content[: file.cuts.pop(0)])
            self.close_connection = True
            return
        pause, file.pause = file.pause, None
        if pause:
            self.wfile.write(content[: pause.after])
            self.wfile.flush()
            content = content[pause.after :]
            pause.reached.set()
            pause.let_on.wait(timeout=60)
        try:
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _head(self, file: ServedFile, status: int, described: dict[str, str]) -> None:
        self.send_response(status)
        named = {"ETag": file.etag, "Last-Modified": file.modified, **described, **file.headers}
        for name, value in named.items():
            if value is not None:
                self.send_header(name, value)
        if "Content-Length" not in described:
            self.send_header("Connection", "close")
        self.end_headers()


def _refusal(file: ServedFile | None, headers: dict[str, str]) -> int | None:
    if file is None:
        return None
    if file.statuses:
        return file.statuses.pop(0)
    if file.token and headers.get("authorization") != f"Bearer {file.token}":
        return HTTPStatus.UNAUTHORIZED
    return None


def _start(file: ServedFile, headers: dict[str, str]) -> int:
    """Where the answer begins: a range is heeded only of the version that `If-Range` names."""
    wanted = _RANGE.fullmatch(headers.get("range", ""))
    condition = headers.get("if-range")
    if not wanted or not file.ranges or (condition and condition not in (file.etag, file.modified)):
        return 0
    return int(wanted[1])
