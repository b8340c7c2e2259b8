"""Calls in a chat's history: as clients send them back, and as Jackfield has them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jackfield.errors import InvalidRequest
from jackfield.messages import Call
from jackfield_web.call_ledger import CallLedger, arguments_object

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


def written_call(call: ToolCall, place: str, ledger: CallLedger) -> Call:
    """A call, noted in the ledger; raises InvalidRequest for arguments that are no object, or an identifier in use."""
    return ledger.write(_call(call.id, call.function, f"{place}.function"), f"{place}.id")


def written_call_in_old_style(call: FunctionCall, place: str, number: int, ledger: CallLedger) -> Call:
    """A call that has no identifier, in the message of this number."""
    return ledger.rewrite(_call(f"{OLD_CALL}_{number}", call, f"{place}.{OLD_CALL}"))


def answered_call(identifier: str, place: str, ledger: CallLedger) -> str:
    """The name of the tool whose call is answered; raises InvalidRequest unless it waits for its answer."""
    resend = "no assistant message before it makes that call; send the message with its 'tool_calls' too."
    return ledger.answer(identifier, f"{place}.tool_call_id", resend=resend)


def answered_call_in_old_style(name: str, place: str, ledger: CallLedger) -> str:
    """The identifier of the last open call of a function; raises InvalidRequest where there is none."""
    identifier = ledger.last_of(name)
    if identifier is None:
        sentence = (
            f"'{place}.name' answers a call of '{name}', and no assistant message before it makes one; "
            "send the message with its 'function_call' too."
        )
        raise InvalidRequest(sentence, parameter=f"{place}.name")
    answered_call(identifier, place, ledger)
    return identifier


def _call(identifier: str, call: FunctionCall, place: str) -> Call:
    arguments = arguments_object(call.arguments, f"{place}.arguments")
    return Call(identifier=identifier, tool=call.name, arguments=arguments)
