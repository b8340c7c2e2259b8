"""BFCL's functions as tools: types in JSON Schema's words, names that go there and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from jackfield.errors import InvalidRequest
from jackfield.messages import Call
from jackfield_plugins.function_calls.bench.functions import JSON_TYPES, json_schema, offered_tools

TYPES = st.sampled_from(["string", "integer", "boolean", *JSON_TYPES])
DESCRIBED = st.recursive(
    st.builds(lambda kind: {"type": kind, "optional": True, "description": "words"}, TYPES),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda properties: {"type": "dict", "properties": properties, "required": list(properties)[:1]},
            st.dictionaries(st.sampled_from(["type", "optional", "items", "properties", "x"]), inner, max_size=3),
        ),
    ),
    max_leaves=8,
)


def function(name: str, **parameters: Any) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Does it.",
        "parameters": {"type": "dict", "properties": parameters, "required": list(parameters)},
    }


@given(DESCRIBED)
def test_whatever_is_described_becomes_a_schema_with_the_same_parameters(described: dict[str, Any]) -> None:
    schema = json_schema(described)
    Draft202012Validator.check_schema(schema)
    assert list(schema.get("properties", {})) == list(described.get("properties", {}))
    assert "optional" not in schema


def test_types_are_said_in_the_schemas_words() -> None:
    schema = json_schema(
        {
            "type": "dict",
            "properties": {
                "ratio": {"type": "float", "optional": True, "default": 1.0},
                "pair": {"type": "tuple", "items": {"type": "float"}},
                "anything": {"type": "any", "description": "No matter what."},
            },
        }
    )
    assert schema == {
        "type": "object",
        "properties": {
            "ratio": {"type": "number", "default": 1.0},
            "pair": {"type": "array", "items": {"type": "number"}},
            "anything": {"description": "No matter what."},
        },
    }


def test_names_lose_their_dots_and_get_them_back() -> None:
    offered = offered_tools([function("math.add"), function("math_add"), function("plain")])
    assert len({tool.name for tool in offered.tools}) == 3
    assert all("." not in tool.name for tool in offered.tools)
    calls = [Call(identifier="1", tool=tool.name, arguments={"a": 1}) for tool in offered.tools]
    assert [offered.restored(call) for call in calls] == [
        {"math.add": {"a": 1}},
        {"math_add": {"a": 1}},
        {"plain": {"a": 1}},
    ]


def test_what_describes_no_function_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="'parameters'"):
        offered_tools([{"name": "half", "description": "No parameters."}])
