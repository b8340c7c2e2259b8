"""One call while it is written: its name, the text of its arguments, how it ends."""

from __future__ import annotations

import json
from typing import Any

from jackfield.contracts.protocols import CallArguments, CallBroken, CallClosed, CallOpened, Recognised
from jackfield.identifiers import new_identifier
from jackfield.messages import Call
from jackfield_plugins.function_calls.json_scanner import WHITE, JsonScanner


class ArgumentsFault(Exception):
    """Arguments that are no JSON object; the sentence says what they are."""


class WrittenCall:
    """A call whose tool is known; what its methods give is to be told in that order."""

    def __init__(self, tool: str, *, own_identifier: str = "") -> None:
        self._tool = tool
        self._identifier = new_identifier("call") + (f"_{own_identifier}" if own_identifier else "")
        self._arguments = ""

    def opened(self) -> list[Recognised]:
        """That it began."""
        return [CallOpened(self._identifier, self._tool)]

    def more(self, text: str) -> list[Recognised]:
        """More of its arguments."""
        if not self._arguments:
            text = text.lstrip(WHITE)
        self._arguments += text
        return [CallArguments(self._identifier, text)] if text else []

    def closed(self, written: str) -> list[Recognised]:
        """That its arguments are whole, or why they are none; `written` is all that was written of the call."""
        try:
            arguments = parsed_object(self._arguments)
        except ArgumentsFault as fault:
            return self.broken(written, str(fault))
        return [CallClosed(Call(identifier=self._identifier, tool=self._tool, arguments=arguments))]

    def broken(self, written: str, reason: str) -> list[Recognised]:
        """That it came to nothing."""
        return [CallBroken(self._identifier, written, reason)]


def parsed_object(text: str) -> dict[str, Any]:
    """Strict JSON as an object; raises ArgumentsFault."""
    try:
        parsed = json.loads(text)
        text.encode()
        json.dumps(parsed, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ArgumentsFault("The arguments hold half of a surrogate pair, which is no text.") from error
    except (ValueError, RecursionError) as error:
        raise ArgumentsFault(f"The arguments are not valid JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise ArgumentsFault("The arguments must be a JSON object with the parameters by name.")
    return parsed


def whole_arguments(text: str) -> str:
    """Arguments in one piece as the text of an object: they may be null, or a text that holds the JSON.

    Raises ArgumentsFault.
    """
    value = json.loads(text or "null")
    if value is None:
        return "{}"
    if not isinstance(value, str):
        raise ArgumentsFault("The arguments must be a JSON object with the parameters by name.")
    return strict_json(value.strip()) if value.strip() else "{}"


def strict_json(text: str) -> str:
    """A whole JSON value, mended; raises ArgumentsFault with the place where it breaks."""
    scanner = JsonScanner()
    written = ""
    for place, char in enumerate(text):
        written += "".join(piece for _, piece in scanner.read(char))
        if scanner.fault:
            raise ArgumentsFault(scanner.fault)
        if scanner.done:
            if text[place + 1 :].strip():
                raise ArgumentsFault(f"The JSON ends at character {place + 1}, but more is written behind it.")
            return written
    raise ArgumentsFault(f"The JSON ends too early: expected {scanner.unfinished}.")
