"""A JSON string that is read while it is written."""

from __future__ import annotations

import re

from jackfield.errors import ArgumentsInvalid

PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
ESCAPED = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


class StringReader:
    """Reads behind the opening quote, in pieces of any length; what it has decoded is taken with `taken`."""

    def __init__(self) -> None:
        self.closed = False
        self._decoded: list[str] = []
        self._escape = ""
        self._high = ""
        """The first half of a surrogate pair, whose second must follow."""

    def read(self, text: str, at: int) -> int:
        """Read on from a place in a piece of text, to the closing quote or to the piece's end; where that is."""
        while at < len(text) and not self.closed:
            if self._escape:
                self._read_escape(text[at])
                at += 1
            elif (run := PLAIN.match(text, at)) and not self._high:
                self._decoded.append(run[0])
                at = run.end()
            else:
                self._read_special(text[at])
                at += 1
        return at

    def taken(self) -> str:
        """What was decoded since the last time."""
        decoded = "".join(self._decoded)
        self._decoded.clear()
        return decoded

    def _read_special(self, character: str) -> None:
        if character == "\\":
            self._escape = character
        elif self._high:
            raise ArgumentsInvalid("A string has half of a surrogate pair, which is no character.")
        elif character == '"':
            self.closed = True
        else:
            raise ArgumentsInvalid(f"A string has the control character {character!r}, which must be escaped.")

    def _read_escape(self, character: str) -> None:
        self._escape += character
        if self._escape[1] != "u":
            if character not in ESCAPED:
                raise ArgumentsInvalid(f"A string has the escape '\\{character}', which JSON has not.")
            self._add(ESCAPED[character])
        elif len(self._escape) > 2 and character not in HEXADECIMAL:
            raise ArgumentsInvalid(
                f"A string has the escape '{self._escape}', where '\\u' takes four hexadecimal digits."
            )
        elif len(self._escape) == 6:
            self._add(chr(int(self._escape[2:], 16)))

    def _add(self, character: str) -> None:
        self._escape = ""
        low = "\udc00" <= character <= "\udfff"
        if bool(self._high) != low:
            raise ArgumentsInvalid("A string has half of a surrogate pair, which is no character.")
        if "\ud800" <= character <= "\udbff":
            self._high = character
        else:
            pair = self._high + character
            self._high = ""
            self._decoded.append(pair.encode("utf-16", "surrogatepass").decode("utf-16") if low else character)
