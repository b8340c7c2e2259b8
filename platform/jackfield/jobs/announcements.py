"""What workers tell of themselves in Redis every two seconds, and the board on which every process has it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis

from jackfield.contracts.workers import LiveWorker, ModelLoad
from jackfield.jobs.fingerprints import unpacked
from jackfield.jobs.locality import Candidate
from jackfield.jobs.redis_connection import REDIS_AWAY

log = structlog.get_logger()

WORKERS = "jackfield:workers"
"""When each worker was last heard of, in seconds since 1970."""
PACE = 2.0
HEARD_FOR = 3 * PACE
LOOK_AGAIN = 1.0
FORGOTTEN_AFTER = 600.0


class Announcement(msgspec.Struct, frozen=True, kw_only=True):
    """A worker, and the beginnings of conversations that it knows, eight bytes each."""

    worker: LiveWorker
    prefixes: bytes = b""


def _key(worker: str) -> str:
    return f"jackfield:worker:{worker}"


async def announce(redis: Redis, announcement: Announcement) -> None:
    """Tell everybody; what is told is forgotten unless it is told again in time."""
    worker = announcement.worker.id
    async with redis.pipeline(transaction=False) as pipe:
        pipe.set(_key(worker), msgspec.msgpack.encode(announcement), px=round(HEARD_FOR * 1000))
        pipe.zadd(WORKERS, {worker: time.time()})
        await pipe.execute()


async def withdraw(redis: Redis, worker: str) -> None:
    """Tell everybody that a worker is gone."""
    await redis.delete(_key(worker))


class WorkerBoard:
    """Who lives, as of the last look; looks every second while `kept` runs."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._live: dict[str, Candidate] = {}
        self._decode = msgspec.msgpack.Decoder(Announcement).decode
        self._back_since: float | None = None
        self.looked = asyncio.Event()

    @property
    def trusted(self) -> bool:
        """Whether who is not on the board is truly gone: Redis has answered for as long as workers need to be heard."""
        return self._back_since is not None and time.monotonic() - self._back_since > HEARD_FOR

    def candidates(self) -> tuple[Candidate, ...]:
        """Everybody who lives."""
        return tuple(self._live.values())

    def workers(self) -> tuple[LiveWorker, ...]:
        """The same without what they know, in the order of their names."""
        return tuple(self._live[name].worker for name in sorted(self._live))

    def expect(self, worker: str, model: str, prefixes: tuple[bytes, ...]) -> None:
        """Count a run as begun where it was sent, until the worker tells so itself."""
        if candidate := self._live.get(worker):
            load = candidate.worker.loads.get(model, ModelLoad())
            loads = {**candidate.worker.loads, model: msgspec.structs.replace(load, running=load.running + 1)}
            self._live[worker] = Candidate(
                worker=msgspec.structs.replace(candidate.worker, loads=loads),
                prefixes=candidate.prefixes.union(prefixes),
            )

    async def kept(self) -> None:
        """Look until cancelled; says once that Redis is away, and once that it is back."""
        while True:
            try:
                await self.look()
            except REDIS_AWAY as error:
                if self._back_since is not None or not self.looked.is_set():
                    log.warning("Redis is away; runs wait until it is back", reason=type(error).__name__)
                self._back_since = None
                self.looked.set()
            await asyncio.sleep(LOOK_AGAIN)

    async def look(self) -> None:
        """Read what workers told."""
        known: Any = await self._redis.zrange(WORKERS, 0, -1)
        names = [name.decode() for name in known]
        told: Any = await self._redis.mget([_key(name) for name in names]) if names else []
        announced = [self._decode(one) for one in told if one]
        self._live = {one.worker.id: Candidate(worker=one.worker, prefixes=unpacked(one.prefixes)) for one in announced}
        if self._back_since is None:
            self._back_since = time.monotonic()
        self.looked.set()
