"""Places to run in: each tool has as many as it says, all together as many as the app has."""

from __future__ import annotations

import asyncio
import bisect
from collections import Counter
from itertools import count

from jackfield.contracts.tools import ToolDescription

AT_ONCE = 128
"""Calls of the whole app that run at once."""


class Place:
    """Room for one running call, waited for or held."""

    def __init__(self, places: Places, tool: ToolDescription, rank: tuple[float, int]) -> None:
        self.tool = tool
        self.rank = rank
        self.granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._places = places

    def free(self) -> None:
        """Give it back, or stop waiting for it; a second call does nothing."""
        self._places.take_back(self)


class Places:
    """Hands out room; among those who could begin, the call that is expected to take longest is first."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._numbers = count()
        self._held: set[Place] = set()
        self._held_by: Counter[str] = Counter()
        self._waiting: list[Place] = []

    async def take(self, tool: ToolDescription, estimate: float) -> Place:
        """Wait for room for a call that is expected to take so many seconds."""
        place = Place(self, tool, (-estimate, next(self._numbers)))
        bisect.insort(self._waiting, place, key=lambda waiting: waiting.rank)
        self._grant()
        try:
            await place.granted
        except asyncio.CancelledError:
            place.free()
            raise
        return place

    def take_back(self, place: Place) -> None:
        """Room that is no longer needed goes to the next."""
        if place in self._held:
            self._held.remove(place)
            self._held_by[place.tool.name] -= 1
        elif place in self._waiting:
            self._waiting.remove(place)
        self._grant()

    def _grant(self) -> None:
        for place in list(self._waiting):
            if len(self._held) >= self._at_once:
                return
            if not place.tool.concurrency or self._held_by[place.tool.name] < place.tool.concurrency:
                self._waiting.remove(place)
                self._held.add(place)
                self._held_by[place.tool.name] += 1
                place.granted.set_result(None)
