"""uvicorn on a socket of ours: quiet, stopped from outside, and ending open streams when it stops."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar

from jackfield_web.answers.open_streams import OpenStreams
from jackfield_web.observed_requests import observed

STREAM_GRACE = 3.0
"""Seconds that streams may go on after the server was told to stop."""

LAST_GRACE = 3
"""Seconds more until whatever is still open is cut off, such as a client that reads nothing."""


IDLE_SECONDS = 75
"""How long an idle connection stays open; shorter than a client's own limit, and its next request may be lost."""


class StoppableServer(uvicorn.Server):
    """Serves an app until `stop` is called. Signals are its owner's affair."""

    def __init__(
        self, app: Litestar, open_streams: OpenStreams, *, on_ready: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                observed(app),
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=round(STREAM_GRACE) + LAST_GRACE,
            )
        )
        self._open_streams = open_streams
        self._on_ready = on_ready

    def stop(self) -> None:
        """Take no more requests and let open ones end; a second call cuts them off."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept, and say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, and end what is open."""
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        ending = asyncio.create_task(self._open_streams.end(grace=STREAM_GRACE))
        try:
            await super().shutdown(sockets)
        finally:
            ending.cancel()
            await asyncio.wait([ending])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield
