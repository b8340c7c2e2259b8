"""JSON as a model writes it, a character at a time, given back as strict JSON.

Mended is only what can mean one thing: a comma before a closing bracket, a line break within a string, an escaped
apostrophe, and Python's names for true, false and null.
"""

from __future__ import annotations

import re

MOST_LEVELS = 64

WHITE = " \t\r\n"
_DELIMITERS = WHITE + ',:{}[]"'
_LITERALS = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_VALUE, _KEY, _KEY_OR_END = "a value", "a key in double quotes", "a key in double quotes or '}'"
_COLON, _VALUE_OR_END = "':'", "a value or ']'"
_AFTER = {"{": "',' or '}'", "[": "',' or ']'"}
_CLOSERS = {"{": "}", "[": "]"}

Pieces = list[tuple[str, str]]
"""Stretches of strict JSON, each with the field of the outermost object whose value it is part of, or ""."""


class JsonScanner:
    """Reads one JSON value. After a fault, or once it is `done`, it must not be given more.

    `field` is the key of the outermost object whose value is being read; those whose value is whole are `finished`.
    """

    def __init__(self) -> None:
        self.done = False
        self.fault = ""
        self.field = ""
        self.finished: list[str] = []
        self._count = 0
        self._recent = ""
        self._expected = _VALUE
        self._stack: list[str] = []
        self._held = ""
        self._string: str | None = None
        self._escaped = 0
        self._scalar = ""

    @property
    def only_frame_open(self) -> bool:
        """Whether nothing lacks but the outermost object's closing brace."""
        return len(self._stack) == 1 and self._expected == _AFTER["{"] and self._string is None and not self._scalar

    @property
    def unfinished(self) -> str:
        """What was still to come, for a sentence."""
        if self._string is not None:
            return "the end of a text in double quotes"
        return self._expected

    def read(self, char: str) -> Pieces:
        """The strict JSON that a character made certain; sets `fault` to a sentence where JSON cannot go on so."""
        self._count += 1
        self._recent = (self._recent + char)[-24:]
        if self._string is not None:
            return self._in_string(char)
        pieces: Pieces = []
        if self._scalar:
            if char not in _DELIMITERS:
                self._scalar += char
                return []
            pieces = self._ended_scalar()
            if self.done and char not in WHITE:
                return self._broken(char, "nothing more")
            if self.fault:
                return []
        return pieces + self._between(char)

    def _between(self, char: str) -> Pieces:
        """A character outside strings and scalars."""
        if char in WHITE:
            if self._held:
                self._held += char
                return []
            return [(self.field, char)]
        if char in "}]":
            return self._closing(char)
        if char == ",":
            return self._comma()
        if char == ":":
            return self._colon()
        return self._beginning(char)

    def _beginning(self, char: str) -> Pieces:
        """The first character of a key or a value."""
        if self._expected in (_KEY, _KEY_OR_END):
            if char != '"':
                return self._broken(char)
        elif self._expected not in (_VALUE, _VALUE_OR_END):
            return self._broken(char)
        before, self._held = self._held, ""
        if char == '"':
            self._string = ""
            return [(self.field, before + char)]
        if char in "{[":
            return self._opening(char, before)
        if char not in "-0123456789tfnTFN":
            return self._broken(char)
        self._scalar = char
        return [(self.field, before)] if before else []

    def _opening(self, char: str, before: str) -> Pieces:
        if len(self._stack) == MOST_LEVELS:
            self.fault = f"The JSON is nested more than {MOST_LEVELS} levels deep."
            return []
        self._stack.append(char)
        self._expected = _KEY_OR_END if char == "{" else _VALUE_OR_END
        return [(self.field, before + char)]

    def _closing(self, char: str) -> Pieces:
        may_end = self._expected in (_KEY_OR_END, _VALUE_OR_END, *_AFTER.values()) or self._held
        if not self._stack or _CLOSERS[self._stack[-1]] != char or not may_end:
            return self._broken(char)
        white, self._held = self._held[1:], ""
        self._stack.pop()
        field = self.field
        self._value_ended()
        return [(field, white + char)]

    def _comma(self) -> Pieces:
        if not self._stack or self._expected != _AFTER[self._stack[-1]]:
            return self._broken(",")
        self._held = ","
        self._expected = _KEY if self._stack[-1] == "{" else _VALUE
        return []

    def _colon(self) -> Pieces:
        if self._expected != _COLON:
            return self._broken(":")
        self._expected = _VALUE
        return [("" if len(self._stack) == 1 else self.field, ":")]

    def _in_string(self, char: str) -> Pieces:
        assert self._string is not None
        if self._escaped:
            return self._escape(char)
        if char == '"':
            return self._ended_string()
        if char == "\\":
            self._escaped = 1
            return []
        written = _control_escape(char) if char < " " else char
        self._string += written
        return [(self._string_field, written)]

    def _escape(self, char: str) -> Pieces:
        """A character behind a backslash, or a digit of a code point."""
        assert self._string is not None
        if self._escaped > 1:
            if char not in "0123456789abcdefABCDEF":
                return self._broken(char, "four hexadecimal digits behind '\\u'")
            self._escaped = self._escaped - 1 if self._escaped > 2 else 0
            written = char
        elif char == "u":
            self._escaped, written = 5, "\\u"
        elif char in '"\\/bfnrt':
            self._escaped, written = 0, "\\" + char
        elif char == "'":
            self._escaped, written = 0, char
        else:
            return self._broken(char, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u (a backslash itself is '\\\\')")
        self._string += written
        return [(self._string_field, written)]

    @property
    def _string_field(self) -> str:
        """The field that a string is part of: a key of the outermost object is part of none."""
        return "" if len(self._stack) == 1 and self._expected in (_KEY, _KEY_OR_END) else self.field

    def _ended_string(self) -> Pieces:
        assert self._string is not None
        text, self._string = self._string, None
        if self._expected in (_KEY, _KEY_OR_END):
            self._expected = _COLON
            if len(self._stack) > 1:
                return [(self.field, '"')]
            self.field = text
            return [("", '"')]
        field = self.field
        self._value_ended()
        return [(field, '"')]

    def _ended_scalar(self) -> Pieces:
        scalar, self._scalar = self._scalar, ""
        written = _LITERALS.get(scalar) or (scalar if _NUMBER.fullmatch(scalar) else "")
        if not written:
            self.fault = f"The JSON breaks at character {self._count - len(scalar)}: {scalar!r:.40} is no value."
            return []
        field = self.field
        self._value_ended()
        return [(field, written)]

    def _value_ended(self) -> None:
        if not self._stack:
            self.done = True
            return
        self._expected = _AFTER[self._stack[-1]]
        if len(self._stack) == 1:
            self.finished.append(self.field)
            self.field = ""

    def _broken(self, char: str, expected: str = "") -> Pieces:
        self.fault = (
            f"The JSON breaks at character {self._count}, in {self._recent!r}: "
            f"expected {expected or self._expected}, found {char!r}."
        )
        return []


def _control_escape(char: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(char) or f"\\u{ord(char):04x}"
