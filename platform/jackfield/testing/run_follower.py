"""A client that follows one run through whatever happens to the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

import httpx
import msgspec

from jackfield.events import RunEvent, TextDelta

AGAIN_AFTER = 0.1
"""Seconds between a connection that broke and the next."""

SILENCE = 15.0
"""Seconds without as much as a comment after which a connection counts as broken."""


class RunFollower:
    """Reads a run's events as a browser's EventSource does: it connects anew with the number of the last one."""

    def __init__(self, address: str, run_id: str, *, secret: str) -> None:
        """`address` is a server's; another may be set while it is followed, and counts from the next connection on."""
        self.address = address
        self.run_id = run_id
        self.events: list[RunEvent] = []
        self.connections = 0
        self._headers = {"authorization": f"Bearer {secret}"}
        self._decode = msgspec.json.Decoder(RunEvent).decode

    @property
    def text(self) -> str:
        """What was written so far."""
        return "".join(event.body.text for event in self.events if isinstance(event.body, TextDelta))

    @property
    def ended(self) -> bool:
        """Whether the last event was seen."""
        return bool(self.events) and self.events[-1].final

    @property
    def breaks(self) -> int:
        """How many connections broke on which it followed."""
        return max(0, self.connections - 1)

    async def follow(self) -> None:
        """Come back once the run has ended; raises AssertionError for an answer that no client could go on from."""
        async with httpx.AsyncClient(headers=self._headers, timeout=SILENCE) as client:
            while not self.ended:
                with suppress(httpx.TransportError):
                    await self._read_on(client)
                if not self.ended:
                    await asyncio.sleep(AGAIN_AFTER)

    async def _read_on(self, client: httpx.AsyncClient) -> None:
        headers = {"last-event-id": str(self.events[-1].number)} if self.events else {}
        url = f"{self.address}/api/runs/{self.run_id}/events"
        async with client.stream("GET", url, headers=headers) as response:
            if response.status_code == 503:
                return
            assert response.status_code == 200, (response.status_code, await response.aread())
            self.connections += 1
            async with aclosing(_frames(response)) as frames:
                async for frame in frames:
                    if b"event: error" in frame:
                        return
                    self._take(frame)

    def _take(self, frame: list[bytes]) -> None:
        fields = dict(line.split(b": ", 1) for line in frame if not line.startswith(b":"))
        if not fields:
            return
        event = self._decode(fields[b"data"])
        assert int(fields[b"id"]) == event.number
        self.events.append(event)


async def _frames(response: httpx.Response) -> AsyncGenerator[list[bytes]]:
    """The lines of each frame that came whole; a text's own line separators, such as U+2028, end none."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n\n")
        for frame in whole:
            yield frame.split(b"\n")
