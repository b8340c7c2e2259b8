"""`#E1` in a step's arguments: what stands for the evidence of another step."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

REFERENCE = re.compile(r"#E([1-9][0-9]{0,3})(?![0-9A-Za-z_])")
"""Read whole, so that `#E10` is never taken for `#E1` and a zero."""


def label(number: int) -> str:
    """What a step is called."""
    return f"#E{number}"


def references(value: Any) -> frozenset[int]:
    """The numbers of all steps that an argument refers to."""
    if isinstance(value, str):
        return frozenset(int(found) for found in REFERENCE.findall(value))
    if isinstance(value, Mapping):
        return frozenset().union(*map(references, value.values()))
    return frozenset().union(*map(references, value)) if isinstance(value, list) else frozenset()


def filled(value: Any, texts: Mapping[int, str]) -> Any:
    """An argument with the evidence in the place of its labels; text that comes in is not searched for more."""
    if isinstance(value, str):
        return REFERENCE.sub(_text_of(texts), value)
    if isinstance(value, Mapping):
        return {key: filled(inner, texts) for key, inner in value.items()}
    return [filled(inner, texts) for inner in value] if isinstance(value, list) else value


def filled_arguments(arguments: Mapping[str, Any], texts: Mapping[int, str], schema: Mapping[str, Any]) -> Any:
    """A call's arguments with the evidence put in; a label alone, where no text is wanted, becomes the value it is."""
    properties = schema.get("properties", {})
    return {name: _typed(value, texts, properties.get(name)) for name, value in arguments.items()}


def _typed(value: Any, texts: Mapping[int, str], schema: Any) -> Any:
    put_in = filled(value, texts)
    kind = schema.get("type", "string") if isinstance(schema, Mapping) else "string"
    if kind == "string" or not (isinstance(value, str) and REFERENCE.fullmatch(value.strip())):
        return put_in
    try:
        return json.loads(put_in)
    except ValueError:
        return put_in


def _text_of(texts: Mapping[int, str]) -> Callable[[re.Match[str]], str]:
    return lambda found: texts.get(int(found[1]), found[0])
