"""What a task itself asks for, told by a model that has read nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

from jackfield.contracts.protocols import CallClosed, CallProtocol, CallRecogniser
from jackfield.contracts.tools import ToolDescription
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.request import Broken, Delta, Ended, Parked, Stopped
from jackfield.events import Answered, Usage
from jackfield.messages import Call, Message
from jackfield.runs.event_flow import EventFlow
from jackfield.runs.meter import RunMeter, sum_of
from jackfield.runs.replay import Replay, digest
from jackfield.runs.run_model import Asked, RunModel
from jackfield.tools.provenance import commanding

QUESTION = (
    "Before you begin: which calls will this task need? Nothing is run yet. List every call of the whole task now, "
    'from the first to the last, also those that wait for a result; write "?" for a text that you do not know yet.'
)

LONGEST = 512
"""Tokens of a plan."""


class RunPlan:
    """The calls that a run's task needs; asked of the model once, with nothing tainted before its eyes."""

    def __init__(
        self,
        model: RunModel,
        protocol: CallProtocol,
        meter: RunMeter,
        replay: Replay,
        flow: EventFlow,
        task: Sequence[Message],
        tools: Sequence[ToolDescription],
    ) -> None:
        self._model = model
        self._protocol = protocol
        self._meter = meter
        self._replay = replay
        self._flow = flow
        self._task = commanding(task)
        self._tools = tuple(tools)
        self._calls: tuple[Call, ...] | None = None
        self._one_at_a_time = asyncio.Lock()

    async def calls(self) -> tuple[Call, ...]:
        """The plan; empty where there is no task that may command."""
        async with self._one_at_a_time:
            if self._calls is None:
                self._calls = await self._asked_for() if self._task else ()
            return self._calls

    async def _asked_for(self) -> tuple[Call, ...]:
        question = Message.of("user", QUESTION)
        self._meter.begin_answer()
        left = self._meter.tokens_left
        longest = LONGEST if left is None else min(LONGEST, left)
        asked = Asked(messages=(*self._task, question), tools=self._tools, mode="parallel", max_tokens=longest)
        shown = await self._model.presentation(self._protocol, asked)
        key = digest(QUESTION, asked.messages, [tool.name for tool in self._tools])
        if recorded := self._replay.answer(key):
            self._meter.answered(recorded.usage)
            return recorded.message.calls
        covered: list[Usage] = []

        async def cover(most: Usage) -> None:
            covered.append(most)
            await self._meter.cover(most)

        handle, _ = await self._model.submit(asked, shown, cover)
        calls, usage = await self._read(handle, self._protocol.recogniser(self._tools, choice=asked.choice))
        self._meter.answered(usage, covered=sum_of(*covered))
        message = Message(role="assistant", spans=(), calls=calls)
        await self._flow.record(Answered(asked=key, message=message, text="", reason="stop", usage=usage))
        return calls

    async def _read(self, handle: SequenceHandle, recogniser: CallRecogniser) -> tuple[tuple[Call, ...], Usage]:
        calls: list[Call] = []
        used = Usage(prompt_tokens=0, completion_tokens=0)
        async with aclosing(handle.deliveries()) as deliveries:
            async for delivery in deliveries:
                match delivery:
                    case Delta(text=text):
                        calls += _closed(recogniser.feed(text))
                    case Parked():
                        handle.cancel()
                    case Ended(usage=usage) | Stopped(usage=usage):
                        used = usage
                    case Broken(error=error):
                        raise error
        return (*calls, *_closed(recogniser.finish())), used


def _closed(items: Sequence[object]) -> list[Call]:
    return [item.call for item in items if isinstance(item, CallClosed)]
