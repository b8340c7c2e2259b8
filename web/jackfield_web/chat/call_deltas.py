"""Calls as chat answers carry them, whole and piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jackfield.events import CallOpened, CallText, CallWritten
from jackfield.messages import Call
from jackfield_web.answers.written import arguments_text
from jackfield_web.chat.replies import (
    AnsweredCall,
    CallDelta,
    CalledFunction,
    Delta,
    FunctionDelta,
)


def answered_calls(calls: Sequence[Call]) -> list[AnsweredCall]:
    """Calls that the caller is to run."""
    return [AnsweredCall(id=call.identifier, function=called_function(call)) for call in calls]


def called_function(call: Call) -> CalledFunction:
    """A call without its identifier, as the older form has it."""
    return CalledFunction(name=call.tool, arguments=arguments_text(call))


class CallDeltas:
    """The deltas of one choice's calls, in the order in which they were opened.

    What was sent cannot be taken back: where an answer is cut short within a call, its pieces stand and the answer ends
    with the reason `length`, as OpenAI's do; a whole answer leaves the call out.
    """

    def __init__(self, *, old_style: bool) -> None:
        self._old_style = old_style
        self._indexes: dict[str, int] = {}
        self._with_text: set[str] = set()

    def deltas(self, event: CallOpened | CallText | CallWritten) -> Iterator[Delta]:
        """What one event adds; a call that was not written piece by piece comes as one piece."""
        match event:
            case CallOpened(call=identifier, tool=tool):
                yield self._opening(identifier, tool)
            case CallText(call=identifier, text=text) if text:
                self._with_text.add(identifier)
                yield self._piece(identifier, text)
            case CallWritten(call=call, ours=False):
                if call.identifier not in self._indexes:
                    yield self._opening(call.identifier, call.tool)
                if call.identifier not in self._with_text:
                    yield self._piece(call.identifier, arguments_text(call))

    def _opening(self, identifier: str, tool: str) -> Delta:
        index = self._indexes[identifier] = len(self._indexes)
        function = FunctionDelta(name=tool, arguments="")
        if self._old_style:
            return Delta(function_call=function)
        return Delta(tool_calls=[CallDelta(index=index, id=identifier, type="function", function=function)])

    def _piece(self, identifier: str, text: str) -> Delta:
        function = FunctionDelta(arguments=text)
        if self._old_style:
            return Delta(function_call=function)
        return Delta(tool_calls=[CallDelta(index=self._indexes[identifier], function=function)])
