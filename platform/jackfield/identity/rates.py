"""How much a key asks for in any 60 seconds: sliding windows that are exact to the microsecond.

A window is a log: every request of the last minute stands in it with its tokens, and leaves it when the minute is over.
Tokens are estimated when a request comes and corrected once it has ended.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import msgspec

WINDOW = 60.0
"""Seconds."""


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The most in any 60 seconds; None is no limit."""

    requests: int | None = None
    tokens: int | None = None

    def __bool__(self) -> bool:
        return self.requests is not None or self.tokens is not None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A window as a request left it: what is in it, and the seconds until it is empty again.

    `wait` is how many seconds from now a request that was not taken would be; None for one that was.
    """

    requests: int
    tokens: int
    reset: float
    wait: float | None = None
    by: str | None = None


class RateWindows(Protocol):
    """Windows by name, in which each entry has an identifier of its own."""

    async def take(self, name: str, entry: str, tokens: int, limits: RateLimits) -> Standing:
        """Enter a request where all limits have room for it, and change nothing where one has none.

        One that alone is larger than the limit of tokens is entered with as many as that, and so waits for an empty
        window.
        """
        ...

    async def correct(self, name: str, entry: str, tokens: int) -> None:
        """Say what an entry really took; nothing where it has left its window."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


class _Window:
    """The entries of one name, oldest first."""

    def __init__(self) -> None:
        self.entries: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self.tokens = 0

    def expire(self, now: float) -> None:
        """Drop what is older than a minute."""
        while self.entries:
            entry, (at, tokens) = next(iter(self.entries.items()))
            if at > now - WINDOW:
                return
            del self.entries[entry]
            self.tokens -= tokens

    def wait(self, now: float, tokens: int, limits: RateLimits) -> tuple[float, str] | None:
        """Seconds until there is room, and the limit that there is none under."""
        excess_requests = len(self.entries) + 1 - limits.requests if limits.requests is not None else 0
        excess_tokens = self.tokens + tokens - limits.tokens if limits.tokens is not None else 0
        if excess_requests <= 0 and excess_tokens <= 0:
            return None
        by = "requests" if excess_requests > 0 else "tokens"
        for at, taken in self.entries.values():
            excess_requests -= 1
            excess_tokens -= taken
            if excess_requests <= 0 and excess_tokens <= 0:
                return at + WINDOW - now, by
        return WINDOW, by

    def reset(self, now: float) -> float:
        """Seconds until everything in it has left."""
        return next(reversed(self.entries.values()))[0] + WINDOW - now if self.entries else 0.0


class LocalWindows:
    """Windows of this process, for one event loop; what another process takes is not in them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._swept = clock()

    async def take(self, name: str, entry: str, tokens: int, limits: RateLimits) -> Standing:
        """Enter a request where all limits have room for it."""
        now = self._clock()
        self._sweep(now)
        window = self._windows.setdefault(name, _Window())
        window.expire(now)
        tokens = capped(tokens, limits)
        refused = window.wait(now, tokens, limits)
        if refused is None:
            window.entries[entry] = (now, tokens)
            window.tokens += tokens
        return Standing(
            requests=len(window.entries),
            tokens=window.tokens,
            reset=window.reset(now),
            wait=refused[0] if refused else None,
            by=refused[1] if refused else None,
        )

    async def correct(self, name: str, entry: str, tokens: int) -> None:
        """Say what an entry really took."""
        window = self._windows.get(name)
        if window is None or entry not in window.entries:
            return
        at, estimated = window.entries[entry]
        window.entries[entry] = (at, tokens)
        window.tokens += tokens - estimated

    async def close(self) -> None:
        """Nothing is held."""

    def _sweep(self, now: float) -> None:
        """Forget empty windows, once a minute."""
        if now - self._swept < WINDOW:
            return
        self._swept = now
        for name, window in list(self._windows.items()):
            window.expire(now)
            if not window.entries:
                del self._windows[name]


def capped(tokens: int, limits: RateLimits) -> int:
    """What an entry counts for: no more than a whole window, so that a large request is late but never impossible."""
    return tokens if limits.tokens is None else min(tokens, limits.tokens)
