"""Calls in a chat's history: as clients send them back, and as Jackfield has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.errors import InvalidRequest
from jackfield.messages import Call

OLD_CALL = "function_call"
"""What a call of OpenAI's older style is named in, which has no identifier."""


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A function's name and the arguments for it."""

    name: str
    arguments: Annotated[str, Meta(description="The JSON text of an object.")]
    parsed_arguments: Annotated[Any, Meta(description="What OpenAI's client made of the arguments; not read.")] = None


class ToolCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call as it was answered."""

    id: Annotated[str, Meta(min_length=1)]
    type: Literal["function"] = "function"
    function: FunctionCall
    index: Annotated[int, Meta(description="Its place among the calls of a streamed answer; not read.")] | None = None


class CallLedger:
    """The calls that a conversation has made so far, and which of them were answered."""

    def __init__(self) -> None:
        self._open: dict[str, str] = {}
        self._answered: set[str] = set()

    def written(self, call: ToolCall, place: str) -> Call:
        """Take note of a call; raises InvalidRequest for arguments that are no object, or an identifier in use."""
        if call.id in self._open:
            raise InvalidRequest(f"'{place}.id' is '{call.id}', as is another call's.", parameter=f"{place}.id")
        return self._noted(call.id, call.function, f"{place}.function")

    def written_in_old_style(self, call: FunctionCall, place: str, number: int) -> Call:
        """Take note of a call that has no identifier, in the message of this number."""
        return self._noted(f"{OLD_CALL}_{number}", call, f"{place}.{OLD_CALL}")

    def answered(self, identifier: str, place: str) -> str:
        """The name of the tool whose call is answered; raises InvalidRequest unless it waits for its answer."""
        parameter = f"{place}.tool_call_id"
        if identifier in self._answered:
            raise InvalidRequest(f"'{parameter}': call '{identifier}' was answered before.", parameter=parameter)
        if identifier not in self._open:
            sentence = (
                f"'{parameter}' answers call '{identifier}', and no assistant message before it makes that call; "
                "send the message with its 'tool_calls' too."
            )
            raise InvalidRequest(sentence, parameter=parameter)
        self._answered.add(identifier)
        return self._open.pop(identifier)

    def answered_in_old_style(self, name: str, place: str) -> str:
        """The identifier of the last open call of a function; raises InvalidRequest where there is none."""
        waiting = [identifier for identifier, tool in self._open.items() if tool == name]
        if not waiting:
            sentence = (
                f"'{place}.name' answers a call of '{name}', and no assistant message before it makes one; "
                "send the message with its 'function_call' too."
            )
            raise InvalidRequest(sentence, parameter=f"{place}.name")
        self.answered(waiting[-1], place)
        return waiting[-1]

    def _noted(self, identifier: str, call: FunctionCall, place: str) -> Call:
        arguments = _object(call.arguments, f"{place}.arguments")
        self._open[identifier] = call.name
        self._answered.discard(identifier)
        return Call(identifier=identifier, tool=call.name, arguments=arguments)


def _object(text: str, parameter: str) -> dict[str, Any]:
    """A call's arguments; no text at all stands for none, as some clients have it."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        sentence = f"'{parameter}' is not the JSON text of an object; send the call as it was answered."
        raise InvalidRequest(sentence, parameter=parameter) from error
