"""Windows of rates in Redis, exact across processes: one script reads the clock, expires, decides and enters."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog

from jackfield.errors import MissingDependency
from jackfield.identity.rates import LocalWindows, RateLimits, Standing, capped

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = structlog.get_logger()

PREFIX = "jackfield:rates"
PATIENCE = 1.0
"""Seconds that an answer of Redis is waited for."""

AWAY = 5.0
"""Seconds for which Redis is not asked again after it did not answer."""

EXPIRE = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local minute = 60000000
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - minute)
for _, entry in ipairs(gone) do
    redis.call('HINCRBY', KEYS[2], '', -tonumber(redis.call('HGET', KEYS[2], entry) or 0))
    redis.call('HDEL', KEYS[2], entry)
    redis.call('ZREM', KEYS[1], entry)
end
local tokens = tonumber(redis.call('HGET', KEYS[2], '') or 0)
"""
"""Begins both scripts: the window without what is older than a minute. The sum of tokens stands under no name."""

TAKE = (
    EXPIRE
    + """
local entry, cost = ARGV[1], tonumber(ARGV[2])
local most_requests, most_tokens = tonumber(ARGV[3]), tonumber(ARGV[4])
local requests = redis.call('ZCARD', KEYS[1])
local over_requests = most_requests >= 0 and requests + 1 - most_requests or 0
local over_tokens = most_tokens >= 0 and tokens + cost - most_tokens or 0
local wait, by = -1, ''
if over_requests > 0 or over_tokens > 0 then
    by = over_requests > 0 and 'requests' or 'tokens'
    wait = minute
    local first = 0
    while first < requests and wait == minute do
        local chunk = redis.call('ZRANGE', KEYS[1], first, first + 99, 'WITHSCORES')
        for at = 1, #chunk, 2 do
            over_requests = over_requests - 1
            over_tokens = over_tokens - tonumber(redis.call('HGET', KEYS[2], chunk[at]) or 0)
            if over_requests <= 0 and over_tokens <= 0 then
                wait = tonumber(chunk[at + 1]) + minute - now
                break
            end
        end
        first = first + 100
    end
else
    redis.call('ZADD', KEYS[1], now, entry)
    redis.call('HSET', KEYS[2], entry, cost)
    redis.call('HINCRBY', KEYS[2], '', cost)
    redis.call('PEXPIRE', KEYS[1], 61000)
    redis.call('PEXPIRE', KEYS[2], 61000)
    requests = requests + 1
    tokens = tokens + cost
end
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
local reset = newest[2] and tonumber(newest[2]) + minute - now or 0
return {requests, tokens, reset, wait, by}
"""
)

CORRECT = (
    EXPIRE
    + """
local estimated = redis.call('HGET', KEYS[2], ARGV[1])
if estimated then
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
    redis.call('HINCRBY', KEYS[2], '', tonumber(ARGV[2]) - tonumber(estimated))
end
return redis.status_reply('OK')
"""
)

MICROSECONDS = 1_000_000


class RedisWindows:
    """Windows that all processes share. While Redis is away each process counts for itself, and says so once.

    Limits are then loose: as many processes as there are may each let a whole limit pass.
    """

    def __init__(self, url: str, patience: float = PATIENCE) -> None:
        """Connects at the first use, takes Redis for away after `patience` seconds; raises MissingDependency."""
        try:
            from redis.asyncio import Redis
        except ImportError as error:
            raise MissingDependency(
                "Rates across processes need the package redis; install it with `pip install 'jackfield[workers]'`."
            ) from error
        self._redis: Redis = Redis.from_url(
            url, socket_timeout=patience, socket_connect_timeout=patience, decode_responses=True
        )
        self._take = self._redis.register_script(TAKE)
        self._correct = self._redis.register_script(CORRECT)
        self._local = LocalWindows()
        self._asked_again_at = 0.0
        self._away = False

    async def take(self, name: str, entry: str, tokens: int, limits: RateLimits) -> Standing:
        """Enter a request where all limits have room for it."""
        arguments = (entry, capped(tokens, limits), _or_none(limits.requests), _or_none(limits.tokens))
        answer = await self._asked(self._take, name, arguments)
        if answer is None:
            return await self._local.take(name, entry, tokens, limits)
        requests, taken, reset, wait, by = answer
        return Standing(
            requests=requests,
            tokens=taken,
            reset=reset / MICROSECONDS,
            wait=None if wait < 0 else wait / MICROSECONDS,
            by=by or None,
        )

    async def correct(self, name: str, entry: str, tokens: int) -> None:
        """Say what an entry really took, wherever it was entered."""
        await self._local.correct(name, entry, tokens)
        await self._asked(self._correct, name, (entry, tokens))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _asked(self, script: Any, name: str, arguments: tuple[str | int, ...]) -> Any:
        """What Redis answers; None while it is away."""
        from redis.exceptions import RedisError

        if time.monotonic() < self._asked_again_at:
            return None
        try:
            # One slot of a cluster for both keys.
            answer = await script(keys=[f"{PREFIX}:{{{name}}}:times", f"{PREFIX}:{{{name}}}:tokens"], args=arguments)
        except (RedisError, OSError) as error:
            self._asked_again_at = time.monotonic() + AWAY
            if not self._away:
                log.warning("Redis is away: each process counts rates for itself until it is back", reason=str(error))
            self._away = True
            return None
        if self._away:
            log.info("Redis is back: rates are counted across processes again")
        self._away = False
        return answer


def _or_none(limit: int | None) -> int:
    """A limit as the scripts take it."""
    return -1 if limit is None else limit
