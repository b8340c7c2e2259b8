"""Reads one call that is written as a JSON object with a name and arguments."""

from __future__ import annotations

import json
from typing import Literal

from jackfield.contracts.protocols import CallBroken, Recognised
from jackfield_plugins.function_calls.json_scanner import JsonScanner
from jackfield_plugins.function_calls.known_tools import KnownTools
from jackfield_plugins.function_calls.written_call import ArgumentsFault, WrittenCall, whole_arguments

NAMES = ("name", "function")
ARGUMENTS = ("arguments", "parameters")
ASIDE = ("type", "id")
"""Fields that some models write beside a call's own."""

Outcome = Literal["", "closed", "broken", "no call"]


class CallReader:
    """`outcome` says how it ended, and is "" while more is to come.

    What stands where only a call may stand is broken if it is none. With `doubtful`, what turns out not to be a call of
    a known tool is "no call", and nothing was told of it. With `only_shaped` its name must come first, its arguments
    next.
    """

    def __init__(self, tools: KnownTools, *, doubtful: bool, only_shaped: bool = False) -> None:
        self.outcome: Outcome = ""
        self.took_last = True
        self._tools = tools
        self._doubtful = doubtful
        self._only_shaped = only_shaped
        self._scanner = JsonScanner()
        self._written = ""
        self._fields: dict[str, str] = {}
        self._told = 0
        self._name: str | None = None
        self._call: WrittenCall | None = None

    @property
    def whole(self) -> bool:
        """Whether a whole JSON object was read, call or not."""
        return self._scanner.done

    def read(self, char: str) -> list[Recognised]:
        """What one more character made certain; `took_last` is False where it was no part of the call."""
        self._written += char
        pieces = self._scanner.read(char)
        if self._scanner.fault:
            return self._faulty()
        for field, text in pieces:
            if field:
                self._fields[field] = self._fields.get(field, "") + text
        told = self._name_if_whole()
        if self.outcome:
            return told
        told += self._arguments_so_far()
        return told + self._ended() if self._scanner.done else told

    def finish(self) -> list[Recognised]:
        """The answer ended here."""
        if self._scanner.only_frame_open and self._arguments_whole:
            return self._ended()
        return self._broken(f"The answer ended in the middle of the call: expected {self._scanner.unfinished}.")

    def _faulty(self) -> list[Recognised]:
        if self._scanner.only_frame_open and self._arguments_whole:
            self._written = self._written[:-1]
            self.took_last = False
            return self._ended()
        return self._broken(self._scanner.fault)

    @property
    def _arguments_whole(self) -> bool:
        return self._name is not None and any(field in self._scanner.finished for field in ARGUMENTS)

    @property
    def _arguments_field(self) -> str:
        """The field that the arguments are in, "" before it begins."""
        return next((field for field in self._fields if field in ARGUMENTS), "")

    def _name_if_whole(self) -> list[Recognised]:
        """Take the name once it is there; give up where there can be none."""
        if self._doubtful and self._call is None and self._has_foreign_field():
            self.outcome = "no call"
            return []
        field = next((field for field in NAMES if field in self._scanner.finished), None)
        if self._name is not None or field is None:
            return []
        name = _text(self._fields[field])
        respelled = self._only_shaped and self._fields[field].strip() != json.dumps(name, ensure_ascii=False)
        if name in self._tools and not respelled:
            self._name = name
        elif self._doubtful:
            self.outcome = "no call"
        else:
            self._name = name or ""
        return []

    def _has_foreign_field(self) -> bool:
        field = self._scanner.field
        if not self._only_shaped:
            return bool(field) and field not in (*NAMES, *ARGUMENTS, *ASIDE)
        named = any(name in self._fields for name in NAMES)
        return bool(field) and field not in NAMES and not (named and field in ARGUMENTS)

    def _arguments_so_far(self) -> list[Recognised]:
        """Open the call where its tool is certain, and tell what came of its arguments."""
        if self._name not in self._tools or self._name is None:
            return []
        field = self._arguments_field
        text = self._fields.get(field, "").lstrip()
        streams = text.startswith("{")
        told: list[Recognised] = []
        if self._call is None and (streams or not self._doubtful):
            self._call = WrittenCall(self._name)
            told += self._call.opened()
        if self._call and streams and len(text) > self._told:
            told += self._call.more(text[self._told :])
            self._told = len(text)
        return told

    def _ended(self) -> list[Recognised]:
        """The object is whole."""
        field = self._arguments_field
        if self._name is None or (self._doubtful and not field):
            return self._broken('A call needs a "name" and "arguments": {"name": …, "arguments": {…}}.')
        if self._name not in self._tools:
            return self._broken(self._tools.unknown(self._name))
        told: list[Recognised] = []
        if not self._told:
            try:
                text = whole_arguments(self._fields.get(field, ""))
            except ArgumentsFault as fault:
                return self._broken(str(fault))
            if self._call is None:
                self._call = WrittenCall(self._name)
                told += self._call.opened()
            told += self._call.more(text)
        assert self._call is not None
        told += self._call.closed(self._written)
        self.outcome = "broken" if isinstance(told[-1], CallBroken) else "closed"
        return told

    def _broken(self, reason: str) -> list[Recognised]:
        if self._call is None and self._doubtful:
            self.outcome = "no call"
            return []
        self.outcome = "broken"
        if self._call is None:
            return [CallBroken(None, self._written, reason)]
        return self._call.broken(self._written, reason)


def _text(json_text: str) -> str | None:
    """A JSON text's value, None for any other value."""
    value = json.loads(json_text)
    return value if isinstance(value, str) else None
