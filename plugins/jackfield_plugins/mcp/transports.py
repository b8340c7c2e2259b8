"""How a server is reached: the SDK's transports, with what we want to know of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
import httpx2
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from jackfield_plugins.mcp.configuration import HttpServer, Server, StdioServer
from jackfield_plugins.mcp.instance import INSTANCE, INSTANCE_HEADER, STARTED_BY_US
from jackfield_plugins.mcp.stderr_log import StderrLog, logged_stderr

if TYPE_CHECKING:
    from mcp.client._transport import ReadStream, TransportStreams

LARGEST_EVENT = 64 << 20
"""Bytes of one message over HTTP; a longer one fails its call."""


class Trace:
    """What a transport noticed, for the sentence that says why a session ended."""

    def __init__(self, server: Server) -> None:
        self.stderr = StderrLog(server.name)
        self.refusal: int | None = None
        self.forgotten = False

    async def note_answer(self, response: httpx2.Response) -> None:
        """Keep the status of an HTTP answer that is an error, and whether it says that our session is not known."""
        self.refusal = response.status_code if response.status_code >= 400 else None
        self.forgotten |= response.status_code == 404 and "mcp-session-id" in response.request.headers


def transport_to(
    server: Server, trace: Trace, on_end: Callable[[], None]
) -> AbstractAsyncContextManager[TransportStreams]:
    """Messages to and from a server; `on_end` fires when no more can come."""
    if isinstance(server, StdioServer):
        return _stdio(server, trace, on_end)
    return _http(server, trace, on_end)


@asynccontextmanager
async def _stdio(server: StdioServer, trace: Trace, on_end: Callable[[], None]) -> AsyncIterator[TransportStreams]:
    if server.cwd is not None and not await anyio.Path(server.cwd).is_dir():
        raise NotADirectoryError(server.cwd)
    parameters = StdioServerParameters(
        command=server.command,
        args=list(server.args),
        env={**server.env, STARTED_BY_US: "1"},
        cwd=server.cwd,
        encoding_error_handler="replace",
    )
    async with logged_stderr(trace.stderr) as program_side, stdio_client(parameters, program_side) as (read, write):
        program_side.close()
        yield WatchedStream(read, on_end), write


@asynccontextmanager
async def _http(server: HttpServer, trace: Trace, on_end: Callable[[], None]) -> AsyncIterator[TransportStreams]:
    async with (
        httpx2.AsyncClient(
            headers={**server.headers, INSTANCE_HEADER.decode(): INSTANCE},
            timeout=httpx2.Timeout(server.timeout, read=None),  # whoever asks says how long an answer is waited for
            event_hooks={"response": [trace.note_answer]},
        ) as client,
        streamable_http_client(server.url, http_client=client, max_sse_event_size=LARGEST_EVENT) as (read, write),
    ):
        yield WatchedStream(read, on_end), write


class WatchedStream:
    """A stream of messages that tells when it ends."""

    def __init__(self, stream: ReadStream[Any], on_end: Callable[[], None]) -> None:
        self._stream = stream
        self._on_end = on_end

    @property
    def last_context(self) -> Any:
        """The context that the last message was sent in, where the stream keeps it."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> Any:
        """The next message."""
        try:
            return await self._stream.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            self._on_end()
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self._stream.__anext__()
        except (StopAsyncIteration, anyio.ClosedResourceError):
            self._on_end()
            raise

    async def aclose(self) -> None:
        """Take no more messages."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._stream.__aexit__(kind, error, trace)
