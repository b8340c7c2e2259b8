"""Serving a workload: every client's conversation at once, with the moment of every token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

import msgspec

from jackfield.contracts.sampling import Sampling
from jackfield.decoding.bench.workloads import Client, Tokenize, Tokens, Workload
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import Broken, DecodeRequest, Delta, Ended, Stopped
from jackfield.errors import EngineFailure
from jackfield.events import Usage


class Server(Protocol):
    """Whoever answers: our loop, or a server on the network."""

    name: str

    def answer(self, prompt: Tokens, tokens: int, client: str) -> AsyncGenerator[Delta | Ended]:
        """An answer of that many tokens, greedy, its last delivery an Ended. Raises what keeps it from answering."""
        ...

    def counters(self) -> dict[str, float]:
        """What it counts of itself since it began; nothing where it does not tell."""
        ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: when it was asked for, when how many tokens came, on `time.perf_counter`."""

    asked: float
    arrivals: tuple[tuple[float, int], ...]
    text: str
    usage: Usage
    late: bool


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """A workload served once; `counters` is what the server counted meanwhile."""

    began: float
    answers: tuple[Answer, ...]
    counters: dict[str, float]


class LoopServer:
    """Our own decode loop, asked without a door between."""

    name = "jackfield"

    def __init__(self, loop: DecodeLoop) -> None:
        self._loop = loop

    async def answer(self, prompt: Tokens, tokens: int, client: str) -> AsyncGenerator[Delta | Ended]:
        """The loop's deliveries; raises the error that broke the sequence."""
        request = DecodeRequest(
            prompt=prompt, sampling=Sampling(temperature=0), max_tokens=tokens, client=client, ignore_end=True
        )
        async with aclosing(self._loop.submit(request).deliveries()) as deliveries:
            async for delivery in deliveries:
                match delivery:
                    case Delta() | Ended():
                        yield delivery
                    case Broken(error=error):
                        raise error
                    case Stopped():
                        raise EngineFailure("The decode loop stopped an answer that nobody cancelled.")

    def counters(self) -> dict[str, float]:
        """The loop's statistics."""
        counted: dict[str, float] = msgspec.to_builtins(self._loop.statistics)
        return counted


async def served(workload: Workload, server: Server, tokenize: Tokenize) -> Serving:
    """Serve every client of a workload; raises the first error, after the other answers were stopped."""
    before = server.counters()
    gate = _Gate(workload)
    began = time.perf_counter()
    talks = [
        asyncio.ensure_future(_conversation(client, server, tokenize, gate, place))
        for place, client in enumerate(workload.clients)
    ]
    try:
        answers = await asyncio.gather(*talks)
    finally:
        for talk in talks:
            talk.cancel()
        await asyncio.wait(talks)
    after = server.counters()
    counted = {name: count - before.get(name, 0) for name, count in after.items()}
    return Serving(began=began, answers=tuple(answer for each in answers for answer in each), counters=counted)


async def _conversation(client: Client, server: Server, tokenize: Tokenize, gate: _Gate, place: int) -> list[Answer]:
    await gate.opened(client.after)
    history: Tokens = ()
    answers: list[Answer] = []
    for turn in client.turns:
        said_before = tuple(tokenize(answers[-1].text)) if answers else ()
        history = (*history, *said_before, *turn.said)
        answers.append(await _answer(server, history, turn.answer, gate, place, late=client.after > 0))
    return answers


async def _answer(server: Server, prompt: Tokens, tokens: int, gate: _Gate, place: int, *, late: bool) -> Answer:
    asked = time.perf_counter()
    arrivals: list[tuple[float, int]] = []
    texts: list[str] = []
    async with aclosing(server.answer(prompt, tokens, f"client-{place}")) as deliveries:
        async for delivery in deliveries:
            if isinstance(delivery, Ended):
                return Answer(
                    asked=asked, arrivals=tuple(arrivals), text="".join(texts), usage=delivery.usage, late=late
                )
            texts.append(delivery.text)
            if delivery.tokens:
                arrivals.append((time.perf_counter(), delivery.tokens))
                gate.count(place, delivery.tokens)
    raise EngineFailure(f"{server.name} ended an answer without saying so.")


class _Gate:
    """Lets late clients in when every other one has written enough."""

    def __init__(self, workload: Workload) -> None:
        self._written = {place: 0 for place, client in enumerate(workload.clients) if not client.after}
        self._moved = asyncio.Event()

    def count(self, place: int, tokens: int) -> None:
        if place in self._written:
            self._written[place] += tokens
            self._moved.set()

    async def opened(self, after: int) -> None:
        while after and min(self._written.values()) < after:
            self._moved.clear()
            await self._moved.wait()
