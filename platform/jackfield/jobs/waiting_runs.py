"""How many runs of each model were sent and not yet begun, exact across processes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

FORGOTTEN_AFTER = 3600
"""Seconds after which a run no longer counts that nobody took off, such as after Redis lost a message."""


def _key(model: str) -> str:
    return f"jackfield:waiting:{model}"


class WaitingRuns:
    """Runs that wait for a worker, by model."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def count(self, model: str) -> int:
        """How many wait now."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(_key(model), 0, time.time() - FORGOTTEN_AFTER)
            pipe.zcard(_key(model))
            replies: Any = await pipe.execute()
        return int(replies[1])

    async def counts(self, models: Sequence[str]) -> dict[str, int]:
        """How many of each model wait now."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for model in models:
                pipe.zcount(_key(model), time.time() - FORGOTTEN_AFTER, "+inf")
            replies: Any = await pipe.execute()
        return dict(zip(models, map(int, replies), strict=True))

    async def add(self, run_id: str, model: str) -> int:
        """Count a run; how many wait with it."""
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(_key(model), {run_id: time.time()})
            pipe.zcard(_key(model))
            replies: Any = await pipe.execute()
        return int(replies[1])

    async def remove(self, run_id: str, model: str) -> None:
        """A run has begun, or will never begin."""
        await self._redis.zrem(_key(model), run_id)
