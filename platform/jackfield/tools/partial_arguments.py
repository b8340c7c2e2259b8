"""A call's arguments, read while the model writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from jackfield.contracts.tools import ArgumentPart
from jackfield.errors import ArgumentsInvalid
from jackfield.tools.json_string import StringReader

SPACE = re.compile(r"[ \t\n\r]*")
SCALAR = re.compile(r"[^\s,:{}\[\]\"]*")
WORDS = ("true", "false", "null")
BEGUN_NUMBER = re.compile(r"-?((0|[1-9][0-9]*)((\.[0-9]*)?|(\.[0-9]+)?[eE][+-]?[0-9]*))?")
LONGEST_SCALAR = 1000
"""Characters of a number; more is a model that goes on and on."""

State = Callable[[str, int], int]
"""Reads on from a place in a piece that has something there, and gives the place where the next state begins."""


class PartialArguments:
    """Reads a JSON object in pieces of any length, as strictly as its standard says.

    Of the object's own fields each is told as soon as it is whole, and of one that is a text its lines before that.
    """

    def __init__(self) -> None:
        self._state: State = self._object
        self._closing: list[str] = []
        """The brackets that must still come, innermost last."""
        self._string = StringReader()
        self._is_key = False
        self._scalar = ""
        self._raw = ""
        self._raw_from: int | None = None
        """Where in this piece the text of a field's value goes on, if it is no string."""
        self._field = ""
        self._fields: set[str] = set()
        self._line = ""
        self._parts: list[ArgumentPart] = []

    @property
    def whole(self) -> bool:
        """Whether the object was read to its end."""
        return self._state == self._end

    def feed(self, text: str) -> list[ArgumentPart]:
        """What this piece made certain, in order; raises ArgumentsInvalid once no JSON object can come of it."""
        at = 0
        while at < len(text):
            at = self._state(text, at)
        self._hold(text)
        parts, self._parts = self._parts, []
        return parts

    def finish(self) -> None:
        """Nothing more comes; raises ArgumentsInvalid where the object is not whole."""
        if not self.whole:
            raise ArgumentsInvalid("The arguments end before their JSON object does.")

    def _object(self, text: str, at: int) -> int:
        return self._opened("{", text, at) if (at := _skipped(text, at)) < len(text) else at

    def _opened(self, bracket: str, text: str, at: int) -> int:
        if text[at] != bracket:
            raise ArgumentsInvalid(f"The arguments must be a JSON object, which begins with '{{' and not {text[at]!r}.")
        self._closing.append("}" if bracket == "{" else "]")
        self._state = self._first
        return at + 1

    def _first(self, text: str, at: int) -> int:
        """Behind an opening bracket: what it holds, or the end."""
        if (at := _skipped(text, at)) < len(text):
            if text[at] == self._closing[-1]:
                return self._closed(text, at)
            self._state = self._key if self._closing[-1] == "}" else self._value
        return at

    def _key(self, text: str, at: int) -> int:
        if (at := _skipped(text, at)) == len(text):
            return at
        if text[at] != '"':
            raise ArgumentsInvalid(f"The arguments have {text[at]!r} where the name of a field was expected.")
        return self._string_begun(at, is_key=True)

    def _colon(self, text: str, at: int) -> int:
        if (at := _skipped(text, at)) == len(text):
            return at
        if text[at] != ":":
            raise ArgumentsInvalid(f"The arguments have {text[at]!r} where a colon was expected.")
        self._state = self._value
        return at + 1

    def _value(self, text: str, at: int) -> int:
        if (at := _skipped(text, at)) == len(text):
            return at
        if text[at] == '"':
            return self._string_begun(at, is_key=False)
        if self._outermost:
            self._raw_from = at
        if text[at] in "{[":
            return self._opened(text[at], text, at)
        self._scalar = ""
        self._state = self._in_scalar
        return at

    def _string_begun(self, at: int, *, is_key: bool) -> int:
        self._string = StringReader()
        self._is_key = is_key
        self._state = self._in_string
        return at + 1

    def _in_string(self, text: str, at: int) -> int:
        at = self._string.read(text, at)
        if not self._string.closed:
            return at
        self._state = self._colon if self._is_key else self._behind_value
        if self._outermost and self._is_key:
            self._begin_field(self._string.taken())
        elif self._outermost:
            self._tell(self._line + self._string.taken(), complete=True)
            self._line = ""
        return at

    def _in_scalar(self, text: str, at: int) -> int:
        run = SCALAR.match(text, at)
        end = run.end() if run else at
        self._scalar += text[at:end]
        if end == len(text):
            begun = any(word.startswith(self._scalar) for word in WORDS) or BEGUN_NUMBER.fullmatch(self._scalar)
            if not begun or len(self._scalar) > LONGEST_SCALAR:
                raise ArgumentsInvalid(f"The arguments have {self._scalar[:40]!r} where a value was expected.")
            return end
        if not self._scalar:
            raise ArgumentsInvalid(f"The arguments have {text[end]!r} where a value was expected.")
        _decoded(self._scalar)
        self._value_ended(text, end)
        return end

    def _behind_value(self, text: str, at: int) -> int:
        if (at := _skipped(text, at)) == len(text):
            return at
        if text[at] == self._closing[-1]:
            return self._closed(text, at)
        if text[at] != ",":
            raise ArgumentsInvalid(
                f"The arguments have {text[at]!r} where a comma or '{self._closing[-1]}' was expected."
            )
        self._state = self._key if self._closing[-1] == "}" else self._value
        return at + 1

    def _closed(self, text: str, at: int) -> int:
        self._closing.pop()
        if self._closing:
            self._value_ended(text, at + 1)
        else:
            self._state = self._end
        return at + 1

    def _value_ended(self, text: str, end: int) -> None:
        self._state = self._behind_value
        if self._outermost and self._raw_from is not None:
            self._tell(_decoded(self._raw + text[self._raw_from : end]), complete=True)
            self._raw, self._raw_from = "", None

    def _end(self, text: str, at: int) -> int:
        if (at := _skipped(text, at)) < len(text):
            raise ArgumentsInvalid(f"The arguments go on with {text[at]!r} behind their JSON object.")
        return at

    @property
    def _outermost(self) -> bool:
        return len(self._closing) == 1

    def _begin_field(self, name: str) -> None:
        if name in self._fields:
            raise ArgumentsInvalid(f"The arguments have the field '{name}' twice.")
        self._fields.add(name)
        self._field = name

    def _hold(self, text: str) -> None:
        """Keep what this piece began and the next goes on with; tell the lines that are certain."""
        if self._raw_from is not None:
            self._raw += text[self._raw_from :]
            self._raw_from = 0
        if self._outermost and self._state == self._in_string and not self._is_key:
            lines, newline, self._line = (self._line + self._string.taken()).rpartition("\n")
            if newline:
                self._tell(lines + newline, complete=False)

    def _tell(self, value: Any, *, complete: bool) -> None:
        self._parts.append(ArgumentPart(field=self._field, value=value, complete=complete))


def _skipped(text: str, at: int) -> int:
    space = SPACE.match(text, at)
    return space.end() if space else at


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ArgumentsInvalid(f"The arguments have {text[:40]!r} where a value was expected.") from error
