"""Plan-then-work: what is planned is carried out side by side, and one answer is made of what came of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jackfield.contracts.sampling import Constraint
from jackfield.contracts.tools import ToolChoice
from jackfield.events import Answered, CallEnded, Failed, Finished, Noted, Paused
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, bodies, followed, text_of

AGENT = "plan-then-work"
Reply = Callable[[str], str]


def plan(*steps: tuple[str, Mapping[str, Any]]) -> str:
    """A plan as a planner writes it."""
    written = [
        {"step": f"#E{number}", "plan": f"Do {number}.", "tool": tool, "arguments": arguments}
        for number, (tool, arguments) in enumerate(steps, 1)
    ]
    return json.dumps({"steps": written})


def planning(*plans: str, aside: Reply = str.upper, solve: Reply = str.strip) -> Reply:
    """A model that writes these plans one after the other, answers asides, and solves from the evidence."""

    def reply(prompt: str) -> str:
        asked = prompt.rpartition("<|start|>user\n")[2].rpartition("<|end|>")[0]
        if "Make a plan" in prompt:
            return plans[min(prompt.count("cannot be carried out"), len(plans) - 1)]
        return aside(asked) if "Answer the question briefly" in prompt else solve(asked)

    return reply


def results(prompt: str) -> str:
    """All results that a solver is shown, on one line."""
    return " | ".join(line.removeprefix("Result: ") for line in prompt.splitlines() if line.startswith("Result: "))


def echo(arguments: Mapping[str, Any]) -> str:
    return f"<{arguments['text']}>"


async def test_results_are_put_in_where_later_steps_name_them(open_workbench: Any) -> None:
    tool = ScriptedTool("echo", echo)
    steps = plan(("echo", {"text": "one"}), ("echo", {"text": "two #E1"}), ("LLM", {"question": "say #E2"}))
    async with open_workbench(planning(steps, solve=results), tool) as workbench:
        events = await followed(workbench, asking("Go.", "echo", agent=AGENT))
    assert tool.asked == [{"text": "one"}, {"text": "two <one>"}]
    assert text_of(events) == "<one> | <two <one>> | SAY <TWO <ONE>>"
    assert isinstance(events[-1].body, Finished)
    assert "Plan:\n#E1 echo: Do 1." in bodies(events, Noted)[0].text


async def test_the_tenth_step_is_not_the_first_and_a_zero(open_workbench: Any) -> None:
    tool = ScriptedTool("echo", echo)
    steps = plan(*[("echo", {"text": f"n{number}"}) for number in range(1, 11)], ("echo", {"text": "#E10 and #E1"}))
    async with open_workbench(planning(steps, solve=results), tool) as workbench:
        await followed(workbench, asking("Go.", "echo", agent=AGENT))
    assert tool.asked[-1] == {"text": "<n10> and <n1>"}


async def test_what_is_ready_runs_side_by_side_the_longest_first(open_workbench: Any) -> None:
    begun: list[str] = []

    class Noting(ScriptedTool):
        async def call(self, arguments: Mapping[str, Any]) -> Any:
            begun.append(self.description.name)
            return await super().call(arguments)

    estimates = {"short": 0.1, "long": 9.0, "middle": 3.0, "after": 5.0}
    tools = [Noting(name, echo, seconds=0.05, estimate=estimate) for name, estimate in estimates.items()]
    steps = plan(*[(name, {"text": "x"}) for name in ("short", "long", "middle")], ("after", {"text": "#E1"}))
    async with open_workbench(planning(steps), *tools) as workbench:
        events = await followed(workbench, asking("Go.", *estimates, agent=AGENT))
    assert begun == ["long", "middle", "short", "after"]
    assert isinstance(events[-1].body, Finished)


async def test_steps_that_need_nothing_of_each_other_wait_for_no_other(open_workbench: Any) -> None:
    """Each of three tools goes on only once all three have begun."""
    barrier = asyncio.Barrier(3)

    class Meeting(ScriptedTool):
        async def call(self, arguments: Mapping[str, Any]) -> Any:
            async with asyncio.timeout(5):
                await barrier.wait()
            return await super().call(arguments)

    tool = Meeting("meet", echo)
    steps = plan(*[("meet", {"text": name}) for name in "abc"])
    async with open_workbench(planning(steps, solve=results), tool) as workbench:
        events = await followed(workbench, asking("Go.", "meet", agent=AGENT))
    assert text_of(events) == "<a> | <b> | <c>"


async def test_a_plan_that_cannot_be_carried_out_is_made_once_more(open_workbench: Any) -> None:
    tool = ScriptedTool("echo", echo)
    bad = plan(("echo", {"text": "#E2"}), ("echo", {"text": "#E1 #E7"}))
    good = plan(("echo", {"text": "fine"}))
    async with open_workbench(planning(bad, good, solve=results), tool) as workbench:
        events = await followed(workbench, asking("Go.", "echo", agent=AGENT))
    assert text_of(events) == "<fine>"
    assert len(bodies(events, Answered)) == 3
    said = bodies(events, Noted)[0].text
    assert "#E2 uses #E7, and there is no step #E7." in said
    assert "#E1, #E2 can never begin" in said


async def test_a_plan_that_stays_bad_is_carried_out_as_far_as_it_goes(open_workbench: Any) -> None:
    tool = ScriptedTool("echo", echo)
    bad = plan(("echo", {"text": "one"}), ("echo", {"text": "#E2"}), ("echo", {"text": "#E9"}))
    async with open_workbench(planning(bad, solve=results), tool) as workbench:
        events = await followed(workbench, asking("Go.", "echo", agent=AGENT))
    assert tool.asked == [{"text": "one"}]
    assert text_of(events).startswith("<one> | Error: this step was not carried out")
    assert "as far as it goes" in bodies(events, Noted)[1].text
    assert isinstance(events[-1].body, Finished)


async def test_a_step_that_fails_is_evidence_and_nothing_is_written_on_top_of_it(open_workbench: Any) -> None:
    def broken(arguments: Mapping[str, Any]) -> str:
        raise ZeroDivisionError("division by zero")

    fails, write = ScriptedTool("fails", broken), ScriptedTool("write", echo, permission="write")
    steps = plan(("fails", {"text": "x"}), ("write", {"text": "#E1"}), ("LLM", {"question": "#E1?"}))
    async with open_workbench(planning(steps, solve=results), fails, write) as workbench:
        events = await followed(workbench, asking("Go.", "fails", "write", agent=AGENT, approval="grant"))
    assert write.asked == []
    assert "division by zero" in text_of(events)
    assert "DIVISION BY ZERO" in text_of(events)
    assert "because #E1 failed" in text_of(events)


async def test_a_label_alone_becomes_the_number_that_a_tool_wants(open_workbench: Any) -> None:
    count = ScriptedTool("count", lambda arguments: "4")
    double = ScriptedTool("double", lambda arguments: str(arguments["number"] * 2), parameters={"number": "integer"})
    steps = plan(("count", {"text": "x"}), ("double", {"number": "#E1"}))
    async with open_workbench(planning(steps, solve=results), count, double) as workbench:
        events = await followed(workbench, asking("Go.", "count", "double", agent=AGENT))
    assert text_of(events) == "4 | 8"


async def test_without_tools_or_steps_the_task_is_answered_as_it_is(open_workbench: Any) -> None:
    tool = ScriptedTool("echo", echo)
    async with open_workbench(planning(plan(), solve=str.upper), tool) as workbench:
        plain = await followed(workbench, asking("hello", agent=AGENT))
        unneeded = await followed(workbench, asking("hello", "echo", agent=AGENT))
        forbidden = await followed(workbench, asking("hello", "echo", agent=AGENT, choice=ToolChoice(mode="none")))
        required = await followed(workbench, asking("hello", "echo", agent=AGENT, choice=ToolChoice(mode="required")))
    assert [text_of(events) for events in (plain, unneeded, forbidden, required)] == ["HELLO"] * 4
    assert [len(bodies(events, Answered)) for events in (plain, unneeded, forbidden, required)] == [1, 2, 1, 3]
    assert "It must call a tool." in bodies(required, Noted)[0].text


async def test_an_effect_that_evidence_went_into_waits_for_somebody(open_workbench: Any) -> None:
    """The plan named the tool, but where the effect goes came from outside."""
    read = ScriptedTool("read", lambda arguments: "victim@example.org")
    send = ScriptedTool("send", echo, permission="network")
    steps = plan(("read", {"text": "x"}), ("send", {"text": "#E1"}))
    async with open_workbench(planning(steps, solve=results), read, send) as workbench:
        run = await workbench.start(asking("Go.", "read", "send", agent=AGENT, approval="grant"))
        async for event in workbench.watch(run.id):
            if isinstance(event.body, Paused):
                break
        assert send.asked == []
        await workbench.decide(run.id, approved=True)
        events = [event async for event in workbench.watch(run.id)]
    assert send.asked == [{"text": "victim@example.org"}]
    assert [ended.call.tool for ended in bodies(events, CallEnded)] == ["read", "send"]
    assert text_of(events) == "victim@example.org | <victim@example.org>"


async def test_results_too_long_for_the_context_are_cut_with_a_notice(open_workbench: Any) -> None:
    tool = ScriptedTool("long", lambda arguments: "x" * 15_000)
    steps = plan(*[("long", {"text": name}) for name in "abcd"])

    def solve(asked: str) -> str:
        return str(asked.count("x [Only the first 4000 of 15000 characters are shown.]"))

    async with open_workbench(planning(steps, solve=solve), tool) as workbench:
        events = await followed(workbench, asking("Go.", "long", agent=AGENT))
    assert text_of(events) == "4"
    assert any("The context is short" in noted.text for noted in bodies(events, Noted))
    assert not bodies(events, Failed)


async def test_the_shape_and_length_that_are_asked_for_are_the_answers_and_not_the_plans(open_workbench: Any) -> None:
    tool = ScriptedTool("echo", echo)
    steps = plan(("echo", {"text": "one"}), ("LLM", {"question": "Is it #E1?"}))
    shape = Constraint(kind="choice", value='["yes", "no"]')
    async with open_workbench(
        planning(steps, solve=lambda asked: "yes" if "IS IT <ONE>?" in asked else "no"), tool
    ) as it:
        request = msgspec.structs.replace(asking("Go.", "echo", agent=AGENT), constraint=shape, max_tokens=3)
        events = await followed(it, request)
    assert tool.asked == [{"text": "one"}]
    assert text_of(events) == "yes"
