"""A module of ours run in a process of its own, so that what it reads can at most waste a few seconds."""

from __future__ import annotations

import asyncio
import sys

import msgspec

BLOCK = 1 << 16


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What it wrote; `ended` is False where it was killed for its time or its output's length."""

    output: bytes
    ended: bool


async def output_of(module: str, given: bytes, *, seconds: float, most_bytes: int) -> Outcome:
    """Run `python -m module` on some input; what it wrote before it was killed counts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    output = bytearray()
    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(_write(process, given), _read(process, output, most_bytes))
            ended = len(output) <= most_bytes and await process.wait() == 0
    except TimeoutError:
        ended = False
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    return Outcome(output=bytes(output[:most_bytes]), ended=ended)


async def _write(process: asyncio.subprocess.Process, given: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(given)
        await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        return
    finally:
        process.stdin.close()


async def _read(process: asyncio.subprocess.Process, output: bytearray, most_bytes: int) -> None:
    assert process.stdout is not None
    while len(output) <= most_bytes and (block := await process.stdout.read(BLOCK)):
        output += block
