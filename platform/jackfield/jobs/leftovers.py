"""Messages that wait for one worker which will not take them: passed on to whoever serves their model."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import structlog
from redis.asyncio import Redis

from jackfield.jobs.announcements import HEARD_FOR, WORKERS
from jackfield.jobs.celery_app import MODEL_HEADER, PRIORITIES, model_queue, worker_queue

log = structlog.get_logger()

PRIORITY_MARK = "\x06\x16"
"""What Celery's Redis transport puts between a queue's name and a priority other than the first."""


async def pass_on(redis: Redis, worker: str) -> int:
    """Move what waits for a worker to the queues of the models; how many messages that were."""
    moved = 0
    for suffix in ("", *(f"{PRIORITY_MARK}{step}" for step in PRIORITIES.values() if step)):
        while raw := await _taken(redis, worker_queue(worker) + suffix):
            model = msgspec.json.decode(raw)["headers"][MODEL_HEADER]
            await _put(redis, model_queue(model) + suffix, raw)
            moved += 1
    await redis.delete(f"_kombu.binding.{worker_queue(worker)}")
    return moved


async def pass_on_from_the_dead(redis: Redis) -> None:
    """Do so for every worker that was not heard of for some time, and forget it."""
    silent: Any = await redis.zrangebyscore(WORKERS, 0, time.time() - 2 * HEARD_FOR)
    for name in silent:
        worker = name.decode()
        moved = await pass_on(redis, worker)
        await redis.zrem(WORKERS, worker)
        log.warning("a worker is gone", worker=worker, messages_passed_on=moved)


async def _taken(redis: Redis, queue: str) -> bytes | None:
    raw: Any = await redis.rpop(queue)
    return raw or None


async def _put(redis: Redis, queue: str, raw: bytes) -> None:
    pushing: Any = redis.lpush(queue, raw)
    await pushing
