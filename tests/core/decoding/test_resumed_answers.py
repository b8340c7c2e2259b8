"""An answer that goes on in another loop, wherever the first one was cut off, is the answer that was never cut."""

from __future__ import annotations

import asyncio
import json

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import Admitted, DecodeRequest, Delivery, Delta, Ended
from jackfield.testing.scripted_engine import END, START, ScriptedEngine, endless, replying

CHAT = (START, *b"user\nhi", END, *b"\n", START, *b"assistant\n")
TEXTS = ("Plain words, and more.", "naïve 🙂👩‍👩‍👧 日本語 end", "one STOP two", "aababaabab", "ééé", "")
SHAPES = (
    Constraint(kind="choice", value=json.dumps(["yes", "yes, but", "nö 🙂"])),
    Constraint(kind="regex", value="[a-c]{3,9}é?"),
    Constraint(kind="json_schema", value='{"type": "array", "items": {"type": "boolean"}, "maxItems": 3}'),
    Constraint(kind="regex", value="[0-9]{2}", triggers=("a", "st")),
)

samplings = st.one_of(
    st.just(Sampling(temperature=0)),
    st.builds(
        Sampling,
        temperature=st.sampled_from([0.0, 1.0, 5.0]),
        seed=st.integers(0, 99),
        presence_penalty=st.sampled_from([0.0, 2.0]),
        frequency_penalty=st.sampled_from([0.0, 2.0]),
        penalty_window=st.integers(0, 12),
    ),
)
requests = st.builds(
    DecodeRequest,
    prompt=st.sampled_from([CHAT, tuple(b"abc")]),
    sampling=samplings,
    max_tokens=st.integers(1, 60),
    stop=st.lists(st.sampled_from(["STOP", "abab", "🙂", "é", " e", "lmn"]), max_size=2).map(tuple),
    logprobs=st.none() | st.integers(0, 2),
    constraint=st.none() | st.sampled_from(SHAPES),
    ignore_end=st.booleans(),
)
"""Each of which has an answer that its seed decides."""


def engine(text: str, context_length: int = 512) -> ScriptedEngine:
    limits = EngineLimits(context_length=context_length, cells=1024, sequences=4, batch_tokens=64)
    return ScriptedEngine(replying(text), limits=limits)


async def answered(over: ScriptedEngine, request: DecodeRequest) -> list[Delivery]:
    loop = DecodeLoop(over)
    try:
        return [delivery async for delivery in loop.submit(request).deliveries()]
    finally:
        await asyncio.to_thread(loop.close)


def answer(over: ScriptedEngine, request: DecodeRequest) -> list[Delivery]:
    return asyncio.run(answered(over, request))


def deltas(deliveries: list[Delivery]) -> list[Delta]:
    return [delivery for delivery in deliveries if isinstance(delivery, Delta)]


def going_on(request: DecodeRequest, told: list[Delta]) -> DecodeRequest:
    """The request for the rest of an answer, of which some deltas are on record."""
    written = tuple(token for delta in told for token in delta.ids)
    return msgspec.structs.replace(request, written=written, told=sum(len(delta.text) for delta in told))


def joined(told: list[Delta]) -> tuple[str, tuple[object, ...], tuple[int, ...], int]:
    return (
        "".join(delta.text for delta in told),
        tuple(score for delta in told for score in delta.scores),
        tuple(token for delta in told for token in delta.ids),
        sum(delta.tokens for delta in told),
    )


@given(request=requests, text=st.sampled_from(TEXTS), context_length=st.sampled_from([40, 512]), data=st.data())
@settings(max_examples=100, deadline=None)
def test_wherever_an_answer_is_cut_off_it_goes_on_as_if_it_never_was(
    request: DecodeRequest, text: str, context_length: int, data: st.DataObject
) -> None:
    whole = answer(engine(text, context_length), request)
    assert isinstance(whole[-1], Ended)
    told = deltas(whole)
    cut = data.draw(st.integers(0, len(told)))
    rest = answer(engine(text, context_length), going_on(request, told[:cut]))
    assert isinstance(rest[0], Admitted)
    assert joined(told[:cut] + deltas(rest)) == joined(told)
    end = rest[-1]
    assert isinstance(end, Ended)
    assert (end.reason, end.stop) == (whole[-1].reason, whole[-1].stop)
    assert end.usage.prompt_tokens == whole[-1].usage.prompt_tokens
    assert end.usage.completion_tokens == whole[-1].usage.completion_tokens
    assert end.usage.cached_tokens <= end.usage.prompt_tokens


@given(max_tokens=st.integers(1, 200), cut=st.integers(0, 200))
@settings(max_examples=40, deadline=None)
def test_an_answer_past_the_end_of_its_context_goes_on_behind_what_slid(max_tokens: int, cut: int) -> None:
    limits = EngineLimits(context_length=40, cells=256, sequences=4, batch_tokens=64)
    request = DecodeRequest(
        prompt=tuple(b"abc"), sampling=Sampling(temperature=0), max_tokens=max_tokens, slides=True, lookahead=False
    )
    told = deltas(answer(ScriptedEngine(endless, limits=limits), request))
    rest = answer(ScriptedEngine(endless, limits=limits), going_on(request, told[:cut]))
    assert joined(told[:cut] + deltas(rest)) == joined(told)


async def test_an_answer_that_ended_where_it_was_cut_off_evaluates_nothing() -> None:
    request = DecodeRequest(prompt=CHAT, sampling=Sampling(temperature=0), max_tokens=200, stop=("more",))
    whole = await answered(engine("No mo"), request)
    ends = [
        (engine("No mo"), going_on(request, deltas(whole)), "stop"),
        (engine("xmore"), msgspec.structs.replace(request, written=tuple(b"xmore"), told=1), "stop"),
        (engine("xyz"), msgspec.structs.replace(request, written=tuple(b"xy"), told=2, max_tokens=2), "length"),
    ]
    for over, resumed, reason in ends:
        rest = await answered(over, resumed)
        assert [type(delivery) for delivery in rest] == [Admitted, Ended]
        assert getattr(rest[-1], "reason", "") == reason
        assert over.evaluated_rows == 0


async def test_what_the_prompt_shares_with_the_first_attempt_is_not_evaluated_again() -> None:
    over = engine("Hello there, you.")
    request = DecodeRequest(prompt=CHAT, sampling=Sampling(temperature=0), max_tokens=200)
    loop = DecodeLoop(over)
    try:
        whole = [delivery async for delivery in loop.submit(request).deliveries()]
        before = over.evaluated_rows
        rest = [d async for d in loop.submit(going_on(request, deltas(whole)[:8])).deliveries()]
    finally:
        await asyncio.to_thread(loop.close)
    assert joined(deltas(whole)[:8] + deltas(rest)) == joined(deltas(whole))
    assert over.evaluated_rows - before <= len("Hello there, you.") - 8 + 2
