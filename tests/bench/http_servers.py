"""uvicorn against granian under this app and a scripted engine, in paired runs.

Run it with granian importable beside the project's own packages:

    pip install --target granian-only granian
    PYTHONPATH=granian-only python tests/bench/http_servers.py --pairs 7

A run starts a server in a process of its own and measures three things with a bare client: requests/s of /healthz,
requests/s of chats of one token, and tokens/s of 16 streams at once; and for each what CPU time the server took,
which a busy machine disturbs less. It prints medians and quartiles.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import psutil

CONNECTIONS = 16
STREAM_TOKENS = 200
SERVERS = ("uvicorn", "granian")


def chat(**fields: object) -> bytes:
    """A chat request as bytes on the wire."""
    message = {"role": "user", "content": "hello"}
    body = json.dumps({"model": "scripted", "messages": [message], **fields}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
ONE_TOKEN = chat(max_tokens=1)
STREAM = chat(max_tokens=STREAM_TOKENS, stream=True)
LOADS = (
    ("health request", HEALTH, 6400, 1),
    ("one-token chat", ONE_TOKEN, 1600, 1),
    ("stream token", STREAM, 4 * CONNECTIONS, STREAM_TOKENS),
)
"""What is counted, the request, how many, and how much of what is counted each gives."""


async def serve(server: str, port: int) -> None:
    """Serve until killed."""
    from jackfield.contracts.engine import EngineLimits
    from jackfield.testing.scripted_engine import ScriptedEngine, endless
    from jackfield.testing.temporary_workbench import temporary_workbench
    from jackfield_web.answers.open_streams import OpenStreams
    from jackfield_web.app import create_app

    limits = EngineLimits(context_length=512, cells=16 * 512, sequences=16, batch_tokens=512)
    with tempfile.TemporaryDirectory() as folder:
        async with temporary_workbench(Path(folder), lambda: ScriptedEngine(endless, limits=limits)) as workbench:
            streams = OpenStreams()
            app = create_app(lambda: nullcontext(workbench), open_streams=streams)
            await (_uvicorn if server == "uvicorn" else _granian)(app, streams, port)


async def _uvicorn(app: object, streams: object, port: int) -> None:
    from jackfield.contracts.doors import Listen
    from jackfield_web.server import StoppableServer
    from jackfield_web.sockets import listening_socket

    listener = listening_socket(Listen(host="127.0.0.1", port=port))
    await StoppableServer(app, streams).serve(sockets=[listener])  # type: ignore[arg-type]


async def _granian(app: object, streams: object, port: int) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.server.embed import Server

    from jackfield_web.observed_requests import observed

    server = Server(
        observed(app),  # type: ignore[arg-type]
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_enabled=False,
        backlog=2048,
    )
    await server.serve()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """One response's body."""
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise SystemExit(f"unexpected answer: {head!r}")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.split(b":")[1]))
    return await reader.readuntil(b"0\r\n\r\n")


async def timed(port: int, request: bytes, number: int) -> float:
    """Seconds for requests on kept-alive connections, shared out evenly."""

    async def one_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        for _ in range(number // CONNECTIONS):
            writer.write(request)
            await answer(reader)
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return time.perf_counter() - begun


async def measure(port: int, server: psutil.Process) -> dict[str, float]:
    """All figures of one run."""
    await timed(port, ONE_TOKEN, 2 * CONNECTIONS)
    figures = {}
    for name, request, number, units in LOADS:
        before = sum(server.cpu_times()[:2])
        seconds = await timed(port, request, number)
        busy = sum(server.cpu_times()[:2]) - before
        figures[f"{name}s/s"] = number * units / seconds
        figures[f"CPU us/{name}"] = 1e6 * busy / (number * units)
    return figures


def one_run(server: str) -> dict[str, float]:
    """A fresh server, measured and killed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, __file__, "--serve", server, "--port", str(port)], stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        return _run(lambda: measure(port, psutil.Process(process.pid)))
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)


def _run(work: Callable[[], Awaitable[dict[str, float]]]) -> dict[str, float]:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())  # type: ignore[arg-type]


def compare(pairs: int) -> None:
    """Pairs of runs, in turns, so that a slow moment of the machine hits both."""
    figures: dict[str, list[dict[str, float]]] = {server: [] for server in SERVERS}
    for pair in range(pairs):
        for server in SERVERS if pair % 2 == 0 else reversed(SERVERS):
            figures[server].append(one_run(server))
            print(server, {name: round(value) for name, value in figures[server][-1].items()}, flush=True)
    print(f"\n{'':20}{'uvicorn':>28}{'granian':>28}{'granian/uvicorn':>18}")
    for name in figures["uvicorn"][0]:
        columns = [[run[name] for run in figures[server]] for server in SERVERS]
        ratio = statistics.median(b / a for a, b in zip(*columns, strict=True))
        print(f"{name:20}" + "".join(f"{_spread(column):>28}" for column in columns) + f"{ratio:>18.2f}")


def _spread(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{statistics.median(values):,.0f} ({low:,.0f} to {high:,.0f})"


def main() -> None:
    """Compare, or serve for a comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--serve", choices=SERVERS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        import logging

        import structlog
        import uvloop

        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(arguments.serve, arguments.port))
    elif find_spec("granian") is None:
        sys.exit("granian is not installed: the head of this file says how to bring it.")
    else:
        compare(arguments.pairs)


if __name__ == "__main__":
    main()
