"""A call in a line: short enough to be read in passing, with nothing in it that could steer a terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jackfield.cli.run_account import EndedCall
from jackfield.messages import Call

VALUE = 40
"""Characters of one argument that are shown."""
ARGUMENTS = 100
"""And of all of them."""
RESULT = 160
"""And of why a call failed."""
ELLIPSIS = "…"
STEERING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")
INDENT = "\n    "


def called(call: Call, *, width: int = ARGUMENTS) -> str:
    """`tool(name='value', …)`, arguments cut where they are long."""
    return f"{call.tool}({_arguments(call.arguments, width)})"


def is_shown_whole(call: Call) -> bool:
    """Whether `called` leaves nothing out."""
    return len(_arguments(call.arguments, ARGUMENTS)) == len(_joined(call.arguments, None))


def ended_line(ended: EndedCall, *, columns: int | None = None) -> str:
    """What was called, how long it took, and what the model wrote meanwhile, or why it failed.

    On a terminal of so many `columns` it is cut to fit, and the reason has lines of its own.
    """
    reason = ""
    if ended.error:
        outcome = f"✗ {_seconds(ended.seconds) if ended.started_at else 'not run'}:"
        reason = f"{INDENT if columns else ' '}{in_one_line(ended.result, RESULT)}"
    else:
        wrote = f", {count(ended.tokens_meanwhile, 'token')} meanwhile" if ended.tokens_meanwhile else ""
        outcome = f"✓ {_seconds(ended.seconds)}{wrote}"
    call = Call(identifier=ended.call, tool=ended.tool, arguments=ended.arguments)
    room = columns - len(f"  · {ended.tool}() {outcome}") - 1 if columns else ARGUMENTS
    return f"{called(call, width=max(12, room))} {outcome}{reason}"


def in_one_line(text: str, length: int) -> str:
    """Text without line breaks or what a terminal would act on, cut to a length."""
    joined = " ".join(text.split())
    return shortened(printable(joined), length)


def printable(text: str) -> str:
    """Text in which every character that could deceive who reads it is spelled out; tabs stay."""
    return "".join(char if char.isprintable() or char == "\t" else ascii(char)[1:-1] for char in text)


def without_steering(text: str) -> str:
    """Text in which what a terminal would act on is spelled out, but line breaks and tabs."""
    return STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


def shortened(text: str, length: int) -> str:
    """Text of at most a length, which shows where it was cut."""
    return text if len(text) <= length else text[: max(0, length - 1)] + ELLIPSIS


def count(number: int, thing: str) -> str:
    """1 token, 2 tokens."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _arguments(arguments: Mapping[str, Any], width: int) -> str:
    return shortened(_joined(arguments, VALUE), width)


def _joined(arguments: Mapping[str, Any], longest: int | None) -> str:
    return ", ".join(f"{in_one_line(name, VALUE)}={_value(value, longest)}" for name, value in arguments.items())


def _value(value: Any, longest: int | None) -> str:
    if isinstance(value, str):
        whole = repr(value)
        return whole if longest is None or len(whole) <= longest else repr(value[: longest - 3])[:-1] + ELLIPSIS + "'"
    return repr(value) if longest is None else shortened(repr(value), longest)


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"
