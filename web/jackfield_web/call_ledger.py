"""The calls that a conversation has made so far, and which of them were answered."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from jackfield.errors import InvalidRequest
from jackfield.messages import Call, Message


class CallLedger:
    """Takes note of calls and of their answers, in the order of the conversation."""

    def __init__(self, earlier: Iterable[Message] = ()) -> None:
        """`earlier` are messages that stand before those that are read now."""
        self._open: dict[str, str] = {}
        self._answered: set[str] = set()
        for message in earlier:
            self._open |= {call.identifier: call.tool for call in message.calls}
            if message.answers is not None and self._open.pop(message.answers, None) is not None:
                self._answered.add(message.answers)

    def write(self, call: Call, parameter: str) -> Call:
        """Take note of a call; raises InvalidRequest for an identifier that another open call has."""
        if call.identifier in self._open:
            sentence = f"'{parameter}' is '{call.identifier}', as is another call's."
            raise InvalidRequest(sentence, parameter=parameter)
        return self.rewrite(call)

    def rewrite(self, call: Call) -> Call:
        """Take note of a call whose identifier may be another's, which it then replaces."""
        self._open[call.identifier] = call.tool
        self._answered.discard(call.identifier)
        return call

    def answer(self, identifier: str, parameter: str, *, resend: str) -> str:
        """The name of the tool whose call is answered; raises InvalidRequest unless it waits for its answer.

        `resend` says what to send along, where the call is not in the conversation.
        """
        if identifier in self._answered:
            raise InvalidRequest(f"'{parameter}': call '{identifier}' was answered before.", parameter=parameter)
        if identifier not in self._open:
            sentence = f"'{parameter}' answers call '{identifier}', and {resend}"
            raise InvalidRequest(sentence, parameter=parameter)
        self._answered.add(identifier)
        return self._open.pop(identifier)

    def last_of(self, tool: str) -> str | None:
        """The identifier of the last open call of a tool."""
        return next((identifier for identifier, name in reversed(self._open.items()) if name == tool), None)


def arguments_object(text: str, parameter: str) -> dict[str, Any]:
    """A call's arguments from their JSON text; no text at all stands for none, as some clients have it."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        sentence = f"'{parameter}' is not the JSON text of an object; send the call as it was answered."
        raise InvalidRequest(sentence, parameter=parameter) from error
