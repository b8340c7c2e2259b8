"""A call's arguments as they are written on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jackfield.cli.prompt_input import piped_text
from jackfield.contracts.tools import ToolDescription
from jackfield.errors import InvalidRequest

PIPED = "-"


def written_arguments(written: Sequence[str], tool: ToolDescription) -> dict[str, Any]:
    """One JSON object, `-` for one that is piped in, or KEY=VALUE pairs; raises InvalidRequest for anything else."""
    if len(written) == 1 and written[0] == PIPED:
        return _from_json(piped_text())
    if len(written) == 1 and written[0].lstrip().startswith("{"):
        return _from_json(written[0])
    arguments: dict[str, Any] = {}
    for pair in written:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise InvalidRequest(f"'{pair}' is neither a JSON object nor KEY=VALUE; {_example(tool)}")
        if key in arguments:
            raise InvalidRequest(f"'{key}' is given twice.")
        arguments[key] = _value(value, tool.parameters.get("properties", {}).get(key))
    return arguments


def _from_json(text: str) -> dict[str, Any]:
    try:
        arguments = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"The arguments are no JSON: {error}.") from error
    if not isinstance(arguments, dict):
        raise InvalidRequest("The arguments are no JSON object; an object holds each by its name.")
    return arguments


def _value(text: str, schema: Any) -> Any:
    """A value as JSON, or as the text it is: where the schema wants a string, and where it is no JSON."""
    if isinstance(schema, Mapping) and schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _example(tool: ToolDescription) -> str:
    names = list(tool.parameters.get("properties", {}))
    if not names:
        return f"'{tool.name}' takes no arguments."
    return f"write: jackfield tools call {tool.name} " + " ".join(f"{name}=…" for name in names)
