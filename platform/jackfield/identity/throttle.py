"""Slowing down whoever guesses: so many attempts in a while, then none."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from jackfield.errors import RateLimited

REMEMBERED = 10_000


class Throttle:
    """Counts attempts of this process by whatever they are to be counted by, `most` in `seconds`."""

    def __init__(self, *, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._attempts: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, who: str) -> None:
        """Raises RateLimited where there were too many."""
        now = self._clock()
        recent = self._recent(who, now)
        if len(recent) >= self._most:
            wait = max(1, round(self._seconds - (now - recent[0])))
            raise RateLimited(f"Too many attempts; try again in {wait} seconds.", retry_after=wait)

    def attempt(self, who: str) -> None:
        """Count one; raises RateLimited where there were too many."""
        self.check(who)
        now = self._clock()
        self._attempts[who] = [*self._recent(who, now), now]
        self._attempts.move_to_end(who)
        if len(self._attempts) > REMEMBERED:
            self._attempts.popitem(last=False)

    def _recent(self, who: str, now: float) -> list[float]:
        return [at for at in self._attempts.get(who, ()) if now - at < self._seconds]

    def forget(self, who: str) -> None:
        """Begin anew after an attempt that was right."""
        self._attempts.pop(who, None)
