"""BFCL's function descriptions as tools: its types in JSON Schema's words, its names without dots."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from jackfield.contracts.tools import ToolDescription
from jackfield.errors import InvalidRequest
from jackfield.messages import Call

JSON_TYPES: dict[str, str | None] = {"dict": "object", "float": "number", "tuple": "array", "any": None}
"""By BFCL's name where it is another one; None is no type, which is any."""
DROPPED = frozenset({"optional"})
"""What is said of a parameter elsewhere: only those listed as required are."""
FOREIGN = re.compile(r"[^a-zA-Z0-9_-]")


class OfferedTools(msgspec.Struct, frozen=True):
    """A case's functions as tools; `originals` has each function's own name by its tool's."""

    tools: tuple[ToolDescription, ...]
    originals: dict[str, str]

    def restored(self, call: Call) -> dict[str, dict[str, Any]]:
        """A call under its function's own name, as BFCL writes calls; an unknown name stays as it is."""
        return {self.originals.get(call.tool, call.tool): call.arguments}

    def tool(self, name: str) -> ToolDescription | None:
        """One of the tools, None where there is none of that name."""
        return next((tool for tool in self.tools if tool.name == name), None)


def offered_tools(functions: Sequence[Mapping[str, Any]]) -> OfferedTools:
    """Functions as tools, in their order; raises InvalidRequest for what describes no function."""
    originals: dict[str, str] = {}
    tools = []
    for function in functions:
        try:
            name, description, parameters = function["name"], function["description"], function["parameters"]
        except KeyError as error:
            raise InvalidRequest(f"A function's description lacks its {error}: {function!r:.200}") from error
        safe = _free_name(FOREIGN.sub("_", name), originals)
        originals[safe] = name
        tools.append(ToolDescription(name=safe, description=description, parameters=json_schema(parameters)))
    return OfferedTools(tuple(tools), originals)


def json_schema(described: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's description as a JSON schema, all the way down."""
    schema: dict[str, Any] = {}
    for key, value in described.items():
        if key == "type":
            schema |= _typed(value)
        elif key == "properties":
            schema[key] = {name: json_schema(each) for name, each in value.items()}
        elif key == "items":
            schema[key] = json_schema(value)
        elif key not in DROPPED:
            schema[key] = value
    return schema


def _typed(name: str) -> dict[str, str]:
    kind = JSON_TYPES.get(name, name)
    return {} if kind is None else {"type": kind}


def _free_name(name: str, taken: Mapping[str, str]) -> str:
    while name in taken:
        name += "_"
    return name
