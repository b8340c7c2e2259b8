"""Schemas as small models read them best: nothing behind references that can stand in place, no titles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "#/$defs/"
NAMED = ("properties", "patternProperties", "$defs")
"""Keywords that hold schemas by name, so that their keys are no keywords."""


def plain_schema(schema: Any, definitions: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema and those definitions that it still needs, which are the ones that hold themselves."""
    recursive = {name for name in definitions if name in _reached(definitions[name], definitions)}
    kept = {name for name in recursive if name in _reached(schema, definitions)}
    inlined = _inlined(schema, definitions, recursive)
    return inlined, {name: _inlined(definitions[name], definitions, recursive) for name in sorted(kept)}


def _reached(schema: Any, definitions: Mapping[str, Any]) -> set[str]:
    reached: set[str] = set()
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        elif isinstance(part, dict):
            waiting.extend(part.values())
            name = _referred(part)
            if name in definitions and name not in reached:
                reached.add(name)
                waiting.append(definitions[name])
    return reached


def _inlined(schema: Any, definitions: Mapping[str, Any], recursive: set[str]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, definitions, recursive) for each in schema]
    if not isinstance(schema, dict):
        return schema
    name = _referred(schema)
    if name in definitions and name not in recursive:
        beside = {key: value for key, value in schema.items() if key != "$ref"}
        return _inlined({**definitions[name], **beside}, definitions, recursive)
    return {
        key: _named(value, definitions, recursive) if key in NAMED else _value(key, value, definitions, recursive)
        for key, value in schema.items()
        if key != "title"
    }


def _named(schemas: Any, definitions: Mapping[str, Any], recursive: set[str]) -> Any:
    return {name: _inlined(schema, definitions, recursive) for name, schema in schemas.items()}


def _value(key: str, value: Any, definitions: Mapping[str, Any], recursive: set[str]) -> Any:
    """A keyword's value; what is data and not schema stays as it is."""
    return value if key in ("default", "enum", "const", "examples") else _inlined(value, definitions, recursive)


def _referred(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).removeprefix(PREFIX)
