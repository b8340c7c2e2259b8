"""A call that works while it is written ends as one that was made at once, or as if it had never begun."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from jackfield.contracts.tools import ArgumentPart, StreamingTool, ToolDescription, ToolResult
from jackfield.errors import RetryLater, ToolFailure
from jackfield.tools.deadlines import Deadlines
from jackfield.tools.runner import CallRunner
from jackfield.tools.streamed_call import StreamedCall

WHOLE = {"code": "one\ntwo\n"}


class Typist:
    """Types lines as they come; what it did, stands in `done`. Each step waits `seconds` and may fail."""

    def __init__(self, *, seconds: float = 0.0, fails: Mapping[str, Exception] | None = None, **described: Any) -> None:
        self.description = ToolDescription(
            name="typist",
            description="Types.",
            parameters={"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]},
            **described,
        )
        self.done: list[str] = []
        self._seconds = seconds
        self._fails = dict(fails or {})

    async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
        """All at once."""
        await self._step("call")
        return ToolResult(text=f"typed {arguments['code']}")

    async def begin(self) -> str:
        """Sit down."""
        await self._step("begin")
        return "desk"

    async def feed(self, call: str, part: ArgumentPart) -> None:
        """Type a line."""
        await self._step(f"feed {part.value.strip()}")

    async def finish(self, call: str, arguments: Mapping[str, Any]) -> ToolResult:
        """Hand over."""
        await self._step("finish")
        return ToolResult(text=f"typed {arguments['code']}")

    async def abort(self, call: str) -> None:
        """Tear up."""
        await self._step(f"abort {call}")

    async def _step(self, name: str) -> None:
        await asyncio.sleep(self._seconds)
        self.done.append(name)
        if error := self._fails.pop(name, None):
            raise error


async def begun(typist: Typist, *lines: str, grace: float = 0.1) -> StreamedCall:
    """A call that was fed lines, which the tool has had time to type."""
    assert isinstance(typist, StreamingTool)
    call = await CallRunner(deadlines=Deadlines(grace=grace)).begin(typist)
    for number, line in enumerate(lines):
        call.feed(ArgumentPart(field="code", value=line, complete=number == len(lines) - 1))
    await asyncio.sleep(0.01)
    return call


async def test_parts_are_worked_on_in_order_before_the_call_is_whole() -> None:
    typist = Typist()
    call = await begun(typist, "one\n", "two\n")
    assert typist.done == ["begin", "feed one", "feed two"]
    assert await call.finish(WHOLE) == ToolResult(text="typed one\ntwo\n")
    await call.abort()
    assert typist.done == ["begin", "feed one", "feed two", "finish"]


async def test_whoever_feeds_never_waits() -> None:
    typist = Typist(seconds=0.02)
    call = await begun(typist, *(["x\n"] * 3))
    assert typist.done == []
    assert (await call.finish({"code": "x\n" * 3})).text == "typed x\nx\nx\n"


async def test_an_abort_undoes_once() -> None:
    typist = Typist()
    call = await begun(typist, "one\n")
    await call.abort()
    await call.abort()
    assert typist.done == ["begin", "feed one", "abort desk"]
    assert (await call.finish(WHOLE)).error
    assert typist.done[-1] == "abort desk"


async def test_what_had_not_begun_has_nothing_to_undo() -> None:
    typist = Typist(seconds=60)
    call = await begun(typist, "one\n")
    await call.abort()
    assert typist.done == []


@pytest.mark.parametrize("arguments", [{"code": "other"}, {"code": "one\n"}])
async def test_a_call_that_turns_out_otherwise_is_undone_and_made_anew(arguments: dict[str, Any]) -> None:
    typist = Typist()
    call = await begun(typist, "one\n", "two\n")
    assert await call.finish(arguments) == ToolResult(text=f"typed {arguments['code']}")
    assert typist.done[-2:] == ["abort desk", "call"]


async def test_arguments_that_do_not_fit_undo_what_was_begun() -> None:
    typist = Typist()
    call = await begun(typist, "one\n")
    assert "'code' (a string) is missing" in (await call.finish({})).text
    assert typist.done == ["begin", "feed one", "abort desk"]


@pytest.mark.parametrize("step", ["begin", "feed one", "finish"])
async def test_a_failure_is_told_in_the_end(step: str) -> None:
    typist = Typist(fails={step: ToolFailure("The ribbon broke.")})
    call = await begun(typist, "one\n", "two\n")
    assert await call.finish(WHOLE) == ToolResult(text="The ribbon broke.", error=True)
    assert ("abort desk" in typist.done) == (step != "begin")


async def test_a_failure_to_undo_stops_nobody() -> None:
    typist = Typist(fails={"abort desk": OSError("stuck")})
    call = await begun(typist, "one\n")
    await call.abort()
    assert "abort desk" in typist.done


async def test_one_that_asks_for_another_try_is_called_at_once_then() -> None:
    busy = RetryLater("The desk is taken.", after=0.001)
    typist = Typist(fails={"finish": busy, "call": busy}, retries=2)
    call = await begun(typist, "one\n", "two\n")
    assert await call.finish(WHOLE) == ToolResult(text="typed one\ntwo\n")
    assert typist.done[-4:] == ["finish", "abort desk", "call", "call"]
    typist = Typist(fails={"finish": busy, "call": busy}, retries=1)
    call = await begun(typist, "one\n", "two\n")
    assert await call.finish(WHOLE) == ToolResult(text="The desk is taken.", error=True)


async def test_time_counts_once_the_arguments_are_whole() -> None:
    typist = Typist(seconds=0.05, timeout=0.2)
    call = await begun(typist, "one\n")
    await asyncio.sleep(0.3)
    assert not (await call.finish({"code": "one\n"})).error
    typist = Typist(seconds=0.2, timeout=0.05)
    call = await begun(typist, "one\n")
    assert "0.05 seconds" in (await call.finish({"code": "one\n"})).text


async def test_a_cancelled_finish_undoes() -> None:
    typist = Typist(seconds=0.02)
    call = await begun(typist, "one\n")
    await asyncio.sleep(0.05)
    finishing = asyncio.create_task(call.finish({"code": "one\n"}))
    await asyncio.sleep(0.005)
    finishing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await finishing
    assert typist.done[-1] == "abort desk"


async def test_one_that_waits_for_its_place_begins_later() -> None:
    runner = CallRunner()
    typist = Typist(concurrency=1)
    first, second = await runner.begin(typist), await runner.begin(typist)
    await asyncio.sleep(0.01)
    assert typist.done == ["begin"]
    waiting = asyncio.create_task(second.finish(WHOLE))
    await first.abort()
    assert not (await waiting).error
    assert typist.done == ["begin", "abort desk", "begin", "finish"]
