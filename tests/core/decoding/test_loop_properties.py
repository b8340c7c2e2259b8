"""Whatever is submitted, cancelled or broken: every request ends once, and no cell or slot stays taken."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import LAST_DELIVERIES, Broken, DecodeRequest, Delivery, Delta, Ended, Stopped
from jackfield.errors import EngineFailure
from jackfield.testing.scripted_engine import ScriptedEngine, endless

POISON = ord("!")


def script(tokens: Sequence[int]) -> int:
    """Goes through the alphabet; a poisoned prompt breaks the pass at its fifth written token."""
    if tokens[0] == POISON and len(tokens) >= 12:
        raise EngineFailure("poisoned")
    return endless(tokens)


@st.composite
def orders(draw: st.DrawFn) -> tuple[int, int, int | None]:
    """Prompt length (negative: poisoned), tokens wanted, and after how many deliveries to cancel."""
    length = draw(st.integers(1, 60))
    poisoned = draw(st.integers(0, 9)) == 0
    return -8 if poisoned else length, draw(st.integers(1, 60)), draw(st.none() | st.integers(0, 20))


@given(
    st.lists(orders(), min_size=1, max_size=12),
    st.integers(64, 200),
    st.integers(1, 6),
    st.integers(1, 40),
)
@settings(max_examples=60, deadline=None)
def test_every_request_ends_and_nothing_is_leaked(
    asked: list[tuple[int, int, int | None]], cells: int, sequences: int, batch_tokens: int
) -> None:
    limits = EngineLimits(context_length=64, cells=max(cells, 64), sequences=sequences, batch_tokens=batch_tokens)
    asyncio.run(_everything_ends(asked, ScriptedEngine(script, limits=limits)))


async def _everything_ends(asked: list[tuple[int, int, int | None]], engine: ScriptedEngine) -> None:
    loop = DecodeLoop(engine)
    try:
        answers = await asyncio.gather(*(_answer(loop, *order) for order in asked))
        poisoned = any(length < 0 for length, _, _ in asked)
        for (length, wanted, patience), answer in zip(asked, answers, strict=True):
            _check(abs(length), min(wanted, 64 - abs(length)), patience, answer, poisoned=poisoned)
        assert loop.load == 0
        assert engine.used_cells == loop.statistics.used_cells
    finally:
        await asyncio.to_thread(loop.close)


async def _answer(loop: DecodeLoop, length: int, wanted: int, patience: int | None) -> list[Delivery]:
    prompt = (POISON,) * -length if length < 0 else (ord("a"),) * length
    request = DecodeRequest(
        prompt=prompt, sampling=Sampling(temperature=0), max_tokens=max(1, min(wanted, 64 - len(prompt)))
    )
    handle = loop.submit(request)
    deliveries: list[Delivery] = []
    if patience == 0:
        handle.cancel()
    async for delivery in handle.deliveries():
        deliveries.append(delivery)
        if len(deliveries) == patience:
            handle.cancel()
    return deliveries


def _check(length: int, wanted: int, patience: int | None, answer: list[Delivery], *, poisoned: bool) -> None:
    assert [isinstance(delivery, LAST_DELIVERIES) for delivery in answer] == [False] * (len(answer) - 1) + [True]
    text = "".join(delivery.text for delivery in answer if isinstance(delivery, Delta))
    expected = "".join(chr(ord("a") + position % 26) for position in range(length, length + len(text)))
    assert text == expected
    last = answer[-1]
    assert poisoned or not isinstance(last, Broken)
    assert patience is not None or not isinstance(last, Stopped)
    if isinstance(last, Ended):
        assert last.usage.completion_tokens == len(text) == max(1, wanted)
