"""What the recognisers share: an answer that comes in pieces is taken in steps, and thoughts in it are text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from jackfield.contracts.protocols import AnswerText, Recognised
from jackfield.contracts.tools import ToolDescription
from jackfield_plugins.function_calls.known_tools import KnownTools
from jackfield_plugins.function_calls.telling import Telling, overlap

THINK, THINK_END = "<think>", "</think>"


class AnswerReader(ABC):
    """One answer; without tools, all of it is text."""

    def __init__(self, tools: Sequence[ToolDescription], *, begins: str = "") -> None:
        """`begins` is what the answer was made to begin with."""
        self._tools = KnownTools(tools)
        self._telling = Telling()
        self._rest = begins
        self._over = False
        self._thinking = False

    def feed(self, text: str) -> Sequence[Recognised]:
        """What this piece made certain, in the order it was written."""
        if not self._tools:
            return [AnswerText(text)] if text else []
        self._rest += text
        self._run()
        return self._telling.told()

    @abstractmethod
    def _step(self) -> bool:
        """Take what can be taken; whether that was anything."""

    def _run(self) -> None:
        while self._step():
            pass

    def _take(self, count: int) -> str:
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _say_but(self, kept: int) -> bool:
        self._telling.say(self._take(len(self._rest) - (0 if self._over else kept)))
        return False

    def _think(self) -> bool:
        place = self._rest.find(THINK_END)
        if place < 0:
            return self._say_but(overlap(self._rest, THINK_END))
        self._telling.say(self._take(place + len(THINK_END)))
        self._thinking = False
        return True
