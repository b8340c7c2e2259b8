"""What an agent may use while it works: answers and calls, each put on record and given from there when resumed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from jackfield.contracts.agents import FREE_CHOICE, Turn
from jackfield.contracts.guards import Guard
from jackfield.contracts.protocols import CallProtocol
from jackfield.contracts.runs import RunRequest, ToolUse
from jackfield.contracts.sampling import Constraint
from jackfield.contracts.tools import CallMode, ToolChoice, ToolDescription, ToolResult
from jackfield.errors import ToolNotFound
from jackfield.events import Answered, Noted, PendingCall, Started
from jackfield.identifiers import new_identifier
from jackfield.messages import Call, Message, Span
from jackfield.runs.answer import Answer, Hearing, Written, refused_call
from jackfield.runs.answer_calls import AnswerCalls
from jackfield.runs.calls import RunCalls
from jackfield.runs.event_flow import EventFlow
from jackfield.runs.influence import Influence
from jackfield.runs.meter import RunMeter
from jackfield.runs.readable import Readable
from jackfield.runs.replay import Replay, digest
from jackfield.runs.run_model import Asked, RunModel
from jackfield.runs.suspension import Suspension
from jackfield.runs.told_text import ToldText
from jackfield.tools.provenance import is_tainted, tainted_spans


class RunHost:
    """Implements `jackfield.contracts.agents.AgentHost` for one run."""

    def __init__(
        self,
        request: RunRequest,
        *,
        model: RunModel,
        protocol: CallProtocol,
        mode: CallMode,
        calls: RunCalls,
        guards: Sequence[Guard],
        replay: Replay,
        meter: RunMeter,
        flow: EventFlow,
    ) -> None:
        self._request = request
        self._use = request.tools or ToolUse()
        self._model = model
        self._protocol = protocol
        self._mode = mode
        self._calls = calls
        self._readable = Readable(protocol.markers, guards)
        self._replay = replay
        self._meter = meter
        self._flow = flow
        self._told = ToldText(flow, replay.told)
        self.stop: str | None = None
        self._started = False
        self._under_way = 0
        self._suspended = False
        self._pending: list[PendingCall] = []
        self._idle = asyncio.Condition()
        self._influence = Influence()

    @property
    def tools(self) -> Mapping[str, ToolDescription]:
        """What the run may call, by name."""
        return self._calls.tools

    @property
    def choice(self) -> ToolChoice:
        """What the request says of calls."""
        return self._use.choice

    @property
    def folder(self) -> Path | None:
        """The folder that the run was given to work in."""
        return Path(self._use.folder) if self._use.folder else None

    async def answer(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[str] | None = None,
        choice: ToolChoice = FREE_CHOICE,
        constraint: Constraint | None = None,
        max_tokens: int | None = None,
        shown: bool = True,
    ) -> Turn:
        """One model answer, its calls run while it is written."""
        readable = self._readable.messages(messages)
        asked = Asked(
            messages=readable,
            tools=self._offered(tools),
            choice=choice,
            several=self._use.several,
            mode=self._mode,
            constraint=constraint or (self._request.constraint if shown else None),
            max_tokens=max_tokens or (self._request.max_tokens if shown else None),
            stop=self._request.stop if shown else (),
            influences=self._influence.behind(readable),
        )
        async with self._operation():
            turn = await self._turn(asked, shown=shown)
        self._influence.add((*asked.influences, *tainted_spans(turn.messages)))
        return turn

    async def call(
        self, tool: str, arguments: Mapping[str, Any], *, caused_by: Sequence[Span] | None = None
    ) -> ToolResult:
        """A call that the agent itself makes."""
        call = Call(identifier=new_identifier("call"), tool=tool, arguments=dict(arguments))
        async with self._operation():
            causes = self._influence.spans if caused_by is None else tuple(filter(is_tainted, caused_by))
            outcome = await self._calls.outcome(call, caused_by=causes)
            if isinstance(outcome, PendingCall):
                await self._suspend([outcome])
                raise AssertionError("a suspended run does not go on")
        self._influence.add([Span(outcome.text, outcome.provenance)])
        return outcome

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """How many tokens a conversation takes in the run's model."""
        return await self._model.count_tokens(messages)

    async def context_length(self) -> int:
        """The longest conversation, answer included, in tokens."""
        return await self._model.context_length()

    async def say(self, text: str) -> None:
        """Text of the run's answer that no model wrote."""
        self._told.tell(text)

    async def note(self, text: str) -> None:
        """A remark for those who watch."""
        if not self._replay.noted(text):
            self._flow.tell(Noted(text=text))

    def finish(self) -> None:
        """The agent is done: its answer is whole."""
        self._told.finish()

    async def _turn(self, asked: Asked, *, shown: bool) -> Turn:
        if shown:
            self._told.begin()
        recorded = self._replay.answer(_key(asked))
        if recorded:
            return await self._recorded_turn(asked, recorded, shown=shown)
        hearing = Hearing(
            flow=self._flow,
            meter=self._meter,
            readable=self._readable,
            begun=self._begun,
            told=self._told if shown else None,
        )
        callers = [tool.name for tool in self._use.callers]
        answer = Answer(self._model, self._protocol, asked, self._calls, hearing, callers=callers)
        try:
            written = await answer.written()
            if answer.calls.pending and self._protocol.injects:
                await self._suspend(answer.calls.pending)
            await self._flow.record(_answered(asked, written))
            answer.start_collected()
            return await self._finished_turn(written, answer.calls)
        finally:
            await answer.calls.close()

    async def _recorded_turn(self, asked: Asked, recorded: Answered, *, shown: bool) -> Turn:
        """An answer from the record, whose calls are settled: from there too, or by running them now."""
        self._meter.begin_answer()
        self._meter.answered(recorded.usage)
        if shown:
            self._told.tell(recorded.text)
        calls = AnswerCalls(self._calls, lambda call, outcome: None, lambda: None)
        try:
            callers = {tool.name for tool in self._use.callers}
            for call in recorded.message.calls if not self._protocol.injects else ():
                if call.tool not in callers:
                    calls.start(call, caused_by=asked.influences)
            return await self._finished_turn(
                Written(
                    message=recorded.message,
                    text=recorded.text,
                    reason=recorded.reason,
                    usage=recorded.usage,
                    refused=recorded.refused,
                    stop=recorded.stop,
                ),
                calls,
            )
        finally:
            await calls.close()

    async def _finished_turn(self, written: Written, calls: AnswerCalls) -> Turn:
        await calls.settle()
        self.stop = written.stop
        if calls.pending:
            await self._suspend(calls.pending)
        callers = {tool.name for tool in self._use.callers}
        open_calls = tuple(call for call in written.message.calls if call.tool in callers)
        return Turn(
            text=written.text,
            messages=(
                msgspec.structs.replace(written.message, calls=()),
                *(() if self._protocol.injects else self._results(written, calls)),
            ),
            calls=tuple(call for call in written.message.calls if call.tool not in callers),
            open_calls=open_calls,
            reason="tool_calls" if open_calls else written.reason,
        )

    def _results(self, written: Written, calls: AnswerCalls) -> list[Message]:
        """The results as turns, in the order in which their calls were written."""
        outcomes = [(call, calls.outcomes.get(call.identifier)) for call in written.message.calls]
        results = [(call, outcome) for call, outcome in outcomes if isinstance(outcome, ToolResult)]
        results += [
            (refused_call(refused.call), ToolResult(text=refused.reason, error=True)) for refused in written.refused
        ]
        return [self._protocol.result(call, result) for call, result in results]

    def _begun(self, prompt_tokens: int) -> None:
        if not self._started and not self._replay.resumes:
            self._flow.tell(Started(model=self._model.name, prompt_tokens=prompt_tokens))
        self._started = True

    def _offered(self, names: Sequence[str] | None) -> tuple[ToolDescription, ...]:
        ours = self._calls.tools
        for name in names or ():
            if name not in ours:
                raise ToolNotFound(f"The run has no tool '{name}'; it has {', '.join(ours) or 'none'}.")
        chosen = ours.values() if names is None else [ours[name] for name in names]
        return (*self._use.callers, *(self._calls.estimated(tool) for tool in chosen))

    @asynccontextmanager
    async def _operation(self) -> AsyncIterator[None]:
        if self._suspended:
            raise Suspension(self._pending)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            async with self._idle:
                self._idle.notify_all()

    async def _suspend(self, pending: Sequence[PendingCall]) -> None:
        """End the run's work once everything else that is under way has come to its end; raises Suspension."""
        self._pending += pending
        self._under_way -= 1
        try:
            async with self._idle:
                self._idle.notify_all()
                await self._idle.wait_for(lambda: self._under_way == 0)
        finally:
            self._under_way += 1
        self._suspended = True
        raise Suspension(self._pending)


def _answered(asked: Asked, written: Written) -> Answered:
    return Answered(
        asked=_key(asked),
        message=written.message,
        text=written.text,
        reason=written.reason,
        usage=written.usage,
        refused=written.refused,
        stop=written.stop,
    )


def _key(asked: Asked) -> str:
    """The same for what is asked again; how long tools take to answer may have changed since."""
    names = [tool.name for tool in asked.tools]
    return digest(asked.messages, names, asked.choice, asked.several, asked.constraint, asked.max_tokens)
