"""A description that makes no sense and arguments that do not fit are each refused with a sentence to act on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from jackfield.contracts.tools import ToolDescription
from jackfield.errors import ArgumentsInvalid, InvalidRequest
from jackfield.tools.arguments import checked_arguments, checked_description, checked_descriptions

TRIP = ToolDescription(
    name="plan_trip",
    description="Plan a trip.",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "unit": {"enum": ["km", "mi"]},
            "budget": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "stops": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"name": {"type": "string"}},
                    "required": ["name"],
                    "additionalProperties": False,
                },
            },
            "hotel": {"$ref": "#/$defs/hotel"},
        },
        "required": ["city", "days"],
        "additionalProperties": False,
        "$defs": {"hotel": {"type": "object", "properties": {"stars": {"type": "integer"}}}},
    },
)
FIT = {"city": "Rome", "days": 3}


def described(**changes: Any) -> ToolDescription:
    """The trip's description with changes."""
    return msgspec.structs.replace(TRIP, **changes)


@pytest.mark.parametrize(
    "arguments",
    [
        FIT,
        {**FIT, "days": 3.0},
        {**FIT, "budget": None, "unit": "mi", "stops": [{"name": "Forum"}], "hotel": {"stars": 4, "pool": True}},
    ],
)
def test_what_fits_passes(arguments: dict[str, Any]) -> None:
    assert checked_arguments(TRIP, arguments) == arguments


@pytest.mark.parametrize(
    ("arguments", "parameter", "sentence"),
    [
        ({"city": "Rome"}, None, "'days' (an integer) is missing."),
        ({}, None, "'city' (a string) and 'days' (an integer) are missing."),
        ({**FIT, "days": "three"}, "days", "'days' must be an integer, not the string \"three\"."),
        ({**FIT, "days": 3.5}, "days", "'days' must be an integer, not the number 3.5."),
        ({**FIT, "days": True}, "days", "'days' must be an integer, not true."),
        ({**FIT, "city": None}, "city", "'city' must be a string, not null."),
        ({**FIT, "days": 15}, "days", "'days' is the number 15, which does not fit: 15 is greater than"),
        ({**FIT, "unit": "yd"}, "unit", '\'unit\' must be one of "km", "mi", not the string "yd".'),
        ({**FIT, "budget": "much"}, "budget", "'budget' must be a number or null, not the string \"much\"."),
        (
            {"ctiy": "Rome", "days": 3},
            None,
            "there is no field 'ctiy'; did you mean 'city'? It has the fields 'city', ",
        ),
        ({**FIT, "zzz": 1}, None, "there is no field 'zzz'. It has the fields"),
        ({**FIT, "stops": [{}]}, "stops[0]", "'name' (a string) is missing in 'stops[0]'."),
        ({**FIT, "stops": ["x"]}, "stops[0]", "'stops[0]' must be an object, not the string \"x\"."),
        ({**FIT, "stops": {}}, "stops", "'stops' must be an array, not the object {}."),
        ({**FIT, "hotel": {"stars": "4"}}, "hotel.stars", "'hotel.stars' must be an integer, not the string \"4\"."),
    ],
)
def test_what_does_not_fit_is_told_so_that_it_can_be_mended(
    arguments: dict[str, Any], parameter: str | None, sentence: str
) -> None:
    with pytest.raises(ArgumentsInvalid) as refusal:
        checked_arguments(TRIP, arguments)
    assert refusal.value.message.startswith(f"The arguments of 'plan_trip' do not fit: {sentence}")
    assert refusal.value.message.endswith(".")
    assert refusal.value.parameter == parameter


@pytest.mark.parametrize("arguments", [None, [], "city", 3])
def test_what_is_no_object_is_refused(arguments: Any) -> None:
    with pytest.raises(ArgumentsInvalid, match="must be a JSON object with the fields 'city', 'days'"):
        checked_arguments(TRIP, arguments)


def test_a_long_value_is_not_repeated_whole() -> None:
    with pytest.raises(ArgumentsInvalid) as refusal:
        checked_arguments(TRIP, {**FIT, "days": "x" * 100_000})
    assert len(refusal.value.message) < 300


def test_nesting_without_end_is_refused() -> None:
    chain = described(
        parameters={"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False}
    )
    nested: dict[str, Any] = {}
    for _ in range(5000):
        nested = {"next": nested}
    with pytest.raises(ArgumentsInvalid, match="nested too deeply"):
        checked_arguments(chain, nested)


def test_a_sound_description_passes() -> None:
    assert checked_description(TRIP) == TRIP
    assert checked_descriptions([TRIP, described(name="other.tool-2")]) == (TRIP, described(name="other.tool-2"))


@pytest.mark.parametrize("name", ["", "two words", "a" * 65, "ünï", "a/b", "x\n"])
def test_a_name_must_be_one(name: str) -> None:
    with pytest.raises(InvalidRequest, match="no name for a tool") as refusal:
        checked_description(described(name=name))
    assert refusal.value.parameter == "name"


@pytest.mark.parametrize(
    "schema",
    [
        {},
        [],
        "object",
        None,
        True,
        {"type": "array"},
        {"type": ["object", "null"]},
        {"type": "object", "properties": []},
        {"type": "object", "properties": {"a": {"type": "strin"}}},
        {"type": "object", "properties": {"a": {"minimum": "1"}}},
        {"type": "object", "required": "a"},
        {"type": "object", "properties": {"a": {"pattern": "("}}},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/none"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://schemas.test/a.json"}}},
        {"type": "object", "properties": {"a": {"const": object()}}},
    ],
)
def test_a_schema_must_be_one_of_an_object(schema: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"no JSON schema of an object: .+") as refusal:
        checked_description(described(parameters=schema))
    assert refusal.value.parameter == "parameters"
    assert "plan_trip" in refusal.value.message


def test_an_older_dialect_that_is_named_is_read_as_such() -> None:
    pair = {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]}
    older = described(
        parameters={
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {"pair": pair},
        }
    )
    assert checked_description(older)
    with pytest.raises(ArgumentsInvalid):
        checked_arguments(older, {"pair": ["a", "b"]})


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("permission", "everything"),
        ("timeout", 0),
        ("timeout", float("inf")),
        ("retries", -1),
        ("concurrency", -1),
        ("result_limit", 0),
        ("estimate", float("nan")),
        ("targets", ("path",)),
    ],
)
def test_limits_must_be_sound(parameter: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        checked_description(described(**{parameter: value}))
    assert refusal.value.parameter == parameter


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="Two tools have the name 'plan_trip'"):
        checked_descriptions([TRIP, described(description="Another.")])
