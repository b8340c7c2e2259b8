"""Small JSON schemas by hypothesis, and whether a value suits one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(("a", "b", "name", 'q"uote', "ä"))
SCALARS = st.none() | st.booleans() | st.integers(-9, 99) | st.text("abc 🙂\n", max_size=4)


def schemas() -> st.SearchStrategy[Any]:
    """Schemas whose values are short, of every kind of keyword."""
    return st.recursive(_leaves(), _nested, max_leaves=4)


def suits(value: Any, schema: Any) -> bool:
    """Whether a value is what a schema of `schemas` describes, by JSON Schema's own rules."""
    checks: dict[str, Callable[[], bool]] = {
        "object": lambda: _object_suits(value, schema),
        "array": lambda: (
            isinstance(value, list)
            and schema["minItems"] <= len(value) <= schema["maxItems"]
            and all(suits(item, schema["items"]) for item in value)
        ),
        "string": lambda: (
            isinstance(value, str)
            and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 99)
            and bool(re.search(schema.get("pattern", ""), value))
        ),
        "integer": lambda: (
            isinstance(value, int) and not isinstance(value, bool) and schema["minimum"] <= value <= schema["maximum"]
        ),
        "boolean": lambda: isinstance(value, bool),
        "null": lambda: value is None,
    }
    if "anyOf" in schema:
        return any(suits(value, option) for option in schema["anyOf"])
    if "enum" in schema:
        return any(_same(value, option) for option in schema["enum"])
    if "const" in schema:
        return _same(value, schema["const"])
    return checks[schema["type"]]()


def _object_suits(value: Any, schema: Any) -> bool:
    if not isinstance(value, dict) or not set(schema["required"]) <= value.keys() <= schema["properties"].keys():
        return False
    return all(suits(inner, schema["properties"][name]) for name, inner in value.items())


def _same(value: Any, option: Any) -> bool:
    return bool(value == option) and isinstance(value, bool) == isinstance(option, bool)


def _leaves() -> st.SearchStrategy[Any]:
    plain = ({"type": "boolean"}, {"type": "null"}, {"type": "string", "pattern": "^[ab]{1,3}$"})
    return st.one_of(
        st.sampled_from(plain),
        st.builds(_integer, st.integers(-50, 50), st.integers(0, 200)),
        st.builds(_string, st.integers(0, 2), st.integers(0, 3)),
        st.builds(lambda options: {"enum": options}, st.lists(SCALARS, min_size=1, max_size=3)),
        st.builds(lambda value: {"const": value}, SCALARS),
    )


def _integer(least: int, more: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": least + more}


def _string(least: int, more: int) -> dict[str, Any]:
    return {"type": "string", "minLength": least, "maxLength": least + more}


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(_object, st.dictionaries(NAMES, inner, max_size=3), st.integers(0, 3)),
        st.builds(
            lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
            inner,
            st.integers(0, 1),
            st.integers(0, 2),
        ),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=2)),
    )


def _object(properties: dict[str, Any], required: int) -> dict[str, Any]:
    return {
        "type": "object",
        "title": "made up",
        "properties": properties,
        "required": list(properties)[:required],
        "additionalProperties": False,
    }
