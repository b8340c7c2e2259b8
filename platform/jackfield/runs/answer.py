"""One answer while it is written: its text told, its calls started, results put in where the protocol has it so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import aclosing

import msgspec

from jackfield.contracts.agents import FREE_CHOICE
from jackfield.contracts.protocols import (
    AnswerText,
    CallArguments,
    CallBroken,
    CallClosed,
    CallOpened,
    CallProtocol,
    Presentation,
    Recognised,
    Trapped,
)
from jackfield.contracts.tools import ToolResult
from jackfield.decoding.handle import SequenceHandle
from jackfield.decoding.request import Admitted, Broken, Delta, Ended, Injected, Parked, Stopped
from jackfield.errors import JackfieldError, RunCancelled
from jackfield.events import CallOpened as CallOpenedEvent
from jackfield.events import CallRefused, CallText, CallWritten, FinishReason, TokenScore, Usage
from jackfield.messages import Call, Message, Span
from jackfield.runs.answer_calls import AnswerCalls
from jackfield.runs.calls import Outcome, RunCalls
from jackfield.runs.event_flow import EventFlow
from jackfield.runs.insertions import Insertions, Reply
from jackfield.runs.meter import NOTHING, RunMeter, sum_of
from jackfield.runs.readable import Readable
from jackfield.runs.run_model import Asked, RunModel
from jackfield.runs.told_text import ToldText


class Hearing(msgspec.Struct, frozen=True, kw_only=True):
    """Who hears of an answer while it is written, and what a model may read; without `told` nobody is shown its text.

    `begun` is told the number of tokens of each prompt.
    """

    flow: EventFlow
    meter: RunMeter
    readable: Readable
    begun: Callable[[int], None]
    told: ToldText | None


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer: all that was written as `message`, the part of it that is no call as `text`."""

    message: Message
    text: str
    reason: FinishReason
    usage: Usage
    refused: tuple[CallRefused, ...] = ()
    stop: str | None = None


