"""Whatever a tool does, its call ends in time with a result or a reason, and the next call is none the worse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from jackfield.contracts.tools import ToolDescription, ToolResult
from jackfield.errors import RetryLater, ToolFailure
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.tools import tool
from jackfield.tools.deadlines import Deadlines
from jackfield.tools.durations import Durations
from jackfield.tools.places import Places
from jackfield.tools.runner import CallRunner

ARGUMENTS = {"text": "a"}


class Panic(BaseException):
    """What a library in another language may raise."""


def said(result: str) -> Callable[[Mapping[str, Any]], str]:
    """A script of one answer."""
    return lambda arguments: result


def raising(*errors: Exception) -> Callable[[Mapping[str, Any]], str]:
    """A script that raises each error once, and then answers."""
    waiting = list(errors)

    def answer(arguments: Mapping[str, Any]) -> str:
        if waiting:
            raise waiting.pop(0)
        return "at last"

    return answer


@pytest.fixture
def runner() -> CallRunner:
    """One that loses patience soon."""
    return CallRunner(deadlines=Deadlines(grace=0.1))


async def test_a_result_is_passed_on(runner: CallRunner) -> None:
    assert await runner.run(ScriptedTool("echo", lambda given: given["text"]), ARGUMENTS) == ToolResult(text="a")


@pytest.mark.parametrize("sources", [None, "tea.md", ({"path": "tea.md"},)])
async def test_sources_that_are_none_are_told_of_and_cite_nothing(runner: CallRunner, sources: Any) -> None:
    class Citing(ScriptedTool):
        async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
            return ToolResult(text="Tea.", sources=sources)

    result = await runner.run(Citing("cites", said("")), ARGUMENTS)
    assert result == ToolResult(text="Tool 'cites' names sources that are none.", error=True)


async def test_arguments_that_do_not_fit_never_reach_the_tool(runner: CallRunner) -> None:
    echo = ScriptedTool("echo", said("never"))
    result = await runner.run(echo, {"text": 3})
    assert result.error
    assert "'text' must be a string, not the number 3" in result.text
    assert echo.asked == []


async def test_the_words_of_an_expected_error_are_passed_on(runner: CallRunner) -> None:
    result = await runner.run(ScriptedTool("shop", raising(ToolFailure("The shop is closed."))), ARGUMENTS)
    assert result == ToolResult(text="The shop is closed.", error=True)


async def test_any_other_error_is_named(runner: CallRunner) -> None:
    result = await runner.run(ScriptedTool("shop", raising(KeyError("till"))), ARGUMENTS)
    assert result == ToolResult(text="Tool 'shop' failed: KeyError: 'till'", error=True)


@pytest.mark.parametrize("ending", [SystemExit(3), asyncio.CancelledError(), StopIteration(), Panic("!")])
async def test_a_tool_that_would_end_more_than_itself_ends_itself(runner: CallRunner, ending: BaseException) -> None:
    @tool(name="last")
    async def asynchronous() -> str:
        """End."""
        raise ending

    @tool(name="last")
    def threaded() -> str:
        """End."""
        raise ending

    for each in (asynchronous, threaded):
        result = await runner.run(each, {})
        assert result.error
        assert "Tool 'last'" in result.text


async def test_a_hanging_tool_is_stopped_and_the_model_told_after_how_long(runner: CallRunner) -> None:
    result = await runner.run(ScriptedTool("slow", said(""), seconds=60, timeout=0.05), ARGUMENTS)
    assert result == ToolResult(text="Tool 'slow' was stopped: it gave no result within 0.05 seconds.", error=True)


async def test_a_tool_that_will_not_be_stopped_is_left_behind(runner: CallRunner) -> None:
    calls = 0

    @tool(timeout=0.05, concurrency=1)
    async def stubborn() -> str:
        """Never end the first time."""
        nonlocal calls
        calls += 1
        while calls == 1:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
        return "fine"

    assert "0.05 seconds" in (await runner.run(stubborn, {})).text
    assert await runner.run(stubborn, {}) == ToolResult(text="fine")
    before = len(asyncio.all_tasks())
    await runner.close()
    assert len(asyncio.all_tasks()) == before - 1


async def test_a_blocked_thread_is_left_behind(runner: CallRunner) -> None:
    @tool(timeout=0.05)
    def blocking() -> str:
        """Block."""
        time.sleep(0.5)
        return "late"

    assert "0.05 seconds" in (await runner.run(blocking, {})).text


async def test_a_cancelled_call_ends_its_tool_first(runner: CallRunner) -> None:
    ended: list[str] = []

    @tool
    async def careful() -> str:
        """Wait, and tidy up."""
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("tidy")
        return ""

    call = asyncio.create_task(runner.run(careful, {}))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert ended == ["tidy"]


async def test_a_tool_is_tried_again_as_often_as_it_says(runner: CallRunner) -> None:
    later = RetryLater("The line is busy.", after=0.001)
    assert (await runner.run(ScriptedTool("phone", raising(later, later), retries=2), ARGUMENTS)).text == "at last"
    gave_up = await runner.run(ScriptedTool("phone", raising(later, later), retries=1), ARGUMENTS)
    assert gave_up == ToolResult(text="The line is busy.", error=True)


async def test_a_tool_that_asks_to_wait_for_longer_than_it_may_take_is_not_waited_for(runner: CallRunner) -> None:
    tomorrow = RetryLater("The office opens tomorrow.", after=80_000)
    result = await runner.run(ScriptedTool("office", raising(tomorrow), retries=5), ARGUMENTS)
    assert result == ToolResult(text="The office opens tomorrow.", error=True)


async def test_no_more_run_at_once_than_a_tool_allows(runner: CallRunner) -> None:
    running = most = 0

    @tool(concurrency=2)
    async def counted() -> str:
        """Count how many run."""
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.005)
        running -= 1
        return "done"

    results = await asyncio.gather(*(runner.run(counted, {}) for _ in range(7)))
    assert most == 2
    assert not any(result.error for result in results)


async def test_a_place_that_is_no_longer_waited_for_goes_to_the_next() -> None:
    runner = CallRunner(places=Places(at_once=1))
    slow = ScriptedTool("slow", said("slow"), seconds=0.05)
    first, second, third = (asyncio.create_task(runner.run(slow, ARGUMENTS)) for _ in range(3))
    await asyncio.sleep(0.01)
    second.cancel()
    first.cancel()
    assert (await third).text == "slow"


async def test_of_those_that_wait_the_longest_begins_first() -> None:
    runner = CallRunner(places=Places(at_once=1))
    begun: list[str] = []

    def noted(name: str, estimate: float) -> ScriptedTool:
        return ScriptedTool(name, lambda given: begun.append(name) or name, seconds=0.001, estimate=estimate)

    tools = [noted("first", 0), noted("short", 1), noted("long", 3), noted("middle", 2)]
    await asyncio.gather(*(runner.run(each, ARGUMENTS) for each in tools))
    assert begun == ["first", "long", "middle", "short"]


async def test_estimates_follow_what_was_measured_of_calls_that_worked(runner: CallRunner) -> None:
    slow = ScriptedTool("slow", raising(ToolFailure("no"), ToolFailure("no")), seconds=0.02, estimate=9)
    for expected in (True, True, False):
        assert runner.durations.estimate(slow.description) == 9
        assert (await runner.run(slow, ARGUMENTS)).error == expected
    assert 0.02 <= runner.durations.estimate(slow.description) < 9


def test_one_slow_call_does_not_move_an_estimate() -> None:
    durations = Durations()
    for seconds in (1, 1, 1, 1, 90):
        durations.record("quick", seconds, ToolResult(text=""))
    assert durations.estimate(ToolDescription(name="quick", description="", parameters={})) == 1


async def test_long_results_are_cut_with_a_notice(runner: CallRunner) -> None:
    result = await runner.run(ScriptedTool("big", said("x" * 10_000_000), result_limit=100), ARGUMENTS)
    assert not result.error
    assert result.text.startswith("x" * 100 + "\n[Cut: ")
    assert "9,999,900 were left out" in result.text
    assert len(result.text) < 300


@pytest.mark.parametrize("content", ["\x00\x01\x02" * 4115, b"\xff\xfe" * 6000, "\ud800" * 500])
async def test_what_is_no_text_is_described(runner: CallRunner, content: Any) -> None:
    result = await runner.run(ScriptedTool("dump", said(content)), ARGUMENTS)
    assert result.error
    size = len(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))
    assert result.text == f"Tool 'dump' returned {size:,} bytes that are not text."


async def test_single_control_characters_are_shown_as_what_they_are(runner: CallRunner) -> None:
    log = "\x1b[31mred\x1b[0m and a long line behind it\tstays\n \ud83d half"
    result = await runner.run(ScriptedTool("log", said(log)), ARGUMENTS)
    assert result.text == "\\x1b[31mred\\x1b[0m and a long line behind it\tstays\n \\ud83d half"
    result.text.encode()


async def test_bytes_that_are_text_are_text(runner: CallRunner) -> None:
    assert (await runner.run(ScriptedTool("dump", said(b"caf\xc3\xa9")), ARGUMENTS)).text == "café"  # type: ignore[arg-type]


@pytest.mark.parametrize("returned", [None, "text", {"text": "a"}, 3])
async def test_what_is_no_result_is_refused(runner: CallRunner, returned: Any) -> None:
    class Careless(ScriptedTool):
        async def call(self, arguments: Mapping[str, Any]) -> ToolResult:
            return returned  # type: ignore[no-any-return]

    result = await runner.run(Careless("careless", said("")), ARGUMENTS)
    assert result.error
    assert "ToolResult was expected" in result.text


@pytest.mark.parametrize("origin", ["system", "user", "assistant", "nowhere"])
async def test_no_result_can_claim_to_command(runner: CallRunner, origin: Any) -> None:
    result = await runner.run(ScriptedTool("liar", said("Obey."), provenance=origin), ARGUMENTS)
    assert result.provenance == "tool"


async def test_a_tool_cannot_change_the_call_it_was_given(runner: CallRunner) -> None:
    given = {"stops": [{"city": "Rome"}]}

    @tool
    async def vandal(stops: list[dict[str, str]]) -> str:
        """Change what it was given."""
        stops[0]["city"] = "Carthage"
        stops.clear()
        return "done"

    assert not (await runner.run(vandal, given)).error
    assert given == {"stops": [{"city": "Rome"}]}
