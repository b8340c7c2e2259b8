"""The model alone: one sequence, one token a pass. What a loop must give the same text as, and be no slower than."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from jackfield.contracts.engine import TokenBatch, TokenEngine
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.bench.workloads import Tokens
from jackfield.decoding.lookahead.near_tie import margin
from jackfield.decoding.request import Delta, Ended
from jackfield.decoding.text import TextStream
from jackfield.errors import EngineFailure
from jackfield.events import Usage

T = TypeVar("T")

SEQUENCE = 0
BATCHES = (2, 3, 4, 6, 8, 12, 16)
"""Rows whose price is measured: as many as a verified draft may have, with the token before it."""
REPETITIONS = 5


class PlainServer:
    """Greedy decoding by an engine of its own, which must hold at least one sequence; for one answer at a time."""

    name = "plain"

    def __init__(self, engine: TokenEngine) -> None:
        self._engine = engine
        self._thread = ThreadPoolExecutor(1, "plain")
        self._stopped = False
        self._prompt: Tokens = ()
        self._written: list[int] = []

    async def answer(self, prompt: Tokens, tokens: int, client: str) -> AsyncGenerator[Delta | Ended]:
        """A token a delivery; raises EngineFailure."""
        event_loop = asyncio.get_running_loop()
        written: asyncio.Queue[Delta | None] = asyncio.Queue()

        def put(delta: Delta | None) -> None:
            event_loop.call_soon_threadsafe(written.put_nowait, delta)

        self._stopped = False
        work = event_loop.run_in_executor(self._thread, self._write, prompt, tokens, put)
        try:
            while delta := await written.get():
                yield delta
        finally:
            self._stopped = True
            await work
        yield Ended(reason="length", usage=Usage(prompt_tokens=len(prompt), completion_tokens=tokens))

    def counters(self) -> dict[str, float]:
        """Nothing."""
        return {}

    async def lead_where_parted(self, text: str) -> float | None:
        """By how much the likeliest token led the second, in logits, where a text parts from the answer written last.

        None where the text is that answer.
        """
        common = _tokens_in_common(self._engine, self._written, text)
        if common is None:
            return None
        return await self._done(lambda: self._lead((*self._prompt, *self._written[:common])))

    async def batch_gains(self, prompt: Tokens) -> dict[int, float]:
        """By numbers of rows, how many times more tokens a second a pass evaluates than one over a single row."""
        return await self._done(lambda: self._batch_gains(prompt))

    async def close(self) -> None:
        """Free the engine."""
        await self._done(self._engine.close)
        self._thread.shutdown()

    async def _done(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _write(self, prompt: Tokens, tokens: int, put: Callable[[Delta | None], None]) -> None:
        text = TextStream()
        sampler = self._engine.sampler(Sampling(temperature=0), None)
        try:
            self._prompt, self._written = prompt, []
            row = self._read(prompt)
            for position in range(len(prompt), len(prompt) + tokens):
                token = sampler.sample(row)
                self._written.append(token)
                last = position == len(prompt) + tokens - 1
                put(Delta(text=text.feed(self._engine.piece(token)) + (text.finish() if last else ""), tokens=1))
                if last or self._stopped:
                    return
                row = self._evaluate((token,), position)
        finally:
            sampler.close()
            put(None)

    def _read(self, prompt: Tokens) -> int:
        """Evaluate a prompt from its start; the row of its last token."""
        self._cut(0)
        most = self._engine.limits.batch_tokens
        row = 0
        for start in range(0, len(prompt), most):
            row = self._evaluate(prompt[start : start + most], start)
        return row

    def _evaluate(self, tokens: Tokens, position: int, *, all_logits: bool = False) -> int:
        batch = TokenBatch()
        for offset, token in enumerate(tokens):
            wanted = all_logits or offset == len(tokens) - 1
            batch.add(token, position=position + offset, sequence=SEQUENCE, logits=wanted)
        self._engine.evaluate(batch)
        return len(batch) - 1

    def _lead(self, tokens: Tokens) -> float:
        return margin(self._engine.logits(self._read(tokens)))

    def _batch_gains(self, prompt: Tokens) -> dict[int, float]:
        self._read(prompt)
        rows = [rows for rows in BATCHES if rows <= min(len(prompt), self._engine.limits.batch_tokens)]
        seconds: dict[int, list[float]] = {count: [] for count in (1, *rows)}
        for _ in range(REPETITIONS):
            for count, taken in seconds.items():
                taken.append(self._timed(prompt[:count], len(prompt)))
        once = statistics.median(seconds[1])
        return {count: once * count / statistics.median(seconds[count]) for count in rows}

    def _timed(self, tokens: Tokens, position: int) -> float:
        began = time.perf_counter()
        self._evaluate(tokens, position, all_logits=True)
        taken = time.perf_counter() - began
        self._cut(position)
        return taken

    def _cut(self, length: int) -> None:
        if not self._engine.truncate(SEQUENCE, length):
            raise EngineFailure(f"The engine cannot cut a sequence to {length} tokens, so it cannot be measured alone.")


def _tokens_in_common(engine: TokenEngine, tokens: Sequence[int], text: str) -> int | None:
    """How many of the tokens a text begins with; None where they are the whole text."""
    stream, so_far = TextStream(), ""
    for place, token in enumerate(tokens):
        so_far += stream.feed(engine.piece(token))
        if not text.startswith(so_far):
            return place
    return None if text == so_far + stream.finish() else len(tokens) - 1
