"""The decode loop over a scripted engine: what its callers see, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from jackfield.contracts.engine import EngineLimits, Sampler
from jackfield.contracts.sampling import Constraint, Sampling
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.loop import DecodeLoop
from jackfield.decoding.request import Admitted, Broken, DecodeRequest, Delivery, Delta, Ended, Stopped
from jackfield.errors import EngineFailure, InvalidRequest, Overloaded, ShuttingDown
from jackfield.testing.scripted_engine import END, START, ScriptedEngine, Timing, endless, replying

GREEDY = Sampling(temperature=0)
CHAT = (START, *b"user\nhi", END, *b"\n", START, *b"assistant\n")


def asking(prompt: Sequence[int] = CHAT, max_tokens: int = 200, **fields: object) -> DecodeRequest:
    return DecodeRequest(prompt=tuple(prompt), sampling=GREEDY, max_tokens=max_tokens, **fields)  # type: ignore[arg-type]


@asynccontextmanager
async def looping(engine: ScriptedEngine, **options: int) -> AsyncIterator[DecodeLoop]:
    loop = DecodeLoop(engine, **options)  # type: ignore[arg-type]
    try:
        yield loop
    finally:
        await asyncio.to_thread(loop.close)
        assert engine.closed


async def all_of(handle: SequenceHandle) -> list[Delivery]:
    return [delivery async for delivery in handle.deliveries()]


def text_of(deliveries: list[Delivery]) -> str:
    return "".join(delivery.text for delivery in deliveries if isinstance(delivery, Delta))


async def test_an_answer_streams_and_its_usage_adds_up() -> None:
    async with looping(ScriptedEngine(replying("Hello, wörld! 🎉"))) as loop:
        deliveries = await all_of(loop.submit(asking()))
    assert isinstance(deliveries[0], Admitted)
    assert text_of(deliveries) == "Hello, wörld! 🎉"
    last = deliveries[-1]
    assert isinstance(last, Ended)
    assert last.reason == "stop"
    assert last.usage.prompt_tokens == len(CHAT)
    assert last.usage.completion_tokens == len("Hello, wörld! 🎉".encode()) + 1


async def test_many_requests_share_each_pass() -> None:
    engine = ScriptedEngine(endless)
    async with looping(engine) as loop:
        handles = [loop.submit(asking(b"abc", max_tokens=50)) for _ in range(8)]
        answers = await asyncio.gather(*map(all_of, handles))
    assert all(isinstance(answer[-1], Ended) and answer[-1].reason == "length" for answer in answers)
    assert len({text_of(answer) for answer in answers}) == 1
    assert engine.passes < 8 * 50 / 2


async def test_a_long_prompt_is_prefilled_in_chunks_beside_a_running_stream() -> None:
    engine = ScriptedEngine(endless, timing=Timing(per_pass=0.001))
    async with looping(engine) as loop:
        running = loop.submit(asking(b"abc", max_tokens=300))
        async with aclosing(running.deliveries()) as stream:
            await anext(stream)
            late = asyncio.create_task(all_of(loop.submit(asking(b"x" * 400, max_tokens=5))))
            told_meanwhile = 0
            while not late.done():
                await anext(stream)
                told_meanwhile += 1
    assert told_meanwhile >= 400 // engine.limits.batch_tokens
    assert isinstance((await late)[-1], Ended)


async def test_cancelling_frees_the_sequence_and_tells_what_was_written() -> None:
    engine = ScriptedEngine(endless, timing=Timing(per_pass=0.002))
    async with looping(engine) as loop:
        handle = loop.submit(asking(b"abc", max_tokens=400))
        seen: list[Delivery] = []
        async for delivery in handle.deliveries():
            seen.append(delivery)
            if len(seen) == 5:
                handle.cancel()
        assert isinstance(seen[-1], Stopped)
        assert 0 < seen[-1].usage.completion_tokens < 100
        assert loop.load == 0
        await all_of(loop.submit(asking(b"abc", max_tokens=1)))
        assert engine.used_cells == 0


async def test_what_was_held_for_a_stop_string_is_said_when_a_sequence_is_cancelled() -> None:
    engine = ScriptedEngine(endless, timing=Timing(per_pass=0.002))
    async with looping(engine) as loop:
        handle = loop.submit(asking(b"abc", max_tokens=400, stop=("efghijklmnopqrstuvwxyz!",)))
        seen: list[Delivery] = []
        async for delivery in handle.deliveries():
            seen.append(delivery)
            if isinstance(delivery, Delta):
                await asyncio.sleep(0.02)
                handle.cancel()
    last = seen[-1]
    assert isinstance(last, Stopped)
    assert len(text_of(seen)) == last.usage.completion_tokens


async def test_leaving_the_deliveries_early_cancels() -> None:
    engine = ScriptedEngine(endless, timing=Timing(per_pass=0.002))
    async with looping(engine) as loop:
        async with aclosing(loop.submit(asking(b"abc", max_tokens=400)).deliveries()) as stream:
            await anext(stream)
        while loop.load:
            await asyncio.sleep(0.001)
    assert engine.used_cells == 0


async def test_when_cells_run_out_the_youngest_waits_and_every_answer_is_as_if_alone() -> None:
    limits = EngineLimits(context_length=128, cells=160, sequences=8, batch_tokens=32)
    async with looping(ScriptedEngine(endless, limits=limits)) as loop:
        alone = text_of(await all_of(loop.submit(asking(b"abcd", max_tokens=100))))
        crowd = await asyncio.gather(*(all_of(loop.submit(asking(b"abcd", max_tokens=100))) for _ in range(6)))
        assert loop.statistics.preemptions > 0
    assert [text_of(answer) for answer in crowd] == [alone] * 6


async def test_an_engine_error_fails_its_requests_and_the_loop_lives_on() -> None:
    def broken_on_x(tokens: Sequence[int]) -> int:
        if tokens[0] == ord("x"):
            raise EngineFailure("a broken tensor")
        return endless(tokens)

    async with looping(ScriptedEngine(broken_on_x)) as loop:
        failed = (await all_of(loop.submit(asking(b"x"))))[-1]
        assert isinstance(failed, Broken)
        assert failed.error.message == "a broken tensor"
        assert isinstance((await all_of(loop.submit(asking(b"a", max_tokens=3))))[-1], Ended)


async def test_an_unexpected_error_is_told_and_the_loop_lives_on() -> None:
    def divides_by_zero(tokens: Sequence[int]) -> int:
        return 1 // (tokens[0] - ord("x"))

    async with looping(ScriptedEngine(divides_by_zero)) as loop:
        failed = (await all_of(loop.submit(asking(b"x"))))[-1]
        assert isinstance(failed, Broken)
        assert "ZeroDivisionError" in failed.error.message
        assert isinstance((await all_of(loop.submit(asking(b"a", max_tokens=1))))[-1], Ended)


class PickySampler:
    """Breaks at one token."""

    complete = False

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self.accept, self.close = sampler.accept, sampler.close

    def sample(self, row: int) -> int:
        token = self._sampler.sample(row)
        if token == ord("!"):
            raise KeyError("!")
        return token


class PickyEngine(ScriptedEngine):
    """Its samplers, and the making of one with a seed of 13, break as no sampler should."""

    def sampler(self, sampling: Sampling, constraint: Constraint | None) -> Sampler:
        if sampling.seed == 13:
            raise OverflowError("unlucky")
        return PickySampler(super().sampler(sampling, constraint))


async def test_an_unexpected_error_of_one_sampler_ends_its_own_request_alone() -> None:
    def script(tokens: Sequence[int]) -> int:
        return ord("!") if tokens[0] == ord("x") and len(tokens) == 5 else endless(tokens)

    unlucky = Sampling(temperature=0, seed=13)
    async with looping(PickyEngine(script, timing=Timing(per_pass=0.001))) as loop:
        good = loop.submit(asking(b"abc", max_tokens=40))
        bad = (loop.submit(asking(b"x")), loop.submit(DecodeRequest(prompt=(1,), sampling=unlucky, max_tokens=3)))
        answer, *broken = await asyncio.gather(*map(all_of, (good, *bad)))
    assert isinstance(answer[-1], Ended)
    assert [type(deliveries[-1]) for deliveries in broken] == [Broken, Broken]


async def test_no_more_streams_begin_than_a_batch_has_rows_for() -> None:
    limits = EngineLimits(context_length=64, cells=640, sequences=8, batch_tokens=2)
    begun, ended = 0, 0

    async def follow(handle: SequenceHandle) -> None:
        nonlocal begun, ended
        async for delivery in handle.deliveries():
            begun += isinstance(delivery, Admitted)
            ended += isinstance(delivery, Ended)
            assert begun - ended <= 2

    async with looping(ScriptedEngine(endless, limits=limits, timing=Timing(per_pass=0.001))) as loop:
        await asyncio.gather(*(follow(loop.submit(asking(b"a", max_tokens=20))) for _ in range(5)))
    assert ended == 5


async def test_an_answer_keeps_its_shape_whatever_the_model_would_say() -> None:
    async with looping(ScriptedEngine(endless)) as loop:
        answer = await all_of(loop.submit(asking(constraint=Constraint(kind="choice", value='["yes", "no"]'))))
    assert text_of(answer) in ("yes", "no")
    assert isinstance(answer[-1], Ended)
    assert answer[-1].reason == "stop"


async def test_a_whole_shape_ends_the_answer_at_once() -> None:
    engine = ScriptedEngine(replying("yes, certainly"))
    async with looping(engine) as loop:
        held = Constraint(kind="choice", value='["yes", "no"]')
        answer = await all_of(loop.submit(asking(constraint=held, max_tokens=3)))
    assert text_of(answer) == "yes"
    assert isinstance(answer[-1], Ended)
    assert (answer[-1].reason, answer[-1].usage.completion_tokens) == ("stop", 3)


async def test_a_shape_that_is_cut_says_so() -> None:
    held = Constraint(kind="regex", value="[0-9]{9}")
    async with looping(ScriptedEngine(endless)) as loop:
        answer = await all_of(loop.submit(asking(constraint=held, max_tokens=5)))
    assert isinstance(answer[-1], Ended)
    assert answer[-1].reason == "length"


async def test_chances_are_those_from_before_the_shape() -> None:
    held = Constraint(kind="choice", value='["no"]')
    async with looping(ScriptedEngine(replying("yes"))) as loop:
        answer = await all_of(loop.submit(asking(constraint=held, logprobs=1)))
    scores = [score for delivery in answer if isinstance(delivery, Delta) for score in delivery.scores]
    assert [score.chosen.piece for score in scores] == [b"n", b"o"]
    assert all(score.chosen.logprob < score.likeliest[0].logprob for score in scores)


async def test_a_shape_that_cannot_be_followed_further_breaks_its_own_answer_alone() -> None:
    grammar = 'root ::= (((x{1,100}){1,100}){1,100}){1,100}\nx ::= "a" x? "b" | [a-c]'
    held = Constraint(kind="grammar", value=grammar)
    async with looping(ScriptedEngine(lambda tokens: ord("a"))) as loop:
        hard, easy = loop.submit(asking(constraint=held)), loop.submit(asking(max_tokens=60))
        broken, answer = await asyncio.gather(all_of(hard), all_of(easy))
    assert isinstance(broken[-1], Broken)
    assert isinstance(broken[-1].error, EngineFailure)
    assert set(text_of(broken)) == {"a"}
    assert isinstance(answer[-1], Ended)


async def test_a_shape_that_makes_no_sense_ends_its_own_request_alone() -> None:
    async with looping(ScriptedEngine(endless)) as loop:
        bad, good = (
            loop.submit(asking(constraint=Constraint(kind="regex", value="("))),
            loop.submit(asking(max_tokens=3)),
        )
        refused, answer = await asyncio.gather(all_of(bad), all_of(good))
    assert isinstance(refused[-1], Broken)
    assert isinstance(refused[-1].error, InvalidRequest)
    assert isinstance(answer[-1], Ended)


async def test_too_many_waiting_requests_are_refused() -> None:
    limits = EngineLimits(context_length=64, cells=64, sequences=1, batch_tokens=16)
    engine = ScriptedEngine(endless, limits=limits, timing=Timing(per_pass=0.005))
    async with looping(engine, queue_limit=2) as loop:
        first = asyncio.create_task(all_of(loop.submit(asking(b"abc", max_tokens=50))))
        await asyncio.sleep(0.02)
        others = [loop.submit(asking(b"abc", max_tokens=1)) for _ in range(2)]
        with pytest.raises(Overloaded) as refusal:
            loop.submit(asking(b"abc"))
        assert refusal.value.retry_after > 0
        answers = await asyncio.gather(first, *map(all_of, others))
    assert all(isinstance(answer[-1], Ended) for answer in answers)


async def test_closing_ends_what_runs_and_what_waits() -> None:
    loop = DecodeLoop(ScriptedEngine(endless, timing=Timing(per_pass=0.002)))
    handles = [loop.submit(asking(b"abc", max_tokens=400)) for _ in range(20)]
    await asyncio.to_thread(loop.close)
    for handle in handles:
        last = (await all_of(handle))[-1]
        assert isinstance(last, Broken)
        assert isinstance(last.error, ShuttingDown)
    with pytest.raises(ShuttingDown):
        loop.submit(asking())
    await asyncio.to_thread(loop.close)


async def test_scores_come_with_the_text_they_score() -> None:
    async with looping(ScriptedEngine(replying("né"))) as loop:
        deliveries = await all_of(loop.submit(asking(logprobs=2)))
    scores = [score for delivery in deliveries if isinstance(delivery, Delta) for score in delivery.scores]
    assert b"".join(score.chosen.piece for score in scores) == "né".encode()
    assert all(score.chosen.logprob == pytest.approx(0, abs=1e-6) for score in scores)
    assert all(len(score.likeliest) == 2 for score in scores)


async def test_a_seed_reproduces_an_answer() -> None:
    hot = Sampling(temperature=5.0, seed=-7, logit_bias={ord("z"): 38.0})
    request = DecodeRequest(prompt=tuple(b"abc"), sampling=hot, max_tokens=60)
    async with looping(ScriptedEngine(endless)) as loop:
        first, second = [text_of(await all_of(loop.submit(request))) for _ in range(2)]
    assert first == second
    assert "z" in first.replace("z", "", 1)


async def test_a_stop_string_ends_the_answer_before_it() -> None:
    async with looping(ScriptedEngine(replying("one, two, three"))) as loop:
        deliveries = await all_of(loop.submit(asking(stop=(", th", "nothing"))))
    assert text_of(deliveries) == "one, two"
    last = deliveries[-1]
    assert isinstance(last, Ended)
    assert last.reason == "stop"
