"""Tokens put into a live sequence, contexts that slide, and drafts: what the reader of a stream sees of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.lookahead.drafter import Draft
from jackfield.decoding.lookahead.planner import Lookahead
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import Broken, DecodeRequest, Delivery, Delta, Ended, Injected
from jackfield.errors import ContextOverflow
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless

GREEDY = Sampling(temperature=0)
LIMITS = EngineLimits(context_length=64, cells=512, sequences=8, batch_tokens=32)


def asking(prompt: bytes, max_tokens: int, **fields: bool) -> DecodeRequest:
    return DecodeRequest(prompt=tuple(prompt), sampling=GREEDY, max_tokens=max_tokens, **fields)  # type: ignore[arg-type]


def shouting(tokens: Sequence[int]) -> int:
    """Goes through the alphabet, in capitals once somebody put a `!` in."""
    base = ord("A") if ord("!") in tokens else ord("a")
    return base + len(tokens) % 26


def text_of(deliveries: Sequence[Delivery]) -> str:
    return "".join(delivery.text for delivery in deliveries if isinstance(delivery, Delta))


async def test_injected_tokens_reach_the_model_while_it_writes() -> None:
    engine = ScriptedEngine(shouting, timing=Timing(per_pass=0.002))
    loop = DecodeLoop(engine)
    told: list[Delivery] = []
    handle = loop.submit(asking(b"abc", 60))
    async with aclosing(handle.deliveries()) as stream:
        async for delivery in stream:
            told.append(delivery)
            if isinstance(delivery, Delta) and len(text_of(told)) == 5:
                handle.inject(b"! and more")
    await asyncio.to_thread(loop.close)
    (at,) = [place for place, delivery in enumerate(told) if isinstance(delivery, Injected)]
    injected = told[at]
    assert isinstance(injected, Injected)
    assert (injected.tokens, injected.written) == (10, len(text_of(told[:at])))
    assert text_of(told[:at]).islower()
    assert text_of(told[at:]).isupper()
    last = told[-1]
    assert isinstance(last, Ended)
    assert last.usage.completion_tokens == 60
    assert engine.evaluated_rows == 3 + 60 + 10 - 1


async def test_what_has_no_room_is_refused_and_the_stream_goes_on() -> None:
    loop = DecodeLoop(ScriptedEngine(endless, limits=LIMITS, timing=Timing(per_pass=0.002)))
    handle = loop.submit(asking(b"abc", 40))
    with pytest.raises(ContextOverflow):
        handle.inject(b"x" * 61)
    told = [delivery async for delivery in handle.deliveries()]
    await asyncio.to_thread(loop.close)
    assert isinstance(told[-1], Ended)
    assert not any(isinstance(delivery, Injected) for delivery in told)


async def test_an_injection_after_the_end_is_nothing() -> None:
    loop = DecodeLoop(ScriptedEngine(endless))
    handle = loop.submit(asking(b"abc", 2))
    told = [delivery async for delivery in handle.deliveries()]
    handle.inject(b"late")
    assert text_of([delivery async for delivery in loop.submit(asking(b"abc", 2)).deliveries()]) == text_of(told)
    await asyncio.to_thread(loop.close)


async def test_an_answer_slides_past_its_context() -> None:
    engine = ScriptedEngine(endless, limits=LIMITS)
    loop = DecodeLoop(engine)
    told = [delivery async for delivery in loop.submit(asking(b"abcdef", 300, slides=True)).deliveries()]
    await asyncio.to_thread(loop.close)
    last = told[-1]
    assert isinstance(last, Ended)
    assert (last.reason, last.usage.completion_tokens) == ("length", 300)
    assert len(text_of(told)) == 300


async def test_without_sliding_an_answer_ends_with_its_context() -> None:
    loop = DecodeLoop(ScriptedEngine(endless, limits=LIMITS))
    told = [delivery async for delivery in loop.submit(asking(b"abcdef", 300)).deliveries()]
    await asyncio.to_thread(loop.close)
    last = told[-1]
    assert isinstance(last, Ended)
    assert (last.reason, last.usage.completion_tokens) == ("length", 58)


class Guesser:
    """A drafter whose guesses are right until a token of its own choosing, and costly to nobody."""

    def __init__(self, wrong_after: Sequence[int]) -> None:
        self._wrong_after = list(wrong_after)
        self._tokens: dict[int, Sequence[int]] = {}
        self.closed = False

    def follow(self, key: int, tokens: Sequence[int], references: Sequence[Sequence[int]]) -> None:
        self._tokens[key] = tokens

    def catch_up(self) -> None:
        """Nothing is left to read."""

    def seconds(self, sequences: int) -> float:
        return 0.0

    def expected_chance(self, key: int) -> float:
        return 1.0

    def drafts(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        drafts = {}
        for key, most in wanted.items():
            tokens = list(self._tokens[key])
            right = self._wrong_after[len(tokens) % len(self._wrong_after)] if self._wrong_after else most
            guess: list[int] = []
            for place in range(most):
                guess.append(endless([*tokens, *guess]) if place < right else 0)
            drafts[key] = Draft(guess, [1.0] * len(guess))
        return drafts

    def forget(self, key: int) -> None:
        self._tokens.pop(key, None)

    def close(self) -> None:
        self.closed = True


@given(st.lists(st.integers(0, 12), max_size=7), st.lists(st.integers(1, 40), min_size=1, max_size=5), st.booleans())
@settings(max_examples=60, deadline=None)
def test_drafts_change_nothing_but_the_number_of_passes(wrong: list[int], lengths: list[int], slides: bool) -> None:
    asyncio.run(_the_same_with_drafts(wrong, lengths, slides))


async def _the_same_with_drafts(wrong: list[int], lengths: list[int], slides: bool) -> None:
    texts, cells = [], []
    for lookahead in (Lookahead(()), Lookahead([Guesser(wrong)])):
        engine = ScriptedEngine(endless, limits=LIMITS)
        loop = DecodeLoop(engine, lookahead=lookahead)
        handles = [loop.submit(asking(b"abc" * length, 61, slides=slides)) for length in lengths if 3 * length < 64]
        answers = await asyncio.gather(*(_all(handle.deliveries()) for handle in handles))
        assert not any(isinstance(answer[-1], Broken) for answer in answers)
        texts.append([text_of(answer) for answer in answers])
        assert engine.used_cells == loop.statistics.used_cells
        cells.append(engine.passes)
        await asyncio.to_thread(loop.close)
    assert texts[0] == texts[1]


async def _all(deliveries: object) -> list[Delivery]:
    return [delivery async for delivery in deliveries]  # type: ignore[attr-defined]


async def test_right_guesses_save_passes() -> None:
    engine = ScriptedEngine(endless, timing=Timing(per_pass=0.001))
    guesser = Guesser(())
    loop = DecodeLoop(engine, lookahead=Lookahead([guesser]))
    told = await _all(loop.submit(asking(b"abc", 200)).deliveries())
    await asyncio.to_thread(loop.close)
    assert len(text_of(told)) == 200
    assert engine.passes < 60
    assert 0 < loop.statistics.accepted_tokens <= loop.statistics.drafted_tokens
    assert guesser.closed
