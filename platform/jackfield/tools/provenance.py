"""Where text comes from decides what it may cause: telling tainted spans apart, and taking commands out of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from jackfield.contracts.tools import ToolDescription
from jackfield.messages import Call, Message, Span

TRUSTED = ("system", "user", "assistant")
"""Spans that may command. What a run's own model wrote commands no more than what it had read."""

REMOVED = "(marker removed)"

_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
"""Characters that show nothing, and could hide a marker from a search but not from its reader."""

_WITHIN = f"[{_UNSEEN}]*"
_BETWEEN = rf"[\s{_UNSEEN}]*"
"""One class and no sequence of several, so that no text of nothing but gaps takes long to search."""


def _spelling(marker: str) -> str:
    """A marker with white space allowed wherever a word and a sign meet, and unseen characters anywhere."""
    parts = re.findall(r"\w+|[^\w\s]", marker)
    return _BETWEEN.join(_WITHIN.join(map(re.escape, part)) for part in parts)


def _between(opens: str, words: str, closes: str) -> str:
    """Words in brackets, with a slash before them or without."""
    return f"{_spelling(opens)}{_BETWEEN}(?:/{_BETWEEN})?{words}{_BETWEEN}{_spelling(closes)}"


_TURNS = "|".join(map(_spelling, ("start_of_turn", "end_of_turn", "bos", "eos", "s", "unk", "pad")))
_LOOKS_LIKE_CONTROL = (
    _between("<", rf"[|\uff5c]{_BETWEEN}(?:/{_BETWEEN})?[\w\u2581 .:\-{_UNSEEN}]{{1,120}}[|\uff5c]", ">"),
    _between("<", f"(?:{_TURNS})", ">"),
    _between("[", _spelling("INST"), "]"),
    _between("<<", _spelling("SYS"), ">>"),
)
"""What models' templates write between turns, in spellings that a small model may take for the real thing."""


def is_tainted(span: Span) -> bool:
    """Whether a span comes from a tool, a file or a remote model."""
    return span.provenance not in TRUSTED


def tainted_spans(messages: Iterable[Message]) -> tuple[Span, ...]:
    """Every tainted span of a conversation."""
    return tuple(span for message in messages for span in message.spans if is_tainted(span))


def recalled(messages: Sequence[Message]) -> tuple[Message, ...]:
    """A conversation from before a run, in which models' words are tainted: nobody knows what they had read."""
    return tuple(msgspec.structs.replace(message, spans=tuple(map(_recalled, message.spans))) for message in messages)


def without_markers(messages: Sequence[Message], markers: Sequence[str]) -> tuple[Message, ...]:
    """A conversation in whose tainted spans no marker of a call protocol stands, nor one of a chat template."""
    pattern = marker_pattern(markers)
    return tuple(_message_without(message, pattern) for message in messages)


def marker_pattern(markers: Sequence[str]) -> re.Pattern[str]:
    """Finds markers in any case, with white space between words and signs, and look-alikes of control tokens."""
    spelled = [_spelling(marker) for marker in sorted(markers, key=len, reverse=True) if marker.strip()]
    return re.compile("|".join((*spelled, *_LOOKS_LIKE_CONTROL)), re.IGNORECASE)


def text_without(text: str, pattern: re.Pattern[str]) -> str:
    """Text that holds no match, and none that appears once another was taken out."""
    seen = None
    while text != seen:
        seen, text = text, pattern.sub(REMOVED, text)
    return text


def commanding(messages: Sequence[Message]) -> tuple[Message, ...]:
    """What people said, and the system: the part of a conversation that may command, with nothing tainted in it."""
    kept = (
        msgspec.structs.replace(message, spans=tuple(span for span in message.spans if not is_tainted(span)))
        for message in messages
        if message.role in ("system", "user")
    )
    return tuple(message for message in kept if message.spans)


def targets_of(call: Call, tool: ToolDescription) -> Mapping[str, Any]:
    """The arguments that decide where a call's effect goes."""
    if tool.targets is None:
        return call.arguments
    return {name: call.arguments[name] for name in tool.targets if name in call.arguments}


def covers(planned: Call, call: Call, tool: ToolDescription) -> bool:
    """Whether a planned call is of the same tool with the same targets."""
    return planned.tool == call.tool and targets_of(planned, tool) == targets_of(call, tool)


def _recalled(span: Span) -> Span:
    return Span(span.text, "remote") if span.provenance == "assistant" else span


def _message_without(message: Message, pattern: re.Pattern[str]) -> Message:
    return msgspec.structs.replace(message, spans=tuple(_spans_without(message.spans, pattern)))


def _spans_without(spans: Sequence[Span], pattern: re.Pattern[str]) -> Iterator[Span]:
    """Tainted neighbours are read as one text, so that a marker cannot be split between them."""
    at = 0
    while at < len(spans):
        end = at + 1
        if not is_tainted(spans[at]):
            yield spans[at]
        else:
            while end < len(spans) and (is_tainted(spans[end]) or not spans[end].text):
                end += 1
            text = text_without("".join(span.text for span in spans[at:end]), pattern)
            yield Span(text, spans[at].provenance)
        at = end
