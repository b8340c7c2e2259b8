"""The calls of one run: approved or held back, run, told of, and put on record."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import msgspec

from jackfield.contracts.guards import Plan
from jackfield.contracts.tools import StreamingTool, Tool, ToolDescription, ToolResult
from jackfield.errors import JackfieldError
from jackfield.events import CallEnded, CallStarted, Decided, PendingCall, SourcesFound
from jackfield.messages import Call, Span
from jackfield.runs.event_flow import EventFlow
from jackfield.runs.meter import RunMeter
from jackfield.runs.replay import Replay
from jackfield.tools.approval import Approval
from jackfield.tools.arguments import checked_arguments
from jackfield.tools.provenance import is_tainted
from jackfield.tools.runner import CallRunner
from jackfield.tools.source_numbers import SourceNumbers
from jackfield.tools.streamed_call import StreamedCall

Outcome = ToolResult | PendingCall
"""What came of a call: a result, or that it waits for a person."""


class Begun(msgspec.Struct, frozen=True):
    """A call whose tool works while its arguments are written: since when, and how many tokens were written by then."""

    streamed: StreamedCall
    at: float
    written: int


class RunCalls:
    """Runs what an agent or its model calls; whatever fails is a result that says so."""

    def __init__(
        self,
        tools: Mapping[str, Tool],
        *,
        runner: CallRunner,
        approval: Approval,
        plan: Plan,
        replay: Replay,
        meter: RunMeter,
        flow: EventFlow,
        sources: SourceNumbers,
    ) -> None:
        self._tools = dict(tools)
        self._runner = runner
        self._approval = approval
        self._plan = plan
        self._replay = replay
        self._meter = meter
        self._flow = flow
        self._sources = sources

    @property
    def tools(self) -> dict[str, ToolDescription]:
        """What may be called, by name."""
        return {name: tool.description for name, tool in self._tools.items()}

    def estimated(self, tool: ToolDescription) -> ToolDescription:
        """A tool with how long its calls take as far as that was measured."""
        return msgspec.structs.replace(tool, estimate=self._runner.durations.estimate(tool))

    async def begun(self, identifier: str, name: str, *, caused_by: Sequence[Span]) -> Begun | None:
        """A call that works while its arguments are written; None where its tool cannot, or must not unasked."""
        tool = self._tools.get(name)
        if not isinstance(tool, StreamingTool) or not self._approval.permits(tool.description):
            return None
        if tool.description.permission != "read" and any(map(is_tainted, caused_by)):
            return None
        self._flow.tell(CallStarted(call=identifier, tool=name))
        return Begun(await self._runner.begin(tool), time.monotonic(), self._meter.written)

    async def outcome(self, call: Call, *, caused_by: Sequence[Span], begun: Begun | None = None) -> Outcome:
        """What a call comes to. One that was run before the run was interrupted is not run again."""
        outcome = await self._without_running(call, caused_by)
        if outcome is None:
            return await self._run(call, begun)
        if begun:
            await begun.streamed.abort()
        return outcome

    def remark_on(self, call: Call, result: ToolResult) -> str:
        """What to tell the model of a call that gives the same over and over; raises LoopDetected in the end."""
        return self._meter.remark_on(call, result)

    async def _without_running(self, call: Call, caused_by: Sequence[Span]) -> Outcome | None:
        if done := self._replay.result(call):
            return done
        if call.tool not in self._tools:
            return ToolResult(text=f"There is no tool '{call.tool}'; there are {_listed(self._tools)}.", error=True)
        if decided := self._replay.decision(call):
            return None if decided.approved else await self._denied(call, decided)
        description = self._tools[call.tool].description
        if not _fits(call, description):
            return None  # it is run to be refused: nobody need be asked
        return await self._approval.pending(call, description, caused_by=caused_by, plan=self._plan)

    async def _denied(self, call: Call, decided: Decided) -> ToolResult:
        reason = f" They said: {decided.reason}" if decided.reason else ""
        result = ToolResult(text=f"A person denied this call.{reason} Go on without it.", error=True)
        await self._flow.record(CallEnded(call=call, text=result.text, error=True))
        return result

    async def _run(self, call: Call, begun: Begun | None) -> ToolResult:
        tool = self._tools[call.tool]
        began, written = (begun.at, begun.written) if begun else (time.monotonic(), self._meter.written)
        if begun:
            result = await begun.streamed.finish(call.arguments)
        else:
            self._flow.tell(CallStarted(call=call.identifier, tool=call.tool))
            result = await self._runner.run(tool, call.arguments)
        if new := self._sources.untold(result.sources):
            self._flow.tell(SourcesFound(sources=new, call=call.identifier))
        ended = CallEnded(
            call=call,
            text=result.text,
            error=result.error,
            provenance=result.provenance,
            seconds=time.monotonic() - began,
            tokens_meanwhile=self._meter.written - written,
        )
        if tool.description.permission == "read":
            self._flow.tell(ended)
        else:
            await self._flow.record(ended)
        return result


def _fits(call: Call, tool: ToolDescription) -> bool:
    try:
        checked_arguments(tool, call.arguments)
    except JackfieldError:
        return False
    return True


def _listed(tools: Mapping[str, Tool]) -> str:
    return ", ".join(f"'{name}'" for name in tools) or "none"
