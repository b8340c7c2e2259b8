"""Word to workers that somebody wants a run cancelled; what they miss they find on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from redis.asyncio import Redis

from jackfield.jobs.redis_connection import REDIS_AWAY

log = structlog.get_logger()

CHANNEL = "jackfield:stop"
LISTEN_SECONDS = 1.0


async def ask_workers_to_stop(redis: Redis, run_id: str) -> None:
    """Tell whoever executes a run."""
    try:
        await redis.publish(CHANNEL, run_id)
    except REDIS_AWAY as error:
        log.debug("a worker learns of a cancel from the record, since Redis is away", reason=type(error).__name__)


async def listen_for_stops(redis: Redis, stop: Callable[[Sequence[str]], None]) -> None:
    """Call `stop` with each run that somebody wants cancelled, until cancelled or Redis goes away."""
    async with redis.pubsub(ignore_subscribe_messages=True) as channel:
        await channel.subscribe(CHANNEL)
        while True:
            told = await channel.get_message(timeout=LISTEN_SECONDS)
            if told is not None:
                stop([told["data"].decode()])
