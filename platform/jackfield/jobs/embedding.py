"""Vectors from a worker: asked for by message, answered through Redis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from redis.asyncio import Redis

from jackfield.errors import JackfieldError, Unavailable, error_from_code
from jackfield.jobs.redis_connection import broker_needed

if TYPE_CHECKING:
    from numpy.typing import NDArray

REPLY_KEPT = 60
WAIT_SECONDS = 120.0
BLOCK_SECONDS = 2


class Vectors(msgspec.Struct, frozen=True, tag="vectors"):
    """Rows of 32-bit floats in this machine's order of bytes, and the tokens that were read."""

    rows: int
    values: bytes
    tokens: int


class Refusal(msgspec.Struct, frozen=True, tag="refusal"):
    """Why there are none."""

    code: str
    message: str
    parameter: str | None = None
    retry_after: int | None = None


async def answer(redis: Redis, reply_to: str, reply: Vectors | Refusal) -> None:
    """Leave a reply for whoever asked."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.lpush(reply_to, msgspec.msgpack.encode(reply))
        pipe.expire(reply_to, REPLY_KEPT)
        await pipe.execute()


def refusal(error: JackfieldError) -> Refusal:
    """An error as a reply."""
    return Refusal(error.code, error.message, error.parameter, getattr(error, "retry_after", None))


def packed(vectors: NDArray[np.float32], tokens: int) -> Vectors:
    """Vectors, (n, dimensions), as a reply."""
    return Vectors(len(vectors), np.ascontiguousarray(vectors, dtype="<f4").tobytes(), tokens)


async def awaited(redis: Redis, reply_to: str) -> tuple[NDArray[np.float32], int]:
    """The vectors of a reply and the tokens read; raises what the worker raised, or Unavailable if none comes."""
    deadline = time.monotonic() + WAIT_SECONDS
    with broker_needed("so no worker can embed now"):
        while time.monotonic() < deadline:
            found: Any = redis.blpop([reply_to], timeout=BLOCK_SECONDS)
            if found := await found:
                return _unpacked(msgspec.msgpack.decode(found[1], type=Vectors | Refusal))
    raise Unavailable(f"No worker has embedded the texts within {WAIT_SECONDS:.0f} seconds; try again later.")


def _unpacked(reply: Vectors | Refusal) -> tuple[NDArray[np.float32], int]:
    if isinstance(reply, Refusal):
        raise error_from_code(reply.code, reply.message, parameter=reply.parameter, retry_after=reply.retry_after)
    return np.frombuffer(reply.values, dtype="<f4").reshape(reply.rows, -1), reply.tokens
