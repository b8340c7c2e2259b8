"""Plans the whole task first, carries the plan out, and answers once from what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from jackfield.contracts.agents import AgentHost, Turn
from jackfield.contracts.tools import ToolDescription
from jackfield.events import FinishReason
from jackfield.messages import Message, Span
from jackfield.tools.provenance import tainted_spans
from jackfield_plugins.agents.conversation import continued, instructed
from jackfield_plugins.agents.plan_then_work.evidence import Evidence
from jackfield_plugins.agents.plan_then_work.plan import Plan, read_plan
from jackfield_plugins.agents.plan_then_work.plan_schema import plan_constraint
from jackfield_plugins.agents.plan_then_work.prompts import (
    EVIDENCE_FOLLOWS,
    MODEL,
    MODEL_TOOL,
    SOLVE,
    once_more,
    planning_instructions,
)
from jackfield_plugins.agents.plan_then_work.references import label
from jackfield_plugins.agents.plan_then_work.workers import Workers

LONGEST_PLAN = 1536
"""Tokens."""
ROOM_FOR_ANSWER = 512
"""Tokens that the evidence leaves free, where shortening it can."""
SHORTENED = (None, 8000, 4000, 2000, 1000, 500, 250)
"""Characters of each result that the solver is shown, as many as there is room for."""


class PlanThenWork:
    """ReWOO: two answers however many calls a task takes, as no call is looked at before all of them are done."""

    name = "plan-then-work"

    async def work(self, task: Sequence[Message], host: AgentHost) -> FinishReason:
        """Plan, carry out, solve; a task without tools, or whose plan has no steps, is answered as it is."""
        tools = _offered(host)
        plan = await _plan(task, tools, host) if tools else Plan({})
        if not plan.steps:
            return (await host.answer(task, tools=())).reason
        await host.note(_said_of(plan))
        workers = Workers(plan, tools, host, tainted=tainted_spans(task))
        evidence = await workers.evidence()
        for number, result in evidence.items():
            if result.failed:
                await host.note(f"{label(number)} failed: {result.text}")
        return (await _solved(task, plan, evidence, host)).reason


def _offered(host: AgentHost) -> dict[str, ToolDescription]:
    """The run's tools, and the model itself behind them; nothing where there is nothing to call."""
    if host.choice.mode == "none" or not host.tools:
        return {}
    return {**host.tools, MODEL: host.tools.get(MODEL, MODEL_TOOL)}


async def _plan(task: Sequence[Message], tools: Mapping[str, ToolDescription], host: AgentHost) -> Plan:
    """The planner's plan; one that cannot be carried out is sent back once, and then taken as far as it goes."""
    messages = instructed(task, planning_instructions(tools))
    plan, faults, turn = await _planned(messages, tools, host)
    if not faults:
        return plan
    await host.note(f"The plan is made once more: {' '.join(faults)}")
    again = Message(role="user", spans=(Span(once_more(faults), "system"),))
    plan, faults, _ = await _planned([*messages, *turn.messages, again], tools, host)
    if faults:
        await host.note(f"The plan is carried out as far as it goes: {' '.join(faults)}")
    return plan


async def _planned(
    messages: Sequence[Message], tools: Mapping[str, ToolDescription], host: AgentHost
) -> tuple[Plan, list[str], Turn]:
    constraint = plan_constraint(tools)
    turn = await host.answer(messages, tools=(), constraint=constraint, max_tokens=LONGEST_PLAN, shown=False)
    try:
        plan = read_plan(turn.text)
    except ValueError as error:
        ended = f"it was not at its end after {LONGEST_PLAN} tokens" if turn.reason == "length" else f"{error}"
        return Plan({}), [f"It is no whole JSON of the shape that was asked for: {ended}."], turn
    return plan, [*plan.faults(tools), *_not_as_chosen(plan, host)], turn


def _not_as_chosen(plan: Plan, host: AgentHost) -> list[str]:
    """What the request wants called and the plan does not call."""
    called = {step.tool for step in plan.steps.values()} & host.tools.keys()
    if host.choice.name and host.choice.name not in called:
        return [f"It must call '{host.choice.name}'."]
    return ["It must call a tool."] if host.choice.mode == "required" and not called else []


async def _solved(task: Sequence[Message], plan: Plan, evidence: Mapping[int, Evidence], host: AgentHost) -> Turn:
    """The one answer that has all evidence before it, each result as long as there is room for."""
    context = await host.context_length()
    for limit in SHORTENED:
        messages = continued(task, _evidence_spans(plan, evidence, limit))
        if await host.count_tokens(messages) <= context - ROOM_FOR_ANSWER:
            break
    if limit is not None:
        await host.note(f"The context is short: of each result, at most {limit} characters are read.")
    return await host.answer(messages, tools=())


def _evidence_spans(plan: Plan, evidence: Mapping[int, Evidence], limit: int | None) -> list[Span]:
    spans = [Span(EVIDENCE_FOLLOWS, "system")]
    for number, step in plan.steps.items():
        spans.append(Span(f"{label(number)}: {step.plan} {step.tool}({json.dumps(step.arguments)})\n", "assistant"))
        spans += [Span("Result: ", "system"), *evidence[number].shown(limit), Span("\n", "system")]
    return [*spans, Span(SOLVE, "system")]


def _said_of(plan: Plan) -> str:
    steps = (f"{label(number)} {step.tool}: {step.plan}" for number, step in plan.steps.items())
    return "Plan:\n" + "\n".join(steps)
