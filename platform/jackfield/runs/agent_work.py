"""An agent's work on one run, with everything it needs around it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from jackfield.contracts.agents import Agent
from jackfield.contracts.runs import RunRecord, RunRequest, ToolUse
from jackfield.errors import InvalidRequest, LimitReached
from jackfield.events import FinishReason, RunEvent, SourcesFound, Usage
from jackfield.identity.budgets import Allowance
from jackfield.runs.agent_host import RunHost
from jackfield.runs.callers_tools import CallersTools
from jackfield.runs.calls import RunCalls
from jackfield.runs.equipment import Equipment
from jackfield.runs.event_flow import EventFlow
from jackfield.runs.meter import Price, RunMeter
from jackfield.runs.plan import RunPlan
from jackfield.runs.recall import all_on_record
from jackfield.runs.replay import Replay
from jackfield.runs.resumption import has_its_tokens
from jackfield.runs.run_model import RunModel
from jackfield.runs.suspension import Suspension
from jackfield.tools.approval import Approval
from jackfield.tools.arguments import checked_descriptions
from jackfield.tools.provenance import recalled
from jackfield.tools.source_numbers import SourceNumbers


class AgentWork:
    """One run's agent, its host, and what came of it."""

    def __init__(self, agent: Agent, host: RunHost, request: RunRequest, flow: EventFlow, meter: RunMeter) -> None:
        self._agent = agent
        self._host = host
        self._request = request
        self._task = recalled(request.messages) if self._host.tools else request.messages
        self._meter = meter
        self.flow = flow
        self.reason: FinishReason = "stop"

    @classmethod
    async def prepared(
        cls,
        run: RunRecord,
        model: RunModel,
        equipment: Equipment,
        history: Sequence[RunEvent],
        allowance: Allowance | None = None,
        found: SourcesFound | None = None,
    ) -> AgentWork:
        """Everything found and checked; `found` are sources that are not in the history yet.

        Raises InvalidRequest, ToolNotFound or PluginError.
        """
        request = run.request
        use = request.tools or ToolUse()
        _check(request, use)
        flow, replay = EventFlow(), Replay(history)
        meter = await _meter(request, equipment.price(model.name), replay, allowance)
        protocol = equipment.protocol(use)
        sources = SourceNumbers((*all_on_record(history), *(found.sources if found else ())))
        scope = equipment.scope(run.id, use, run.account, sources)
        tools = await equipment.tools(use, scope)
        guards = [guard for _, guard in equipment.guards.items()]
        descriptions = [tool.description for tool in tools.values()]
        calls = RunCalls(
            tools,
            runner=equipment.runner,
            approval=Approval(use, equipment.defaults.allowed, guards),
            plan=RunPlan(model, protocol, meter, replay, flow, request.messages, descriptions).calls,
            replay=replay,
            meter=meter,
            flow=flow,
            sources=sources,
        )
        host = RunHost(
            request,
            model=model,
            protocol=protocol,
            mode=use.mode or equipment.defaults.mode,
            calls=calls,
            guards=guards,
            replay=replay,
            meter=meter,
            flow=flow,
        )
        agent = CallersTools() if use.callers and not request.agent else equipment.agent(request.agent)
        return cls(agent, host, request, flow, meter)

    @property
    def usage(self) -> Usage:
        """What it took so far."""
        return self._meter.usage_now

    @property
    def stop(self) -> str | None:
        """The request's stop string that ended the answer, if one did."""
        return self._host.stop if self.reason == "stop" else None

    async def done(self) -> None:
        """Work until the task is done; raises LimitReached, Suspension, or what the agent raises."""
        try:
            async with asyncio.timeout(self._meter.seconds_left) as clock:
                self.reason = await self._agent.work(self._task, self._host)
            self._host.finish()
        except TimeoutError as error:
            if not clock.expired():
                raise
            seconds = self._request.limits.seconds
            raise LimitReached(
                f"The run was stopped after {seconds:g} seconds, its limit; 'limits.seconds' or --max-seconds sets it."
            ) from error
        except BaseExceptionGroup as group:
            raise _cause(group) from group


async def _meter(request: RunRequest, price: Price, replay: Replay, allowance: Allowance | None) -> RunMeter:
    return RunMeter(
        request.limits,
        price,
        worked=replay.seconds,
        allowance=allowance,
        longest_answer=await allowance.longest_answer() if allowance else None,
    )


def calls_tools(request: RunRequest) -> bool:
    """Whether a run is more than one plain answer."""
    has_calls = any(message.calls or message.answers for message in request.messages)
    return bool(request.agent or request.tools or has_calls)


def resumable(request: RunRequest, history: Sequence[RunEvent] = ()) -> bool:
    """Whether a run that was interrupted can be taken up from its record, of which `history` is all there is.

    A plain answer can where its tokens are on record, as they are where workers execute runs.
    """
    if request.agent or (request.tools and request.tools.names):
        return True
    return not calls_tools(request) and has_its_tokens(history)


def _check(request: RunRequest, use: ToolUse) -> None:
    if request.prompt is not None:
        raise InvalidRequest("Tools and agents work on messages, not on a raw prompt.", parameter="prompt")
    if not request.messages:
        raise InvalidRequest("There is nothing to answer: give at least one message.", parameter="messages")
    if use.callers and (use.names or request.agent):
        raise InvalidRequest(
            "Tools that the caller runs cannot be mixed with tools that are run here, nor with an agent; "
            "send 'tools' or 'server_tools'.",
            parameter="tools",
        )
    checked_descriptions(use.callers)
    offered = [tool.name for tool in use.callers] + list(use.names)
    if use.choice.name and use.choice.name not in offered:
        raise InvalidRequest(
            f"'tool_choice' names '{use.choice.name}', which is none of the tools: {', '.join(offered) or 'none'}.",
            parameter="tool_choice",
        )
    if use.choice.mode == "required" and not offered:
        raise InvalidRequest("'tool_choice' requires a call, and there are no tools.", parameter="tool_choice")


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a group of failures comes down to: a wait for approval, else the first of them."""
    suspensions, _ = group.split(Suspension)
    first: BaseException = suspensions or group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
