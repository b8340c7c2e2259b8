"""How long a text or list will be, worked out before a template makes it; 0 where nothing can get out of hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

MEASURED_FILTERS = ("center", "format", "indent", "replace")

_WIDTHS = re.compile(r"\d{4,}")
_PADDING = frozenset({"ljust", "rjust", "center", "zfill"})


def length_of_operation(operator: str, left: Any, right: Any) -> int:
    """Of `+`, `*`, and `%` on texts and lists."""
    if operator == "%":
        return _formatted(left, right) if isinstance(left, str) else 0
    lengths = [len(side) for side in (left, right) if isinstance(side, str | list | tuple)]
    if operator == "*" and len(lengths) == 1:
        times = right if isinstance(right, int) else left
        return lengths[0] * times if isinstance(times, int) else 0
    return sum(lengths)


def length_of_method(method: Any, arguments: Sequence[Any], named: Mapping[str, Any]) -> int:
    """Of a text's own method, called with these arguments."""
    text, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
    if not isinstance(text, str):
        return 0
    if name in _PADDING:
        return _number(arguments, 0)
    if name == "expandtabs":
        return text.count("\t") * (_number(arguments, 0) or int(named.get("tabsize", 8)))
    if name == "replace":
        return _replaced(text, arguments)
    if name == "join" and arguments and isinstance(arguments[0], list | tuple):
        return sum(len(str(part)) + len(text) for part in arguments[0])
    return _formatted(text, (*arguments, *named.values())) if name in ("format", "format_map") else 0


def length_of_filter(name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> int:
    """Of a filter in `MEASURED_FILTERS`, its first argument being the value."""
    text, rest = str(arguments[0]), [*arguments[1:], *named.values()]
    match name:
        case "center":
            return _number(rest, 0)
        case "indent":
            width = rest[0] if rest else 4
            return len(text) + (text.count("\n") + 1) * (len(width) if isinstance(width, str) else int(width))
        case "replace":
            return _replaced(text, rest)
        case _:
            return _formatted(text, rest)


def _number(arguments: Sequence[Any], place: int) -> int:
    number = arguments[place] if len(arguments) > place else 0
    return number if isinstance(number, int) else 0


def _replaced(text: str, arguments: Sequence[Any]) -> int:
    if len(arguments) < 2 or not all(isinstance(argument, str) for argument in arguments[:2]):
        return 0
    old, new = arguments[:2]
    return len(text) + (text.count(old) if old else len(text) + 1) * len(new)


def _formatted(form: str, values: Any) -> int:
    """The form, its widths (`%500d`, `{:>500}`, or a number that a `*` takes) and its values together."""
    parts = values if isinstance(values, list | tuple) else [values]
    widths = sum(int(width) for width in _WIDTHS.findall(form))
    if "*" in form or re.search(r":[^}]*\{", form):
        widths += sum(part for part in parts if isinstance(part, int))
    fields = form.count("%") + form.count("{")
    return len(form) + widths + fields * max((len(part) for part in parts if isinstance(part, str)), default=0)
