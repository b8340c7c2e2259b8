"""A Redis server, emptied for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from jackfield.jobs.redis_connection import connected


@pytest.fixture
async def redis() -> AsyncIterator[Redis]:
    """A client of the server that JACKFIELD_TEST_REDIS names, whose last database is ours."""
    client = connected(os.environ["JACKFIELD_TEST_REDIS"].rsplit("/", 1)[0] + "/15")
    await client.flushdb()
    yield client
    await client.flushdb()
    await client.aclose()
