"""A run from the workbench's door to its last event, and what stays on record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from jackfield.contracts.runs import RunRequest
from jackfield.errors import EngineFailure, InvalidRequest, ModelNotFound, RunNotFound
from jackfield.events import Cancelled, Failed, Finished, Queued, RunEvent, Started, TextDelta
from jackfield.messages import Message
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.workbench import Workbench


def saying(text: str, **fields: object) -> RunRequest:
    return RunRequest(model="", messages=(Message.of("user", text),), **fields)  # type: ignore[arg-type]


async def events_of(workbench: Workbench, request: RunRequest) -> list[RunEvent]:
    run = await workbench.start(request)
    return [event async for event in workbench.watch(run.id)]


def text_of(events: Sequence[RunEvent]) -> str:
    return "".join(event.body.text for event in events if isinstance(event.body, TextDelta))


async def test_a_run_tells_its_journey_in_numbered_events(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        events = await events_of(workbench, saying("echo me"))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert isinstance(events[0].body, Queued)
    assert isinstance(events[1].body, Started)
    assert text_of(events) == "echo me"
    assert isinstance(events[-1].body, Finished)


async def test_a_run_and_its_events_stay_on_record(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        events = await events_of(workbench, saying("keep me"))
        run = await workbench.run(events[0].run_id)
        assert run.state == "finished"
        assert run.usage == events[-1].body.usage  # type: ignore[union-attr]
        assert list(await workbench.runs.events(run.id)) == events
        assert [event async for event in workbench.watch(run.id, after=3)] == events[3:]


async def test_a_second_watcher_sees_everything_from_where_it_joins(tmp_path: Path) -> None:
    slow = Timing(per_pass=0.002)
    async with temporary_workbench(tmp_path, lambda: ScriptedEngine(endless, timing=slow)) as workbench:
        run = await workbench.start(RunRequest(model="scripted", prompt="abc", max_tokens=30))

        async def watched(after: int) -> list[RunEvent]:
            return [event async for event in workbench.watch(run.id, after=after)]

        everything, late = await asyncio.gather(watched(0), watched(10))
        assert everything[10:] == late


async def test_a_watcher_that_takes_its_time_misses_nothing(tmp_path: Path) -> None:
    slow = Timing(per_pass=0.002)
    async with temporary_workbench(tmp_path, lambda: ScriptedEngine(endless, timing=slow)) as workbench:
        run = await workbench.start(RunRequest(model="scripted", prompt="abc", max_tokens=20))
        seen: list[int] = []
        async for event in workbench.watch(run.id):
            seen.append(event.number)
            await asyncio.sleep(0.005)
        assert seen == list(range(1, len(seen) + 1))


async def test_cancelling_ends_a_run_and_keeps_what_was_written(tmp_path: Path) -> None:
    slow = Timing(per_pass=0.003)
    async with temporary_workbench(tmp_path, lambda: ScriptedEngine(endless, timing=slow)) as workbench:
        run = await workbench.start(RunRequest(model="", prompt="abc"))
        seen: list[RunEvent] = []
        async with aclosing(workbench.watch(run.id)) as events:
            async for event in events:
                seen.append(event)
                if len(seen) == 6:
                    assert await workbench.cancel(run.id)
        assert isinstance(seen[-1].body, Cancelled)
        assert seen[-1].body.usage
        assert (await workbench.run(run.id)).state == "cancelled"
        assert not await workbench.cancel(run.id)


async def test_a_run_that_is_cancelled_before_it_decodes_ends_too(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        run = await workbench.start(saying("hello"))
        assert await workbench.cancel(run.id)
        events = [event async for event in workbench.watch(run.id)]
        assert isinstance(events[-1].body, Cancelled)


@pytest.mark.parametrize(
    ("request_", "code", "words"),
    [
        (RunRequest(model="", prompt="x" * 600), "context_length_exceeded", ["600", "512"]),
        (RunRequest(model="", prompt=""), "invalid_request", ["empty"]),
        (RunRequest(model="", prompt=(5, 99999)), "invalid_request", ["99999", "258"]),
        (RunRequest(model=""), "invalid_request", ["message"]),
        (saying("hi", sampling={"top_p": 1.5}), "invalid_request", ["top_p"]),
        (saying("hi", overflow="slide"), "invalid_request", ["slide"]),
    ],
)
async def test_what_cannot_be_done_fails_with_the_reason(
    tmp_path: Path, request_: RunRequest, code: str, words: list[str]
) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        events = await events_of(workbench, request_)
        failed = events[-1].body
        assert isinstance(failed, Failed)
        assert failed.code == code
        assert all(word in failed.message for word in words)
        assert (await workbench.run(events[0].run_id)).error == failed.message


async def test_an_unknown_model_leaves_nothing_on_record(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        with pytest.raises(ModelNotFound, match="scripted"):
            await workbench.start(RunRequest(model="nobody", prompt="x"))
        assert await workbench.runs.recent() == ()
        with pytest.raises(RunNotFound):
            await anext(workbench.watch("run_none"))


async def test_an_engine_that_fails_fails_the_run_and_the_next_one_works(tmp_path: Path) -> None:
    def script(tokens: Sequence[int]) -> int:
        if tokens[0] == ord("!"):
            raise EngineFailure("a broken tensor")
        return endless(tokens)

    async with temporary_workbench(tmp_path, lambda: ScriptedEngine(script)) as workbench:
        failed = await events_of(workbench, RunRequest(model="", prompt="!"))
        assert failed[-1].body == Failed(code="engine_failure", message="a broken tensor")
        fine = await events_of(workbench, RunRequest(model="", prompt="a", max_tokens=2))
        assert isinstance(fine[-1].body, Finished)


async def test_closing_the_workbench_ends_its_runs(tmp_path: Path) -> None:
    slow = Timing(per_pass=0.003)
    async with temporary_workbench(tmp_path, lambda: ScriptedEngine(endless, timing=slow)) as workbench:
        run = await workbench.start(RunRequest(model="", prompt="abc"))
        watching = asyncio.create_task(_last(workbench, run.id))
        await asyncio.sleep(0.05)
    assert isinstance((await watching).body, Cancelled)
    assert (await workbench.run(run.id)).state == "cancelled"


async def test_texts_embed_to_unit_vectors(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        embeddings = await workbench.embed("", ["listen", "silent", "other"])
        listen, silent, other = embeddings.vectors
        assert listen @ silent == pytest.approx(1)
        assert listen @ other < 0.9
        assert embeddings.prompt_tokens == 17
        with pytest.raises(InvalidRequest):
            await workbench.embed("", ["x" * 600])


async def _last(workbench: Workbench, run_id: str) -> RunEvent:
    events = [event async for event in workbench.watch(run_id)]
    return events[-1]
