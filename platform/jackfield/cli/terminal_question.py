"""Questions to the person at the terminal, while the event loop runs on."""

from __future__ import annotations

import asyncio
import os
import sys

import click


def can_ask() -> bool:
    """Whether somebody is there to answer: neither stdin nor stdout is a file or a pipe."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


async def typed_answer(question: str) -> str | None:
    """What was typed, without white space around it; None where the input ends instead (Ctrl+D).

    What was typed before the question was shown does not answer it. Cancelled by Ctrl+C.
    """
    on_stderr = sys.stderr.isatty()
    _forget_typed_ahead()
    click.echo(question + " ", err=on_stderr, nl=False)
    try:
        line = await _typed_line()
    except asyncio.CancelledError:
        click.echo(err=on_stderr)
        raise
    if not line.endswith(b"\n"):
        click.echo(err=on_stderr)
    return line.decode(errors="replace").strip() if line else None


async def _typed_line() -> bytes:
    """Up to a line break, or to the end of the input."""
    if os.name != "posix":  # no loop there watches a terminal
        typed: str = await asyncio.to_thread(sys.stdin.readline)
        return typed.encode()
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    line = b""
    while not line.endswith(b"\n"):
        readable: asyncio.Future[None] = loop.create_future()
        loop.add_reader(descriptor, _wake, readable)
        try:
            await readable
        finally:
            loop.remove_reader(descriptor)
        more = _read(descriptor)
        if not more:
            break
        line += more
    return line


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the terminal was closed
        return b""


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def _forget_typed_ahead() -> None:
    if os.name == "posix":
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
