"""Sequences that wait for what others put in, and blocks that nobody tears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.engine import EngineLimits
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import DecodeRequest, Delivery, Delta, Ended, Injected, Parked, Stopped
from jackfield.decoding.safe_points import SafePoints
from jackfield.testing.scripted_engine import END, ScriptedEngine, Timing

GREEDY = Sampling(temperature=0)
PROMPT = b"ask:"


def writing(text: bytes, *, then: bytes = b"") -> Callable[[Sequence[int]], int]:
    """Writes a text behind the prompt, whatever is put in between; then another, and ends."""
    whole = text + then

    def script(tokens: Sequence[int]) -> int:
        own = bytes(token for token in tokens[len(PROMPT) :] if token < 256 and token not in b"<0123456789>")
        return whole[len(own)] if len(own) < len(whole) else END

    return script


def asking(**fields: object) -> DecodeRequest:
    return DecodeRequest(prompt=tuple(PROMPT), sampling=GREEDY, max_tokens=100, **fields)  # type: ignore[arg-type]


def text_of(told: Sequence[Delivery]) -> str:
    return "".join(delivery.text for delivery in told if isinstance(delivery, Delta))


async def test_a_parked_sequence_waits_without_work_until_it_is_resumed() -> None:
    loop = DecodeLoop(ScriptedEngine(writing(b"one[TRAP]", then=b" two")))
    told: list[Delivery] = []
    handle = loop.submit(asking(parks_at=("[TRAP]",)))
    async for delivery in handle.deliveries():
        told.append(delivery)
        if isinstance(delivery, Parked):
            steps = loop.statistics.steps
            await asyncio.sleep(0.05)
            assert loop.statistics.steps <= steps + 1
            handle.resume()
    await asyncio.to_thread(loop.close)
    assert text_of(told) == "one[TRAP] two"
    assert sum(isinstance(delivery, Parked) for delivery in told) == 1


async def test_an_injection_wakes_a_parked_sequence_and_is_read_first() -> None:
    loop = DecodeLoop(ScriptedEngine(writing(b"one[TRAP]", then=b" two")))
    told: list[Delivery] = []
    handle = loop.submit(asking(parks_at=("[TRAP]",)))
    async for delivery in handle.deliveries():
        told.append(delivery)
        if isinstance(delivery, Parked):
            handle.inject(b"<42>")
    await asyncio.to_thread(loop.close)
    at = next(place for place, delivery in enumerate(told) if isinstance(delivery, Injected))
    assert text_of(told[:at]) == "one[TRAP]"
    assert text_of(told[at:]) == " two"


async def test_a_parked_sequence_can_be_cancelled() -> None:
    loop = DecodeLoop(ScriptedEngine(writing(b"one[TRAP]")))
    handle = loop.submit(asking(parks_at=("[TRAP]",)))
    last: Delivery | None = None
    async for delivery in handle.deliveries():
        last = delivery
        if isinstance(delivery, Parked):
            handle.cancel()
    await asyncio.to_thread(loop.close)
    assert isinstance(last, Stopped)
    assert loop.load == 0


async def test_a_parked_sequence_gives_its_place_to_those_that_can_go_on() -> None:
    limits = EngineLimits(context_length=64, cells=64, sequences=1, batch_tokens=16)
    loop = DecodeLoop(ScriptedEngine(writing(b"one[TRAP]", then=b" two"), limits=limits))
    parked = loop.submit(asking(parks_at=("[TRAP]",)))
    told: list[Delivery] = []
    other: list[Delivery] = []
    async for delivery in parked.deliveries():
        told.append(delivery)
        if isinstance(delivery, Parked):
            other = [delivery async for delivery in loop.submit(asking()).deliveries()]
            parked.inject(b"<7>")
    await asyncio.to_thread(loop.close)
    assert text_of(other) == "one[TRAP] two"
    assert text_of(told) == "one[TRAP] two"
    assert isinstance(told[-1], Ended)


async def test_nothing_is_put_into_a_block() -> None:
    engine = ScriptedEngine(writing(b"a [CALL] x [END] b"), timing=Timing(per_pass=0.002))
    loop = DecodeLoop(engine)
    told: list[Delivery] = []
    handle = loop.submit(asking(blocks=(("[CALL]", "[END]"),)))
    async for delivery in handle.deliveries():
        told.append(delivery)
        if text_of(told) == "a [CAL":
            handle.inject(b"<9>")
    await asyncio.to_thread(loop.close)
    at = next(place for place, delivery in enumerate(told) if isinstance(delivery, Injected))
    assert text_of(told[:at]).endswith("[END]")


@given(st.lists(st.sampled_from(["[CALL]", "[END]", "[", "CALL]", "x"])), st.integers(1, 5))
def test_safe_points_do_not_depend_on_how_the_text_comes(parts: list[str], size: int) -> None:
    text = "".join(parts)
    whole, pieces = SafePoints([("[CALL]", "[END]")], ["[END]"]), SafePoints([("[CALL]", "[END]")], ["[END]"])
    parked = whole.feed(text)
    parked_in_pieces = [pieces.feed(text[at : at + size]) for at in range(0, len(text), size)]
    assert whole.here == pieces.here
    assert parked == any(parked_in_pieces)


async def test_what_waits_at_the_end_of_a_block_is_put_in_there_though_the_sequence_would_park() -> None:
    engine = ScriptedEngine(writing(b"a [CALL] x [TRAP][END]", then=b" b"), timing=Timing(per_pass=0.002))
    loop = DecodeLoop(engine)
    told: list[Delivery] = []
    handle = loop.submit(asking(blocks=(("[CALL]", "[END]"),), parks_at=("[TRAP][END]",)))
    async with asyncio.timeout(10):
        async for delivery in handle.deliveries():
            told.append(delivery)
            if text_of(told).endswith("[CALL] x"):
                handle.inject(b"<9>")
    await asyncio.to_thread(loop.close)
    assert text_of(told) == "a [CALL] x [TRAP][END] b"
    assert sum(isinstance(delivery, Injected) for delivery in told) == 1
    assert not any(isinstance(delivery, Parked) for delivery in told)


async def test_a_marker_to_park_at_is_not_torn() -> None:
    engine = ScriptedEngine(writing(b"one[TRAP][END]", then=b" two"), timing=Timing(per_pass=0.002))
    loop = DecodeLoop(engine)
    told: list[Delivery] = []
    handle = loop.submit(asking(parks_at=("[TRAP][END]",)))
    async for delivery in handle.deliveries():
        told.append(delivery)
        if text_of(told) == "one[TR":
            handle.inject(b"<9>")
    await asyncio.to_thread(loop.close)
    at = next(place for place, delivery in enumerate(told) if isinstance(delivery, Injected))
    assert text_of(told[:at]) == "one[TRAP][END]"
    assert text_of(told[at:]) == " two"
