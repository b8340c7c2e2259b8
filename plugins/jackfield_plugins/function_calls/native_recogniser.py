"""Sees calls in the shapes that models were trained to write, among text and thinking, in pieces of any length."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from jackfield.contracts.protocols import CallBroken, Recognised
from jackfield.contracts.tools import ToolDescription
from jackfield_plugins.function_calls.answer_reader import THINK, AnswerReader
from jackfield_plugins.function_calls.call_reader import CallReader
from jackfield_plugins.function_calls.json_scanner import WHITE
from jackfield_plugins.function_calls.named_reader import CLOSING as FUNCTION_END
from jackfield_plugins.function_calls.named_reader import OPENING as FUNCTION_OPENING
from jackfield_plugins.function_calls.named_reader import NamedReader

TOOL_CALL, TOOL_CALL_END = "<tool_call>", "</tool_call>"
MISTRAL, PYTHON_TAG, FENCE = "[TOOL_CALLS]", "<|python_tag|>", "```"
FUNCTION = "<function="

FENCE_LANGUAGES = ("json", "", "tool_call", "tool_calls", "tool_code", "tool", "function", "jsonl", "xml", "text")
SHAPED_LANGUAGES = FENCE_LANGUAGES[:3]
_FENCE_LINE = re.compile(r"```([ \t]*)([A-Za-z_]*)[ \t\r\n]*")
_NAMED_ARGUMENTS = re.compile(r"([\w.-]{1,256})\s*(?:\[ARGS\])?\s*(?=\{)")
_MAYBE_NAMED_ARGUMENTS = re.compile(r"[\w.-]{1,256}\s*(\[[ARGS]{0,4}\]?)?\s*")
_SPECIAL = re.compile(r"[<\[`{]")

BlockKind = Literal["tool_call", "fence", "mistral", "bare", "function"]


class _Block(msgspec.Struct):
    """Where calls may stand; a doubtful one is text until its first call is certain."""

    kind: BlockKind
    opening: str
    closing: str
    doubtful: bool
    written: str = ""
    calls: int = 0
    listed: bool = False


class NativeRecogniser(AnswerReader):
    """One answer. What may still turn out to be a call is held back, and so is white space around calls."""

    def __init__(self, tools: Sequence[ToolDescription], *, begins: str = "", only_shaped: bool = False) -> None:
        """`begins` is what the answer was made to begin with.

        With `only_shaped`, calls are only those whose name comes first, in a form that a constraint knows.
        """
        super().__init__(tools, begins=begins)
        self._only_shaped = only_shaped
        self._in_code = False
        self._block: _Block | None = None
        self._reader: CallReader | NamedReader | None = None
        self._broken: CallBroken | None = None
        self._stray = ""

    def finish(self) -> Sequence[Recognised]:
        """What was held back when the answer ended."""
        self._over = True
        self._run()
        while self._block is not None:
            self._cut_short(self._block)
            self._run()
        self._telling.finish()
        return self._telling.told()

    def _step(self) -> bool:
        if self._broken is not None:
            return self._skip(self._broken)
        if isinstance(self._reader, NamedReader):
            return self._in_named(self._reader)
        if self._reader is not None:
            return self._in_call(self._reader)
        if self._block is not None:
            return self._between_calls(self._block)
        if self._thinking:
            return self._think()
        return self._free()

    def _free(self) -> bool:
        """Text up to what may be more than text, and then that."""
        found = _SPECIAL.search(self._rest)
        self._telling.say(self._take(found.start() if found else len(self._rest)))
        if not found:
            return False
        match self._rest[0]:
            case "<":
                return self._tag()
            case "`":
                return self._fence()
            case "[":
                return self._bracket()
            case _:
                return self._brace()

    def _may_become(self, *markers: str) -> bool:
        return not self._over and any(len(self._rest) < len(each) and each.startswith(self._rest) for each in markers)

    def _literally(self) -> bool:
        self._telling.say(self._take(1))
        return True

    def _tag(self) -> bool:
        if self._rest.startswith(TOOL_CALL):
            return self._begin("tool_call", TOOL_CALL, TOOL_CALL_END)
        if self._rest.startswith(PYTHON_TAG) and not self._only_shaped:
            return self._begin("bare", PYTHON_TAG, "", doubtful=True)
        if self._rest.startswith(THINK):
            self._telling.say(self._take(len(THINK)))
            self._thinking = True
            return True
        if self._stray and self._rest.startswith(self._stray):
            self._take(len(self._stray))
            self._stray = ""
            return True
        if (found := FUNCTION_OPENING.match(self._rest)) and not self._only_shaped:
            return self._begin_named(found)
        if self._may_become(TOOL_CALL, PYTHON_TAG, THINK, FUNCTION, self._stray) or self._half_function():
            return False
        return self._literally()

    def _half_function(self) -> bool:
        half = re.fullmatch(r"<function=[^<>\n]{0,256}", self._rest)
        return half is not None and not self._over

    def _begin_named(self, found: re.Match[str]) -> bool:
        """A call in tags of its own, within a block or without."""
        opening = self._take(found.end())
        if self._block is None:
            self._block = _Block("function", opening, "", doubtful=False)
            self._telling.drop_white()
        closing = "" if self._block.kind == "mistral" else FUNCTION_END
        self._reader = NamedReader(self._tools, found[1].strip(), opening, closing)
        return True

    def _bracket(self) -> bool:
        if self._rest.startswith(MISTRAL) and not self._only_shaped:
            return self._begin("mistral", MISTRAL, "")
        if self._may_become(MISTRAL):
            return False
        return self._brace()

    def _brace(self) -> bool:
        if self._in_code or not self._telling.line_blank:
            return self._literally()
        return self._begin("bare", "", "", doubtful=True)

    def _fence(self) -> bool:
        if self._rest.startswith(FENCE) and self._telling.line_blank:
            return self._fence_line()
        if self._may_become(FENCE) and self._telling.line_blank:
            return False
        return self._literally()

    def _fence_line(self) -> bool:
        """A line that ends code, begins it, or begins a block of calls."""
        if self._in_code:
            self._in_code = False
            self._telling.say(self._take(len(FENCE)))
            return True
        found = _FENCE_LINE.match(self._rest)
        assert found is not None
        language, behind = found[2].lower(), self._rest[found.end() :]
        shaped = found[2] in SHAPED_LANGUAGES and not found[1]
        if not behind and not self._over and any(each.startswith(language) for each in FENCE_LANGUAGES):
            return False
        if behind[:1] in ("{", "[") and (shaped or (language in FENCE_LANGUAGES and not self._only_shaped)):
            return self._begin("fence", found[0], FENCE, doubtful=True)
        self._in_code = True
        self._telling.say(self._take(len(FENCE)))
        return True

    def _begin(self, kind: BlockKind, opening: str, closing: str, *, doubtful: bool = False) -> bool:
        self._take(len(opening))
        self._block = _Block(kind, opening, closing, doubtful)
        if not doubtful:
            self._telling.drop_white()
        return True

    def _between_calls(self, block: _Block) -> bool:
        """Within a block, where a call may begin or the block end."""
        white = len(self._rest) - len(self._rest.lstrip(WHITE))
        block.written += self._take(white)
        if not self._rest:
            return False
        if block.kind == "function" or self._closes(block):
            return self._closed(block)
        if self._rest[0] == "{":
            self._reader = CallReader(self._tools, doubtful=block.doubtful, only_shaped=self._only_shaped)
            return True
        if self._passes_over(block):
            block.written += self._take(1)
            return True
        if found := self._tags_within(block):
            return self._begin_named(found)
        if self._may_go_on(block):
            return False
        return self._no_call_here(block)

    def _closes(self, block: _Block) -> bool:
        return bool(block.closing) and self._rest.startswith(block.closing) and (block.calls > 0 or not block.doubtful)

    def _closed(self, block: _Block) -> bool:
        if block.kind != "function":
            block.written += self._take(len(block.closing))
        if not block.calls:
            self._telling.tell(CallBroken(None, block.opening + block.written, "The block holds no call."))
        self._leave()
        return True

    def _passes_over(self, block: _Block) -> bool:
        """The brackets and separators of a list of calls, and a brace too many behind a call."""
        char = self._rest[0]
        if char == "[" and not block.listed and not block.calls:
            block.listed = True
            return True
        if char == "]" and block.listed and block.calls:
            block.listed = False
            return True
        return block.calls > 0 and char in ",;}"

    def _tags_within(self, block: _Block) -> re.Match[str] | None:
        if block.kind == "tool_call":
            return FUNCTION_OPENING.match(self._rest)
        return _NAMED_ARGUMENTS.match(self._rest) if block.kind == "mistral" else None

    def _may_go_on(self, block: _Block) -> bool:
        if self._over:
            return False
        if block.kind == "mistral" and _MAYBE_NAMED_ARGUMENTS.fullmatch(self._rest):
            return True
        if block.kind == "tool_call" and self._half_function():
            return True
        return self._may_become(*filter(None, (block.closing, FUNCTION if block.kind == "tool_call" else "")))

    def _no_call_here(self, block: _Block) -> bool:
        """Something else stands where a call may begin."""
        if block.doubtful:
            return self._reject(block)
        if block.calls:
            self._stray = block.closing if block.closing != FENCE else ""
            self._in_code = block.closing == FENCE
            self._leave()
            return True
        reason = f'A call is a JSON object with a "name" and "arguments", which {self._rest[:1]!r} does not begin.'
        self._broken = CallBroken(None, block.opening + block.written, reason)
        return True

    def _leave(self) -> None:
        self._block = self._reader = None
        self._telling.call_ended()

    def _reject(self, block: _Block) -> bool:
        """Nothing here is a call: it is text from its opening on."""
        text = block.opening + block.written
        self._block = self._reader = None
        self._rest = text + self._rest
        self._telling.line_blank = block.kind == "fence"
        if block.kind == "fence":
            self._in_code = True
        self._telling.say(self._take(len(block.opening) or 1))
        return True

    def _in_call(self, reader: CallReader) -> bool:
        block = self._block
        assert block is not None
        while self._rest and not reader.outcome:
            char = self._take(1)
            block.written += char
            self._heard(block, reader.read(char), reader)
        if not reader.outcome:
            return False
        if not reader.took_last:
            self._rest, block.written = block.written[-1] + self._rest, block.written[:-1]
        self._after_call(block, reader)
        return True

    def _in_named(self, reader: NamedReader) -> bool:
        for event in reader.feed(self._rest):
            self._telling.tell(event)
        self._rest = ""
        if not reader.outcome:
            return False
        self._rest = reader.rest
        self._after_named()
        return True

    def _after_named(self) -> None:
        assert self._block is not None
        self._reader = None
        self._block.calls += 1
        if self._block.kind == "function":
            self._leave()

    def _heard(self, block: _Block, events: Sequence[Recognised], reader: CallReader) -> None:
        """Tell of a call; what follows on one that broke in the middle is told with it."""
        for event in events:
            if isinstance(event, CallBroken) and not reader.whole:
                self._broken = event
                continue
            block.doubtful = False
            self._telling.drop_white()
            self._telling.tell(event)

    def _after_call(self, block: _Block, reader: CallReader) -> None:
        self._reader = None
        block.calls += 1
        if reader.outcome == "no call":
            self._reject(block)

    def _skip(self, broken: CallBroken) -> bool:
        """Pass over what is left of a block whose call broke in the middle."""
        assert self._block is not None
        closing = self._block.closing
        stops = {closing: len(closing), self._block.opening: 0} if closing == TOOL_CALL_END else {closing: len(closing)}
        found = [(place, drop) for stop, drop in stops.items() if stop and (place := self._rest.find(stop)) >= 0]
        if not found and not self._over:
            return False
        place, drop = min(found, default=(len(self._rest), 0))
        self._telling.tell(CallBroken(broken.identifier, broken.text + self._take(place), broken.reason))
        self._take(drop)
        self._broken = None
        self._leave()
        return True

    def _cut_short(self, block: _Block) -> None:
        """The answer ended within a block."""
        if isinstance(self._reader, NamedReader):
            for event in self._reader.finish():
                self._telling.tell(event)
            self._after_named()
        elif self._reader is not None:
            self._heard(block, self._reader.finish(), self._reader)
            self._after_call(block, self._reader)
        elif block.doubtful:
            self._reject(block)
        elif block.calls:
            self._leave()
        else:
            self._telling.tell(
                CallBroken(None, block.opening + block.written, "The answer ended where a call was to begin.")
            )
            self._leave()
