"""Sees AsyncLM's markers in an answer: `[CALL] id [HEAD] name {json} [END]` and `[TRAP][END]`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jackfield.contracts.protocols import CallBroken, Recognised, Trapped
from jackfield.contracts.tools import ToolDescription
from jackfield_plugins.function_calls.answer_reader import THINK, AnswerReader
from jackfield_plugins.function_calls.json_scanner import WHITE, JsonScanner
from jackfield_plugins.function_calls.telling import overlap
from jackfield_plugins.function_calls.written_call import WrittenCall

CALL, HEAD, END, TRAP, INTERRUPT = "[CALL]", "[HEAD]", "[END]", "[TRAP]", "[INTR]"

_HEADING = re.compile(r"\s*([^\[\]\n]{0,64}?)\s*\[HEAD\]\s*([^\s{\[\]]{1,256})\s*(?=[{\[])")
_OWN = re.compile(r"[A-Za-z0-9_.-]{1,32}")
_FORM = 'write [CALL] id [HEAD] name {"parameter": value} [END]'
_MOST_HEADING = 400
"""Characters up to a call's arguments, beyond which none are to be expected."""


class InterruptsRecogniser(AnswerReader):
    """One answer. Markers are matched as text, however tokens cut them."""

    def __init__(self, tools: Sequence[ToolDescription], *, begins: str = "") -> None:
        """`begins` is what the answer was made to begin with."""
        super().__init__(tools, begins=begins)
        self._open: str | None = None
        self._written = ""
        self._call: WrittenCall | None = None
        self._scanner: JsonScanner | None = None
        self._reason = ""

    def finish(self) -> Sequence[Recognised]:
        """What was held back when the answer ended."""
        self._over = True
        self._run()
        if self._open is not None:
            if self._scanner is None or not self._scanner.done or self._rest.strip():
                self._reason = self._reason or f"The answer ended in the middle of a call: {END} is missing."
            self._take(len(self._rest))
            self._close()
        self._telling.finish()
        return self._telling.told()

    def _step(self) -> bool:
        if self._scanner is not None and not self._scanner.done and not self._scanner.fault:
            return self._arguments(self._scanner)
        if self._open is None:
            return self._think() if self._thinking else self._free()
        if self._open == TRAP:
            return self._trap()
        if self._reason:
            return self._to_end()
        return self._heading() if self._scanner is None else self._behind_arguments()

    def _take(self, count: int) -> str:
        taken = super()._take(count)
        if self._open is not None:
            self._written += taken
        return taken

    def _free(self) -> bool:
        """Text up to a marker, and what that opens."""
        markers = (CALL, TRAP, INTERRUPT, THINK)
        found = [(place, marker) for marker in markers if (place := self._rest.find(marker)) >= 0]
        if not found:
            return self._say_but(max(overlap(self._rest, marker) for marker in markers))
        place, marker = min(found)
        self._telling.say(self._take(place))
        if marker == THINK:
            self._telling.say(self._take(len(THINK)))
            self._thinking = True
            return True
        self._telling.drop_white()
        self._open = marker
        self._take(len(marker))
        if marker == INTERRUPT:
            self._reason = f"Results come by themselves: write {TRAP}{END} to wait for one, and never {INTERRUPT}."
        return True

    def _trap(self) -> bool:
        """The end of a trap, which some models forget."""
        rest = self._rest.lstrip(WHITE)
        if not self._over and len(rest) < len(END) and END.startswith(rest):
            return False
        if rest.startswith(END):
            self._take(len(self._rest) - len(rest) + len(END))
        self._telling.tell(Trapped())
        self._forget()
        return True

    def _heading(self) -> bool:
        """A call's own identifier and its tool."""
        found = _HEADING.match(self._rest, 0, _MOST_HEADING)
        if found is None:
            if END in self._rest or len(self._rest) >= _MOST_HEADING:
                self._reason = f"This is no call; {_FORM}."
            return bool(self._reason)
        behind = self._rest[found.end() :]
        if behind.startswith("{"):
            self._begin_call(found[1], found[2])
            self._take(found.end())
            self._scanner = JsonScanner()
        elif behind.startswith(END):
            self._begin_call(found[1], found[2])
            self._take(found.end())
            self._more("{}")
            return self._to_end()
        elif END.startswith(behind):
            return False
        else:
            self._reason = f"The arguments of {found[2]!r:.80} must be a JSON object; {_FORM}."
        return True

    def _begin_call(self, own: str, tool: str) -> None:
        if tool not in self._tools:
            self._reason = self._tools.unknown(tool)
            return
        self._call = WrittenCall(tool, own_identifier=own if _OWN.fullmatch(own) else "")
        self._telling.tell(*self._call.opened())

    def _more(self, text: str) -> None:
        if self._call:
            self._telling.tell(*self._call.more(text))

    def _arguments(self, scanner: JsonScanner) -> bool:
        text = ""
        while self._rest and not scanner.done and not scanner.fault:
            text += "".join(piece for _, piece in scanner.read(self._take(1)))
        self._more(text)
        self._reason = self._reason or scanner.fault
        return scanner.done or bool(scanner.fault)

    def _behind_arguments(self) -> bool:
        rest = self._rest.lstrip(WHITE + "}")
        if rest and not rest.startswith(END) and not END.startswith(rest):
            self._reason = f"{END} must follow a call's arguments, not {rest[:1]!r}."
            return True
        return self._to_end()

    def _to_end(self) -> bool:
        place = self._rest.find(END)
        if place < 0:
            return False
        self._take(place + len(END))
        self._close()
        return True

    def _close(self) -> None:
        """Tell what the block was."""
        if self._call is None:
            self._telling.tell(CallBroken(None, self._written, self._reason))
        elif self._reason:
            self._telling.tell(*self._call.broken(self._written, self._reason))
        else:
            self._telling.tell(*self._call.closed(self._written))
        self._forget()

    def _forget(self) -> None:
        self._open = self._call = self._scanner = None
        self._written = self._reason = ""
        self._telling.call_ended()
