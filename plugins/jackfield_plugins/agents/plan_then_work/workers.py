"""The workers of a plan: each step as soon as what it needs is there, all that are ready side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from jackfield.contracts.agents import AgentHost
from jackfield.contracts.tools import ToolDescription
from jackfield.messages import Message, Span
from jackfield_plugins.agents.plan_then_work.evidence import Evidence, causes_of, filled_spans
from jackfield_plugins.agents.plan_then_work.plan import Plan, Step
from jackfield_plugins.agents.plan_then_work.prompts import ASIDE, MODEL
from jackfield_plugins.agents.plan_then_work.references import filled_arguments, label

LONGEST_ASIDE = 512
"""Tokens of an answer to a step of the model's own."""


class Workers:
    """Carry out one plan. A step that fails is evidence of that; only what has an effect is not done on top of it."""

    def __init__(
        self, plan: Plan, tools: Mapping[str, ToolDescription], host: AgentHost, *, tainted: Sequence[Span] = ()
    ) -> None:
        """`tainted` are spans of the task that may not command, which the plan was made from too."""
        self._plan = plan
        self._tools = tools
        self._host = host
        self._tainted = tuple(tainted)
        self._begun: set[int] = set()
        self._evidence: dict[int, Evidence] = {}

    async def evidence(self) -> dict[int, Evidence]:
        """What every step gave, by its number; raises what ends a run."""
        for number in self._plan.steps.keys() - self._plan.workable:
            self._evidence[number] = _not_done("it needs a step that is not there or can never end")
        self._begun.update(self._evidence)
        async with asyncio.TaskGroup() as group:
            self._begin_ready(group)
        return dict(sorted(self._evidence.items()))

    def _begin_ready(self, group: asyncio.TaskGroup) -> None:
        ready = [number for number in self._plan.workable - self._begun if self._is_ready(number)]
        self._begun.update(ready)
        for number in sorted(ready, key=lambda number: (-self._estimate(number), number)):
            group.create_task(self._carry_out(number, group), name=f"step {number}")

    def _is_ready(self, number: int) -> bool:
        return self._plan.steps[number].needs <= self._evidence.keys()

    def _estimate(self, number: int) -> float:
        tool = self._tools.get(self._plan.steps[number].tool)
        return tool.estimate if tool else 0.0

    async def _carry_out(self, number: int, group: asyncio.TaskGroup) -> None:
        step = self._plan.steps[number]
        needed = {each: self._evidence[each] for each in sorted(step.needs)}
        self._evidence[number] = await self._result(step, needed)
        self._begin_ready(group)

    async def _result(self, step: Step, needed: Mapping[int, Evidence]) -> Evidence:
        tool = self._tools.get(step.tool)
        if tool is None:
            return _not_done(f"there is no tool '{step.tool}'")
        failed = [label(number) for number, evidence in needed.items() if evidence.failed]
        if failed and tool.permission != "read":
            return _not_done(f"{', '.join(failed)} failed")
        causes = (*self._tainted, *causes_of(needed.values()))
        if step.tool == MODEL and MODEL not in self._host.tools:
            return await self._answer(step, needed, causes)
        texts = {number: evidence.text for number, evidence in needed.items()}
        arguments = filled_arguments(step.arguments, texts, tool.parameters)
        result = await self._host.call(step.tool, arguments, caused_by=causes)
        text = f"Error: {result.text}" if result.error else result.text
        return Evidence.made_of(text, result.provenance, causes, failed=result.error)

    async def _answer(self, step: Step, needed: Mapping[int, Evidence], causes: Sequence[Span]) -> Evidence:
        """A model's answer, which is no more to be trusted than what it was made from."""
        question = tuple(filled_spans(str(step.arguments.get("question", "")), needed))
        messages = [Message.of("system", ASIDE), Message(role="user", spans=question)]
        turn = await self._host.answer(messages, tools=(), max_tokens=LONGEST_ASIDE, shown=False)
        cut = f" [cut after {LONGEST_ASIDE} tokens]" if turn.reason == "length" else ""
        return Evidence.made_of(turn.text.strip() + cut, "assistant", causes)


def _not_done(reason: str) -> Evidence:
    return Evidence(text=f"Error: this step was not carried out, because {reason}.", failed=True)
