"""Servers under the same load in turns, and what each adds to a request."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec

from jackfield_web.bench.load import Asked, LoadFigures, asked, load
from jackfield_web.bench.processes import Running
from jackfield_web.bench.servers import MODEL

WARM_UP = 2.0
FEW, MANY = 1, 16
"""Connections: one shows what a request takes, many what a server can do."""


class GatewayPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How long each server is asked each time, and how often."""

    seconds: float
    rounds: int


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """One server under one load, medians over rounds: answers a second, and for each second of processor time.

    `p50` and `p99` are milliseconds at `connections`; `cpu` is milliseconds of processor time an answer took.
    """

    server: str
    streamed: bool
    connections: int
    rate: float
    rate_per_core: float
    p50: float
    p99: float
    cpu: float


def request_to(server: Running, *, streamed: bool) -> Asked:
    """The same chat for every server."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "How are you?"}],
        "max_tokens": 16,
        "stream": streamed,
    }
    return asked(
        server.port, "/v1/chat/completions", body, key=server.key, ends_with=b"[DONE]" if streamed else b"choices"
    )


async def measured(servers: Sequence[Running], plan: GatewayPlan) -> tuple[Serving, ...]:
    """Every server at every load, in turns, so that what else the machine does meets all of them."""
    taken: dict[tuple[str, bool, int], list[tuple[LoadFigures, float]]] = {}
    for server in servers:
        for streamed in (False, True):
            await load(request_to(server, streamed=streamed), connections=MANY, seconds=WARM_UP)
    for _ in range(plan.rounds):
        for streamed in (False, True):
            for connections in (FEW, MANY):
                for server in servers:
                    before = server.cpu_seconds
                    figures = await load(
                        request_to(server, streamed=streamed), connections=connections, seconds=plan.seconds
                    )
                    spent = server.cpu_seconds - before
                    taken.setdefault((server.name, streamed, connections), []).append((figures, spent))
    return tuple(_serving(*key, rounds) for key, rounds in taken.items())


def _serving(server: str, streamed: bool, connections: int, rounds: list[tuple[LoadFigures, float]]) -> Serving:
    return Serving(
        server=server,
        streamed=streamed,
        connections=connections,
        rate=median(figures.rate for figures, _ in rounds),
        rate_per_core=median(figures.answers / max(cpu, 1e-6) for figures, cpu in rounds),
        p50=median(figures.p50 for figures, _ in rounds),
        p99=median(figures.p99 for figures, _ in rounds),
        cpu=median(1000 * cpu / figures.answers for figures, cpu in rounds),
    )
