"""What a tool promises, for any implementation of `jackfield.contracts.tools`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from jackfield.contracts.tools import StreamingTool, Tool, ToolResult
from jackfield.errors import ArgumentsInvalid
from jackfield.tools.arguments import checked_arguments, checked_description
from jackfield.tools.partial_arguments import PartialArguments
from jackfield.tools.runner import CallRunner

PIECE = 7
"""Characters that arguments are written in at a time."""


class ToolSample(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of a call that works here and now, however often it is made.

    `stable` says that its result is the same each time, `beside_itself` that it can be made several times at once.
    """

    arguments: dict[str, Any]
    stable: bool = True
    beside_itself: bool = True


class ToolContract:
    """Override `tool` and `sample`; where the tool is a ScopedTool, `tool` is what it is within a run's scope."""

    @pytest.fixture
    def tool(self) -> Tool:
        """The tool."""
        raise NotImplementedError("override `tool` with a fixture that gives the tool")

    @pytest.fixture
    def sample(self) -> ToolSample:
        """A call that works."""
        raise NotImplementedError("override `sample` with a fixture that gives a ToolSample")

    @pytest.fixture
    def runner(self) -> CallRunner:
        """What runs its calls."""
        return CallRunner()

    @pytest.fixture
    def streaming(self, tool: Tool) -> StreamingTool:
        """The tool, if it takes its arguments as they are written."""
        if not isinstance(tool, StreamingTool):
            pytest.skip("this tool takes its arguments only when they are whole")
        return tool

    def test_its_description_makes_sense(self, tool: Tool) -> None:
        assert checked_description(tool.description) == tool.description
        assert tool.description.description.strip()

    def test_its_description_stays_the_same_and_can_be_written_down(self, tool: Tool) -> None:
        assert tool.description == tool.description
        written = msgspec.json.encode(tool.description)
        assert msgspec.json.decode(written, type=type(tool.description)) == tool.description

    async def test_a_call_gives_a_result(self, tool: Tool, sample: ToolSample, runner: CallRunner) -> None:
        result = await runner.run(tool, sample.arguments)
        assert not result.error, result.text
        assert result.text

    async def test_a_call_leaves_its_arguments_alone(self, tool: Tool, sample: ToolSample) -> None:
        before = json.dumps(sample.arguments)
        await tool.call(sample.arguments)
        assert json.dumps(sample.arguments) == before

    async def test_calls_side_by_side_work(self, tool: Tool, sample: ToolSample, runner: CallRunner) -> None:
        if not sample.beside_itself:
            pytest.skip("this call cannot be made several times at once")
        results = await asyncio.gather(*(runner.run(tool, sample.arguments) for _ in range(3)))
        assert not [result.text for result in results if result.error]
        assert not sample.stable or all(result == results[0] for result in results)

    async def test_arguments_that_do_not_fit_are_refused_before_it_is_asked(
        self, tool: Tool, sample: ToolSample, runner: CallRunner
    ) -> None:
        for wrong in _wrong_arguments(tool, sample):
            with pytest.raises(ArgumentsInvalid):
                checked_arguments(tool.description, wrong)
            result = await runner.run(tool, wrong)
            assert result.error
            assert f"'{tool.description.name}'" in result.text

    async def test_a_cancelled_call_ends(self, tool: Tool, sample: ToolSample, runner: CallRunner) -> None:
        call = asyncio.create_task(runner.run(tool, sample.arguments))
        await asyncio.sleep(0)
        call.cancel()
        done, _ = await asyncio.wait({call}, timeout=10)
        assert done
        assert call.cancelled() or not call.exception()
        assert not (await runner.run(tool, sample.arguments)).error

    async def test_arguments_as_they_are_written_give_the_same_as_at_once(
        self, streaming: StreamingTool, sample: ToolSample, runner: CallRunner
    ) -> None:
        call = await runner.begin(streaming)
        reader = PartialArguments()
        text = json.dumps(sample.arguments)
        for start in range(0, len(text), PIECE):
            for part in reader.feed(text[start : start + PIECE]):
                call.feed(part)
            await asyncio.sleep(0)
        result = await call.finish(sample.arguments)
        assert not result.error, result.text
        assert not sample.stable or result == await runner.run(streaming, sample.arguments)

    async def test_a_call_that_turned_out_otherwise_is_undone_once(
        self, streaming: StreamingTool, sample: ToolSample, runner: CallRunner
    ) -> None:
        call = await runner.begin(streaming)
        for part in PartialArguments().feed(json.dumps(sample.arguments)):
            call.feed(part)
        await call.abort()
        await call.abort()
        assert (await call.finish(sample.arguments)).error
        assert not (await runner.run(streaming, sample.arguments)).error

    async def test_an_abort_is_idempotent_and_knows_no_wrong_token(self, streaming: StreamingTool) -> None:
        token = await streaming.begin()
        for _ in range(2):
            await streaming.abort(token)
        await streaming.abort("no such call")

    async def test_a_streamed_call_refuses_what_does_not_fit(
        self, streaming: StreamingTool, sample: ToolSample, runner: CallRunner
    ) -> None:
        call = await runner.begin(streaming)
        result: ToolResult = await call.finish({**sample.arguments, "no such field": 1})
        assert result.error == (not _open(streaming))


def _wrong_arguments(tool: Tool, sample: ToolSample) -> list[Any]:
    """Some that no reading of the tool's schema allows."""
    schema: Mapping[str, Any] = tool.description.parameters
    wrong: list[Any] = [None, "text", [sample.arguments]]
    if not _open(tool):
        wrong.append({**sample.arguments, "no such field": 1})
    for name in schema.get("required", ()):
        wrong.append({field: value for field, value in sample.arguments.items() if field != name})
    for name, field in schema.get("properties", {}).items():
        if isinstance(field, dict) and field.get("type") in ("string", "integer", "number", "boolean"):
            wrong.append({**sample.arguments, name: [{}]})
    return wrong


def _open(tool: Tool | StreamingTool) -> bool:
    return tool.description.parameters.get("additionalProperties", True) is not False
