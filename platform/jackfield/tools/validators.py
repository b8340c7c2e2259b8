"""Compiled JSON schemas of tools' parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from jackfield.errors import MissingDependency

REPEATED = 200
"""Characters of what is wrong in a schema that are repeated."""


class Misfit(Protocol):
    """What of a value does not fit its schema, as jsonschema's ValidationError says it."""

    message: str
    validator: str
    validator_value: Any
    instance: Any
    schema: Any
    absolute_path: Sequence[str | int]
    context: Sequence[Misfit]
    json_path: str


class Validator(Protocol):
    """A schema that values can be held against."""

    def iter_errors(self, instance: Any) -> Iterable[Misfit]:
        """All that does not fit."""
        ...


@lru_cache(maxsize=512)
def compiled(text: bytes) -> Validator:
    """A validator that never leaves the process for a reference; raises ValueError with the reason."""
    try:
        from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
        from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
        from jsonschema.validators import validator_for  # type: ignore[import-untyped]
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY, specification_with
    except ImportError as error:
        raise MissingDependency(
            "Checking a call's arguments needs the package jsonschema; `pip install 'jackfield[local]'` brings it."
        ) from error
    schema = msgspec.json.decode(text)
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ValueError('the outermost schema must have "type": "object"')
    dialect = validator_for(schema, default=Draft202012Validator)
    try:
        dialect.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"at {error.json_path}, {error.message[:REPEATED]}") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    default = specification_with(schema.get("$schema", ""), default=DRAFT202012)
    resolver = EMPTY_REGISTRY.resolver_with_root(default.create_resource(schema))
    for reference in _references(schema):
        try:
            resolver.lookup(reference)
        except Unresolvable as error:
            raise ValueError(f"nothing within it is at the reference '{reference[:REPEATED]}'") from error
    validator: Validator = dialect(schema, registry=EMPTY_REGISTRY)
    return validator


def _references(schema: Any) -> list[str]:
    found: list[str] = []
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(reference := part.get("$ref"), str):
                found.append(reference)
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
    return found
