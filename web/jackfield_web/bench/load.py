"""Load on an HTTP server: connections that ask the same over and over, and how long each answer took.

Written on asyncio's protocols, since a general client would cost more than what it measures.
"""

from __future__ import annotations

import asyncio
import time
from statistics import median
from typing import Any

import httptools
import msgspec

from jackfield.errors import Unavailable

PATIENCE = 30.0
"""Seconds that an answer may take."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request, whole and as it goes over the wire; `ends_with` is what a stream's last piece must hold."""

    port: int
    wire: bytes
    ends_with: bytes = b""


class LoadFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What a load came to: answers, seconds in all, and each answer's milliseconds at the median and beyond."""

    connections: int
    answers: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


def asked(port: int, path: str, body: dict[str, Any], *, key: str = "", ends_with: bytes = b"") -> Asked:
    """A POST of JSON."""
    content = msgspec.json.encode(body)
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
    authorization = f"authorization: Bearer {key}\r\n" if key else ""
    return Asked(
        port=port,
        wire=f"{head}{authorization}content-length: {len(content)}\r\n\r\n".encode() + content,
        ends_with=ends_with,
    )


async def load(asked: Asked, *, connections: int, seconds: float) -> LoadFigures:
    """Ask on so many connections at once for some seconds; raises Unavailable where an answer is none."""
    deadline = time.perf_counter() + seconds
    began = time.perf_counter()
    times = await asyncio.gather(*(_asking(asked, deadline) for _ in range(connections)))
    took = time.perf_counter() - began
    each = sorted(one for times_of_one in times for one in times_of_one)
    return LoadFigures(
        connections=connections,
        answers=len(each),
        seconds=took,
        p50=1000 * median(each),
        p99=1000 * each[min(len(each) - 1, round(0.99 * len(each)))],
    )


async def _asking(asked: Asked, deadline: float) -> list[float]:
    """How long each answer of one connection took, in seconds."""
    loop = asyncio.get_running_loop()
    transport, connection = await loop.create_connection(lambda: _Connection(asked), "127.0.0.1", asked.port)
    times: list[float] = []
    try:
        while time.perf_counter() < deadline:
            began = time.perf_counter()
            async with asyncio.timeout(PATIENCE):
                await connection.ask()
            times.append(time.perf_counter() - began)
    finally:
        transport.close()
    return times


class _Connection(asyncio.Protocol):
    """One connection that is asked again once its answer is whole."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._body = b""

    def ask(self) -> asyncio.Future[None]:
        """Done once the answer is whole."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._body = b""
        self._transport.write(self._asked.wire)
        return self._answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._failed("closed the connection")

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        # The parser keeps nothing between answers on one connection.
        self._parser = httptools.HttpResponseParser(self)
        if status != 200:
            self._failed(f"answered {status}: {self._body[:200]!r}")
        elif not self._body or self._asked.ends_with not in self._body[-400:]:
            self._failed(f"ended an answer early: {self._body[-80:]!r}")
        elif self._answered and not self._answered.done():
            self._answered.set_result(None)

    def _failed(self, what: str) -> None:
        if self._answered and not self._answered.done():
            self._answered.set_exception(Unavailable(f"The server on port {self._asked.port} {what}."))
