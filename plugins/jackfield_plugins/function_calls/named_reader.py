"""Calls whose name stands before JSON or Qwen3-Coder's `<parameter=…>` blocks: in `<function=NAME>` tags or bare."""

from __future__ import annotations

import json
import re
from typing import Any

from jackfield.contracts.protocols import CallBroken, Recognised
from jackfield_plugins.function_calls.call_reader import Outcome
from jackfield_plugins.function_calls.json_scanner import WHITE, JsonScanner
from jackfield_plugins.function_calls.known_tools import KnownTools
from jackfield_plugins.function_calls.written_call import ArgumentsFault, WrittenCall, strict_json

CLOSING = "</function>"
OPENING = re.compile(r"<function=([^<>\n]{1,256})>")

_PARAMETER = re.compile(r"<parameter=([^<>\n]{1,256})>(.*?)(?:</parameter>|(?=<parameter=)|(?=</function>))", re.DOTALL)
_PARAMETER_TAG = "<parameter="


class NamedReader:
    """One call whose name stands before its arguments; what is fed begins behind `opening`. `rest` is what follows it.

    Without a `closing` text the call ends with its arguments.
    """

    def __init__(self, tools: KnownTools, name: str, opening: str, closing: str) -> None:
        self.outcome: Outcome = ""
        self.rest = ""
        self._tools = tools
        self._name = name
        self._closing = closing
        self._written = opening
        self._scanner: JsonScanner | None = None
        self._parameters = 0
        self._call = WrittenCall(name) if name in tools else None
        self._reason = "" if self._call else tools.unknown(name)
        self._opened = False

    def feed(self, text: str) -> list[Recognised]:
        """What more text made certain."""
        self.rest += text
        told: list[Recognised] = []
        if self._call and not self._opened:
            self._opened = True
            told += self._call.opened()
        while not self.outcome and self._step(told):
            pass
        return told

    def finish(self) -> list[Recognised]:
        """The answer ended here."""
        self._take(len(self.rest))
        if self._scanner is None or not self._scanner.done:
            self._reason = self._reason or "The answer ended in the middle of the call."
        return self._ended()

    def _step(self, told: list[Recognised]) -> bool:
        """Take what can be taken; whether that was anything."""
        if self._reason:
            return self._to_closing(told)
        if self._scanner is not None and not self._scanner.done:
            return self._json(self._scanner, told)
        if self._scanner is not None and not self._closing:
            told += self._ended()
            return True
        self._take(len(self.rest) - len(self.rest.lstrip(WHITE)))
        return bool(self.rest) and self._arguments(told)

    def _arguments(self, told: list[Recognised]) -> bool:
        """What begins here: arguments, or the closing text behind them."""
        if self._closing and self.rest.startswith(self._closing):
            return self._to_closing(told)
        if self.rest[0] == "{" and self._scanner is None and not self._parameters:
            self._scanner = JsonScanner()
            return True
        if self.rest[0] == "}" and self._scanner is not None:
            self._take(1)
            return True
        if self._scanner is None and self.rest.startswith(_PARAMETER_TAG):
            return self._parameter(told)
        if any(tag.startswith(self.rest) for tag in (self._closing, _PARAMETER_TAG)):
            return False
        self._reason = f"Between the tags of a call stand its arguments, not {self.rest[:1]!r}."
        return True

    def _json(self, scanner: JsonScanner, told: list[Recognised]) -> bool:
        text = ""
        while self.rest and not scanner.done and not scanner.fault:
            text += "".join(piece for _, piece in scanner.read(self._take(1)))
        if self._call:
            told += self._call.more(text)
        self._reason = scanner.fault
        return scanner.done or bool(scanner.fault)

    def _parameter(self, told: list[Recognised]) -> bool:
        found = _PARAMETER.match(self.rest)
        if not found:
            return False
        self._take(found.end())
        before = ", " if self._parameters else "{"
        self._parameters += 1
        value = _typed(found[2], self._tools.schema_of(self._name, found[1]))
        if self._call:
            told += self._call.more(f"{before}{json.dumps(found[1], ensure_ascii=False)}: {value}")
        return True

    def _to_closing(self, told: list[Recognised]) -> bool:
        place = self.rest.find(self._closing) if self._closing else -1
        if place < 0:
            return False
        self._take(place + len(self._closing))
        if self._call and self._scanner is None and not self._reason:
            told += self._call.more("}" if self._parameters else "{}")
        told += self._ended()
        return True

    def _ended(self) -> list[Recognised]:
        if self._call is None:
            self.outcome = "broken"
            return [CallBroken(None, self._written, self._reason)]
        told = self._call.broken(self._written, self._reason) if self._reason else self._call.closed(self._written)
        self.outcome = "broken" if isinstance(told[-1], CallBroken) else "closed"
        return told

    def _take(self, count: int) -> str:
        taken, self.rest = self.rest[:count], self.rest[count:]
        self._written += taken
        return taken


def _typed(written: str, schema: dict[str, Any]) -> str:
    """A parameter's text as JSON: as it stands where the schema wants a text, else as the value that it spells."""
    text = written.removeprefix("\n").removesuffix("\n")
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if wanted == ["string"]:
        return json.dumps(text, ensure_ascii=False)
    try:
        return strict_json(text.strip() + ("" if text.strip()[-1:] in ('"', "]", "}") else " "))
    except ArgumentsFault:
        return json.dumps(text, ensure_ascii=False)
