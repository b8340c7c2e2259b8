"""A submitted request as its owner sees it: deliveries to read, and a way to stop it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

from jackfield.decoding.request import LAST_DELIVERIES, Delivery

Notify = Callable[["SequenceHandle"], None]
Inject = Callable[["SequenceHandle", Sequence[int]], None]


class SequenceHandle:
    """Deliveries in order, for one reader on one event loop. Made by `DecodeLoop.submit`."""

    def __init__(self, cancel: Notify, inject: Inject, resume: Notify) -> None:
        self._cancel = cancel
        self._resume = resume
        self._inject = inject
        self._deliveries: asyncio.Queue[Delivery] = asyncio.Queue()
        self.event_loop = asyncio.get_running_loop()

    def cancel(self) -> None:
        """Ask for an end within one step; what is left of the deliveries ends with `Stopped`. Any thread may ask."""
        self._cancel(self)

    def inject(self, tokens: Sequence[int]) -> None:
        """Put tokens into the live sequence at its next safe point, where `Injected` is delivered. Any thread may ask.

        What was written stays evaluated, and a parked sequence goes on. A sequence that ends before its safe point
        ends without `Injected`. Raises ContextOverflow where there is no room for them.
        """
        self._inject(self, tokens)

    def resume(self) -> None:
        """Let a parked sequence go on with nothing injected. Any thread may ask."""
        self._resume(self)

    def take(self, deliveries: list[Delivery]) -> None:
        """Queue what a step delivered; on the reader's event loop only."""
        for delivery in deliveries:
            self._deliveries.put_nowait(delivery)

    async def deliveries(self) -> AsyncGenerator[Delivery]:
        """Everything delivered, until the last; leaving early cancels the sequence."""
        last = False
        try:
            while not last:
                delivery = await self._deliveries.get()
                last = isinstance(delivery, LAST_DELIVERIES)
                yield delivery
        finally:
            if not last:
                self.cancel()


Parcel = tuple[SequenceHandle, list[Delivery]]


def post(parcels: list[Parcel]) -> None:
    """Hand over one step's deliveries from the loop's thread, waking each event loop once."""
    by_event_loop: dict[asyncio.AbstractEventLoop, list[Parcel]] = {}
    for parcel in parcels:
        by_event_loop.setdefault(parcel[0].event_loop, []).append(parcel)
    for event_loop, its_parcels in by_event_loop.items():
        # An event loop that closed meanwhile took its readers with it: there is nobody left to tell.
        with contextlib.suppress(RuntimeError):
            event_loop.call_soon_threadsafe(_put, its_parcels)


def _put(parcels: list[Parcel]) -> None:
    for handle, deliveries in parcels:
        handle.take(deliveries)
