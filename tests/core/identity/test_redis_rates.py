"""Windows of rates that processes share; `scripts/run_marked_tests.py` starts the server they need."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import redis_server
from structlog.testing import capture_logs

from jackfield.identity.rates import WINDOW, RateLimits
from jackfield.identity.redis_rates import PREFIX, RedisWindows

PATIENCE = 60.0
"""Seconds: a busy machine is no Redis that is away."""

HAMMER = """
import asyncio, sys
from jackfield.identity.rates import RateLimits
from jackfield.identity.redis_rates import RedisWindows

async def hammer(url, name, me):
    windows = RedisWindows(url, patience=60)
    limits = RateLimits(requests=100)
    taken = await asyncio.gather(*(windows.take(name, f"{me}-{n}", 1, limits) for n in range(50)))
    print(sum(standing.wait is None for standing in taken))
    await windows.close()

asyncio.run(hammer(*sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of these tests."""
    with redis_server.redis_server() as url:
        yield url


@pytest.fixture
async def windows(address: str) -> AsyncIterator[RedisWindows]:
    windows = RedisWindows(address, PATIENCE)
    yield windows
    await windows.close()


@pytest.fixture
def name() -> str:
    """A window that no other test has."""
    return uuid4().hex


@pytest.mark.redis
def test_eight_processes_that_hammer_a_limit_get_exactly_that(address: str, name: str) -> None:
    arguments = [sys.executable, "-c", HAMMER, address, name]
    hammers = [subprocess.Popen([*arguments, str(me)], stdout=subprocess.PIPE) for me in range(8)]
    said = [hammer.communicate(timeout=120)[0] for hammer in hammers]
    assert sum(map(int, said)) == 100


@pytest.mark.redis
async def test_a_full_window_says_when_there_is_room(windows: RedisWindows, name: str) -> None:
    limits = RateLimits(requests=2, tokens=1000)
    first = await windows.take(name, "a", 10, limits)
    await windows.take(name, "b", 20, limits)
    refused = await windows.take(name, "c", 30, limits)
    assert (first.requests, first.tokens, first.wait) == (1, 10, None)
    assert (refused.requests, refused.tokens, refused.by) == (2, 30, "requests")
    assert refused.wait is not None
    assert WINDOW - 20 < refused.wait <= WINDOW


@pytest.mark.redis
async def test_what_is_older_than_a_minute_has_left(windows: RedisWindows, name: str) -> None:
    limits = RateLimits(requests=1, tokens=100)
    await windows.take(name, "a", 100, limits)
    times = f"{PREFIX}:{{{name}}}:times"
    [(entry, at)] = await windows._redis.zrange(times, 0, -1, withscores=True)
    await windows._redis.zadd(times, {entry: at - WINDOW * 1_000_000})
    taken = await windows.take(name, "b", 40, limits)
    assert (taken.requests, taken.tokens, taken.wait) == (1, 40, None)


@pytest.mark.redis
async def test_another_process_corrects_what_was_estimated(windows: RedisWindows, address: str, name: str) -> None:
    worker, limits = RedisWindows(address, PATIENCE), RateLimits(tokens=100)
    await windows.take(name, "a", 90, limits)
    assert (await windows.take(name, "b", 20, limits)).by == "tokens"
    await worker.correct(name, "a", 5)
    assert (await windows.take(name, "b", 20, limits)).tokens == 25
    await worker.correct(name, "b", 95)
    assert (await windows.take(name, "c", 1, limits)).tokens == 100
    await worker.close()


@pytest.mark.redis
async def test_rates_are_counted_here_while_redis_is_away_and_that_is_said_once(tmp_path: Path) -> None:
    port, limits = redis_server._free_port(), RateLimits(requests=3)
    windows = RedisWindows(f"redis://127.0.0.1:{port}/0")
    with capture_logs() as logs:
        taken = await asyncio.gather(*(windows.take("key", str(entry), 1, limits) for entry in range(5)))
        assert sum(standing.wait is None for standing in taken) == 3
        windows._asked_again_at = 0.0
        await windows.correct("key", "0", 1)
        server = redis_server.started(tmp_path, port)
        try:
            windows._asked_again_at = 0.0
            assert (await windows.take("key", "again", 1, limits)).requests == 1
        finally:
            await windows.close()
            server.kill()
            server.wait()
    assert [log["log_level"] for log in logs] == ["warning", "info"]
