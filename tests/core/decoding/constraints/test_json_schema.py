"""Schemas are read strictly: what no answer could be held to is refused by keyword and place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jackfield.decoding.constraints.json_schema import checked_schema
from jackfield.errors import InvalidRequest

REFUSED: list[tuple[Any, str]] = [
    ({"not": {}}, "'not' at its top"),
    ({"type": "object", "properties": {"a": {"uniqueItems": True}}}, "'uniqueItems' at '/properties/a'"),
    ({"anyOf": [{}, {"if": {}}]}, "'if' at '/anyOf/1'"),
    ({"typ": "string"}, "'typ'"),
    ({"type": "string", "nullable": True}, "'nullable'"),
    ({"x-guidance": {"lenient": True}}, "'x-guidance'"),
    ({"properties": {"a": {"$id": "https://example.org/a"}}}, "'$id' at '/properties/a'"),
    ({"items": [{"type": "string"}]}, "'items' at its top must be a schema"),
    ({"properties": []}, "'properties' at its top must be an object of schemas"),
    ({"anyOf": {}}, "'anyOf' at its top must be a list of schemas"),
    ({"properties": {"a": 3}}, "no schema at '/properties/a'"),
    ({"$ref": "#/$defs/nope"}, "'$ref' at its top is '#/$defs/nope'"),
    ({"$ref": "https://example.org/other"}, "no schema within it"),
    ({"$ref": "#/enum/0", "enum": [{"type": "string"}]}, "no schema within it"),
    ({"pattern": "a" * 5000}, "pattern of 5,000 characters"),
    ({"patternProperties": {"a" * 5000: {}}}, "pattern of 5,000 characters"),
    ({"multipleOf": 1000003}, "'multipleOf'"),
    ({"allOf": [{"multipleOf": 997}, {"multipleOf": 0.991}]}, "'multipleOf' at '/allOf/1'"),
    ({"multipleOf": 0}, "no number above 0"),
    (False, "no schema"),
    (7, "no schema"),
    (["object"], "no schema"),
]


@pytest.mark.parametrize(("schema", "reason"), REFUSED, ids=[str(refused[0])[:40] for refused in REFUSED])
def test_it_is_refused_by_name_and_place(schema: Any, reason: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        checked_schema(json.dumps(schema), "response_format")
    assert reason in refusal.value.message
    assert refusal.value.parameter == "response_format"


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/it", "title": "It"},
        {"description": "d", "default": {"not": 1}, "examples": [{"if": 2}], "const": {"$ref": "#/nowhere"}},
        {"$defs": {"a/b~c": {"type": "string"}}, "$ref": "#/$defs/a~1b~0c"},
        {"definitions": {"a b": {}}, "items": {"$ref": "#/definitions/a%20b"}},
        {"properties": {"next": {"$ref": "#"}, "not": {"type": "string"}}},
        {"additionalProperties": False, "multipleOf": 0.01, "prefixItems": [True, False]},
    ],
)
def test_what_can_be_held_passes(schema: Any) -> None:
    assert checked_schema(json.dumps(schema), "response_format") == ({} if schema is True else schema)


@pytest.mark.parametrize("text", ["", "{", '"\\ud800"', "nonsense", '{"a": NaN}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        checked_schema(text, "response_format")


@pytest.mark.parametrize(
    "schema",
    [
        '{"items":' * 5000 + "{}" + "}" * 5000,
        '{"items":' * 90 + "{}" + "}" * 90,
        json.dumps({"$ref": "#/$defs/0", "$defs": {n: {"items": {"$ref": f"#/$defs/{n + 1}"}} for n in range(3000)}}),
        json.dumps(
            {"$ref": "#/$defs/0", "$defs": {n: {"$ref": f"#/$defs/{n + 1}"} for n in range(3000)} | {"3000": {}}}
        ),
    ],
    ids=["deeper than a stack", "deeper than allowed", "a chain that breaks", "a chain of references"],
)
def test_what_would_take_the_process_along_is_refused(schema: str) -> None:
    with pytest.raises(InvalidRequest, match=r"deep|no schema within"):
        checked_schema(schema, "response_format")
