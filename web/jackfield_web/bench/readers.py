"""Many clients that read streams at once, and whether memory stays as it is over many requests."""

from __future__ import annotations

import asyncio
import time

import msgspec

from jackfield_web.bench.gateway import request_to
from jackfield_web.bench.load import PATIENCE, Asked, load
from jackfield_web.bench.processes import Running

SETTLING = 2000
"""Requests after which memory is first looked at: pools and caches are full by then."""
LOOKS = 10


class Readers(msgspec.Struct, frozen=True, kw_only=True):
    """Streams that were open at once, how many were read to their end, and the slowest one's seconds."""

    clients: int
    whole: int
    refused: int
    slowest: float
    memory: int


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes in memory after so many requests, from the first look to the last."""

    requests: int
    memory: tuple[int, ...]


async def readers(server: Running, clients: int) -> Readers:
    """Open so many streams at the same moment and read each to its end."""
    asked = request_to(server, streamed=True)
    taken = await asyncio.gather(*(_read(asked) for _ in range(clients)))
    times = [seconds for seconds, answer in taken if answer.endswith(b"0\r\n\r\n") and b"[DONE]" in answer]
    return Readers(
        clients=clients,
        whole=len(times),
        refused=sum(b" 503 " in answer[:40] and b"retry-after" in answer.lower() for _, answer in taken),
        slowest=max(times, default=0.0),
        memory=server.memory,
    )


async def soak(server: Running, requests: int, *, connections: int = 16) -> Soak:
    """Ask so often, and look at the memory now and then."""
    asked = request_to(server, streamed=False)
    done = 0
    while done < min(SETTLING, requests):
        done += (await load(asked, connections=connections, seconds=1)).answers
    memory = [server.memory]
    while done < requests:
        due = done + (requests - SETTLING) / LOOKS
        while done < due and done < requests:
            done += (await load(asked, connections=connections, seconds=1)).answers
        memory.append(server.memory)
    return Soak(requests=done, memory=tuple(memory))


async def _read(asked: Asked) -> tuple[float, bytes]:
    """A stream as it came, and how long that took; a connection of its own, closed behind it."""
    began = time.perf_counter()
    async with asyncio.timeout(4 * PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", asked.port)
        writer.write(asked.wire.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
        answer = await reader.read()
        writer.close()
    return time.perf_counter() - began, answer
