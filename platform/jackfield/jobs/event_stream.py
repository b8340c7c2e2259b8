"""Events on their way from workers to whoever watches: one Redis stream, read once by each process.

What the stream carries is on record already. It may be cut, lost or late: then watchers read the record.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis

from jackfield.events import RunEvent
from jackfield.jobs.redis_connection import REDIS_AWAY

log = structlog.get_logger()

STREAM = "jackfield:events"
FIELD = b"e"
KEPT_ENTRIES = 20_000
BLOCK_MS = 1000
ENTRIES_AT_ONCE = 500
AWAY_PACE = 0.3
"""Seconds between two looks at the record, or two tries to read, while Redis is away."""
QUIET_SECONDS = 10.0
"""A watcher that heard nothing for so long looks at the record, for an event that was lost."""
MOST_UNWATCHED = 4096
"""New runs whose events are kept for the first who watches them."""
MOST_UNWATCHED_EVENTS = 64
MOST_WAITING = 2000
"""Events kept for a slow watcher; one that falls further behind reads the record."""


class EventPublisher:
    """Tells events that are on record to every process that watches."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._encode = msgspec.msgpack.Encoder().encode
        self._away = False

    async def publish(self, events: Sequence[RunEvent]) -> None:
        """Tell some events; where Redis is away nobody hears them now, and watchers find them on record."""
        try:
            await self._redis.xadd(STREAM, {FIELD: self._encode(events)}, maxlen=KEPT_ENTRIES, approximate=True)
            self._away = False
        except REDIS_AWAY as error:
            if not self._away:
                log.warning("events are not told live, since Redis is away", reason=type(error).__name__)
            self._away = True


class LiveEvents:
    """The live events of one run for one watcher; with `from_the_start`, none can have been told before."""

    def __init__(self, *, from_the_start: bool = False) -> None:
        self.from_the_start = from_the_start
        self.watched = not from_the_start
        self._events: deque[RunEvent] = deque()
        self._news = asyncio.Event()
        self._missed = False

    def put(self, event: RunEvent) -> None:
        """An event arrived."""
        if len(self._events) >= (MOST_WAITING if self.watched else MOST_UNWATCHED_EVENTS):
            self.miss()
        self._events.append(event)
        self._news.set()

    def miss(self) -> None:
        """Something may have been lost, so that the record must be read."""
        self._events.clear()
        self._missed = True
        self._news.set()

    async def following(self, after: int, *, patience: float) -> list[RunEvent]:
        """The events that follow directly on a number; none where the record must be read instead.

        Waits for them `patience` seconds.
        """
        while True:
            found = self._taken(after)
            if found or self._missed or self._events:
                self._missed = False
                return found
            self._news.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._news.wait()
            except TimeoutError:
                return []

    def _taken(self, after: int) -> list[RunEvent]:
        found: list[RunEvent] = []
        while self._events and self._events[0].number <= after + len(found) + 1:
            event = self._events.popleft()
            if event.number == after + len(found) + 1:
                found.append(event)
        return found


class EventReader:
    """Reads the stream for all watchers of this process while `kept` runs."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._watchers: dict[str, list[LiveEvents]] = {}
        self._unwatched: dict[str, LiveEvents] = {}
        self._decode = msgspec.msgpack.Decoder(list[RunEvent]).decode
        self._last: bytes | None = None

    @property
    def patience(self) -> float:
        """Seconds that a watcher may wait for live events before it looks at the record."""
        return AWAY_PACE if self._last is None else QUIET_SECONDS

    def begin(self, run_id: str) -> None:
        """Keep what is told of a run that was not sent yet for the first who watches it."""
        self._unwatched[run_id] = self._added(run_id, LiveEvents(from_the_start=True))
        if len(self._unwatched) > MOST_UNWATCHED:
            oldest = next(iter(self._unwatched))
            self._remove(oldest, self._unwatched.pop(oldest))

    @contextmanager
    def watched(self, run_id: str) -> Iterator[LiveEvents]:
        """The live events of a run, from now until the block is left."""
        live = self._unwatched.pop(run_id, None) or self._added(run_id, LiveEvents())
        live.watched = True
        try:
            yield live
        finally:
            self._remove(run_id, live)

    def _added(self, run_id: str, live: LiveEvents) -> LiveEvents:
        self._watchers.setdefault(run_id, []).append(live)
        return live

    def _remove(self, run_id: str, live: LiveEvents) -> None:
        self._watchers[run_id].remove(live)
        if not self._watchers[run_id]:
            del self._watchers[run_id]

    async def kept(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                await self._read_on()
            except REDIS_AWAY:
                self._last = None
                self._all_miss()
                await asyncio.sleep(AWAY_PACE)

    async def _read_on(self) -> None:
        if self._last is None:
            newest: Any = await self._redis.xrevrange(STREAM, count=1)
            self._last = newest[0][0] if newest else b"0-0"
            # What was told before this entry was read by nobody here.
            self._all_miss()
        replies: Any = await self._redis.xread({STREAM: self._last or b"0-0"}, count=ENTRIES_AT_ONCE, block=BLOCK_MS)
        for _, entries in replies:
            for number, fields in entries:
                self._last = number
                self._dispatch(fields[FIELD])

    def _dispatch(self, packed: bytes) -> None:
        for event in self._decode(packed):
            for live in self._watchers.get(event.run_id, ()):
                live.put(event)

    def _all_miss(self) -> None:
        for watchers in self._watchers.values():
            for live in watchers:
                live.miss()