class Answer:
    """Decodes one answer of a run. Calls of `callers` are told of and left to the caller."""

    def __init__(
        self,
        model: RunModel,
        protocol: CallProtocol,
        asked: Asked,
        calls: RunCalls,
        hearing: Hearing,
        *,
        callers: Sequence[str] = (),
    ) -> None:
        self._model = model
        self._protocol = protocol
        self._asked = asked
        self._hearing = hearing
        self._callers = frozenset(callers)
        self.calls = AnswerCalls(calls, self._on_outcome, self._on_fault)
        self._recogniser = protocol.recogniser(asked.tools, choice=asked.choice)
        self._handle: SequenceHandle | None = None
        self._reply = Reply()
        self._insertions = Insertions(self._reply, model.injectable, self._fail)
        self._text: list[str] = []
        self._written: list[Call] = []
        self._refused: list[CallRefused] = []
        self._collected: list[Call] = []
        self._usage: list[Usage] = []
        self._counted = NOTHING
        self._covered = NOTHING
        self._scores: list[TokenScore] = []
        self._unsaid = 0
        self._parked = False
        self._enough = False
        self._failure: JackfieldError | None = None
        self._certain = False
        self._stop: str | None = None

    async def written(self) -> Written:
        """The answer, once the model has ended it; its calls may still run. Raises what decoding raises."""
        shown = await self._model.presentation(self._protocol, self._asked)
        self._certain = shown.constraint is not None
        reason = await self._decoded(shown)
        while await self._continues(reason):
            self._enough = False
            choice = self._asked.choice if self._asked.choice.mode == "none" else FREE_CHOICE
            self._recogniser = self._protocol.recogniser(self._asked.tools, choice=choice)
            so_far = shown.reply_starts + self._reply.text
            reason = await self._decoded(msgspec.structs.replace(shown, reply_starts=so_far, constraint=None))
        message = Message(role="assistant", spans=self._spans(shown), calls=tuple(self._written))
        return Written(
            message=message,
            text="".join(self._text),
            reason=reason,
            usage=sum_of(*self._usage),
            refused=tuple(self._refused),
            stop=self._stop,
        )

    async def _decoded(self, shown: Presentation) -> FinishReason:
        """Decode until the model ends, or enough is written; why it ended."""
        self._hearing.meter.begin_answer()
        asked = msgspec.structs.replace(self._asked, max_tokens=self._room())
        self._handle, prompt_tokens = await self._model.submit(asked, shown, self._cover)
        reason: FinishReason = "stop"
        async with aclosing(self._handle.deliveries()) as deliveries:
            self._hearing.begun(prompt_tokens)
            self._count(read=prompt_tokens)
            async for delivery in deliveries:
                match delivery:
                    case Delta():
                        await self._read(delivery)
                    case Injected():
                        self._parked = False
                        self._insertions.put_in(delivery.tokens)
                        await self._cover(Usage(prompt_tokens=delivery.tokens, completion_tokens=0))
                    case Parked():
                        self._park()
                    case Ended():
                        reason, self._stop = delivery.reason, delivery.stop
                        self._account(delivery.usage)
                    case Stopped():
                        self._account(delivery.usage)
                        self._check_stop()
                    case Broken():
                        raise delivery.error
                    case Admitted():
                        pass
        self._check_end(reason)
        for item in () if self._enough else self._recogniser.finish():
            await self._take(item)
        return reason

    def _check_end(self, reason: FinishReason) -> None:
        """Raise what ended an answer that is neither whole nor as long as it was asked to be."""
        if self._failure:
            raise self._failure
        most, written = self._asked.max_tokens, sum_of(*self._usage).completion_tokens
        if reason == "length" and (most is None or written < most):
            self._hearing.meter.check_tokens()

    async def _continues(self, reason: FinishReason) -> bool:
        """Whether results came that the model has not read yet, where this protocol puts them into the answer."""
        if not self._protocol.injects:
            return False
        self.start_collected()
        await self.calls.settle()
        self._parked = False
        came = self._insertions.take()
        return came and reason != "length" and not (self.calls.pending or self._left_to_caller)

    async def _read(self, delta: Delta) -> None:
        if self._enough:
            return
        self._count(wrote=delta.tokens)
        self._unsaid += delta.tokens
        self._scores += delta.scores
        self._reply.wrote(delta.text)
        for item in self._recogniser.feed(delta.text):
            await self._take(item)

    async def _take(self, item: Recognised) -> None:
        if self._enough:
            return
        match item:
            case AnswerText():
                self._tell(item.text)
            case CallOpened():
                await self._open(item)
            case CallArguments():
                await self._read_arguments(item)
            case CallClosed():
                self._close(item.call)
            case CallBroken():
                await self._refuse(item)
            case Trapped():
                if self._left_to_caller:
                    self._stop_writing()

    def _tell(self, text: str) -> None:
        self._text.append(text)
        if self._hearing.told:
            self._hearing.told.tell(text, tokens=self._unsaid, scores=tuple(self._scores))
        self._unsaid, self._scores = 0, []

    async def _open(self, opened: CallOpened) -> None:
        if opened.tool not in self._callers:
            await self.calls.open(opened.identifier, opened.tool, caused_by=self._causes())
        elif self._certain:
            self._hearing.flow.tell(CallOpenedEvent(call=opened.identifier, tool=opened.tool))

    async def _read_arguments(self, more: CallArguments) -> None:
        await self.calls.read_on(more.identifier, more.text)
        if self._certain and self._callers:
            self._hearing.flow.tell(CallText(call=more.identifier, text=more.text))

    def _close(self, call: Call) -> None:
        ours = call.tool not in self._callers
        if not ours and not self._certain:
            self._hearing.flow.tell(CallOpenedEvent(call=call.identifier, tool=call.tool))
            text = msgspec.json.encode(call.arguments).decode()
            self._hearing.flow.tell(CallText(call=call.identifier, text=text))
        self._hearing.flow.tell(CallWritten(call=call, ours=ours))
        self._written.append(call)
        if ours and (self._asked.mode == "async" or (self._asked.mode == "sync" and self._protocol.injects)):
            self.calls.start(call, caused_by=self._causes())
        elif ours:
            self._collected.append(call)
        # One at a time, an answer goes on only behind a call whose result is put into it.
        ends = not ours if self._protocol.injects else ours
        if not self._asked.several or (self._asked.mode == "sync" and ends):
            self._stop_writing()

    async def _refuse(self, broken: CallBroken) -> None:
        identifier = broken.identifier or f"refused_{len(self._refused) + 1}"
        await self.calls.abort(identifier)
        refused = CallRefused(call=identifier, reason=broken.reason)
        self._hearing.flow.tell(refused)
        self._refused.append(refused)
        if self._protocol.injects:
            self._on_outcome(refused_call(identifier), ToolResult(text=broken.reason, error=True))

    def _stop_writing(self) -> None:
        self._enough = True
        if self._handle:
            self._handle.cancel()

    def start_collected(self) -> None:
        """Run the calls that waited for the answer to end."""
        collected, self._collected = self._collected, []
        for call in collected:
            self.calls.start(call, caused_by=self._causes())

    def _park(self) -> None:
        self._parked = True
        self.start_collected()
        self._unpark_if_idle()

    def _unpark_if_idle(self) -> None:
        """Let a parked model go on once nothing that it could wait for is on its way."""
        if not self._parked or self.calls.running or self._insertions.under_way or self._handle is None:
            return
        self._parked = False
        if self.calls.pending:
            self._stop_writing()
        else:
            self._handle.resume()

    @property
    def _left_to_caller(self) -> bool:
        """Whether the answer holds a call whose result only another request can bring."""
        return any(call.tool in self._callers for call in self._written)

    def _on_outcome(self, call: Call, outcome: Outcome) -> None:
        """A call came to something: tell the model at once where its protocol has it so."""
        if not self._protocol.injects:
            return
        if isinstance(outcome, ToolResult):
            self._insertions.hold(self._hearing.readable.message(self._protocol.result(call, outcome)))
        if self._asked.mode != "parallel" or not (self.calls.running or self._collected):
            self._insertions.hand_over(self._handle)
        self._unpark_if_idle()

    def _on_fault(self) -> None:
        """A call ends the run: nothing more needs to be written."""
        self._stop_writing()

    def _fail(self, error: JackfieldError) -> None:
        self._failure = error
        self._stop_writing()

    def _check_stop(self) -> None:
        if not self._enough:
            raise RunCancelled("The run was cancelled before its answer was whole.")

    def _account(self, usage: Usage) -> None:
        self._usage.append(usage)
        counted, self._counted = self._counted, NOTHING
        covered, self._covered = self._covered, NOTHING
        self._hearing.meter.answered(usage, counted=counted, covered=covered)

    async def _cover(self, most: Usage) -> None:
        self._covered = sum_of(self._covered, most)
        await self._hearing.meter.cover(most)

    def _count(self, *, read: int = 0, wrote: int = 0) -> None:
        self._counted = sum_of(self._counted, Usage(prompt_tokens=read, completion_tokens=wrote))
        self._hearing.meter.count(read=read, wrote=wrote)

    def _spans(self, shown: Presentation) -> tuple[Span, ...]:
        begun = [Span(shown.reply_starts, "assistant")] if shown.reply_starts else []
        return (*begun, *self._reply.spans)

    def _causes(self) -> tuple[Span, ...]:
        """The tainted spans that the model has read by now."""
        return (*self._asked.influences, *self._reply.read)

    def _room(self) -> int | None:
        """How many tokens may still be written: under the answer's limit and the run's."""
        written = sum_of(*self._usage).completion_tokens
        most = self._asked.max_tokens or self._hearing.meter.longest_answer
        limits = [most and most - written, self._hearing.meter.tokens_left]
        return min((max(1, limit) for limit in limits if limit is not None), default=None)


def refused_call(identifier: str) -> Call:
    """What stands for a call that could not be read, where a result must name one."""
    return Call(identifier=identifier, tool="unknown", arguments={})
