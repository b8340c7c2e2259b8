"""Redis, with a time limit on everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jackfield.errors import BrokerUnavailable, SettingsInvalid
from jackfield.settings import Settings

CONNECT_SECONDS = 2.0
REPLY_SECONDS = 5.0
"""Longer than any command that blocks on purpose."""
IDLE_CHECK_SECONDS = 15
MOST_CONNECTIONS = 32

REDIS_AWAY = (RedisError, OSError)
"""What a command raises where Redis cannot be reached or does not answer in time."""


def redis_url(settings: Settings) -> str:
    """The address of the broker; raises SettingsInvalid where none is set."""
    if not settings.jobs.redis_url:
        raise SettingsInvalid(
            "Workers are reached through Redis, and no address is set; "
            "set JACKFIELD_JOBS__REDIS_URL, such as redis://localhost:6379/0."
        )
    return settings.jobs.redis_url


def connected(url: str) -> Redis:
    """A client that connects when it is first used, and again whenever that is lost; one more try for each command."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MOST_CONNECTIONS,
        timeout=REPLY_SECONDS,
        socket_timeout=REPLY_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_keepalive=True,
        health_check_interval=IDLE_CHECK_SECONDS,
        retry=Retry(NoBackoff(), 1),
        protocol=2,
    )
    return Redis.from_pool(pool)


@contextmanager
def broker_needed(purpose: str) -> Iterator[None]:
    """Raise BrokerUnavailable where Redis is away; `purpose` completes 'Redis cannot be reached, …'."""
    try:
        yield
    except REDIS_AWAY as error:
        raise BrokerUnavailable(f"Redis cannot be reached, {purpose} ({type(error).__name__}).") from error
