"""Whether a tool's description makes sense, and whether a call's arguments fit it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec

from jackfield.contracts.tools import Permission, ToolDescription
from jackfield.errors import ArgumentsInvalid, InvalidRequest
from jackfield.tools.misfits import known_fields, named, place, reason, worst
from jackfield.tools.validators import Validator, compiled

NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")


def checked_description(tool: ToolDescription) -> ToolDescription:
    """The same, if it makes sense; raises InvalidRequest that names the tool and what is wrong with it."""
    if not NAME.fullmatch(tool.name):
        raise InvalidRequest(
            f"{tool.name!r} is no name for a tool: 1 to 64 letters, digits, '_', '-' and '.' are expected.",
            parameter="name",
        )
    _validator(tool)
    for parameter, sound, expected in _limits(tool):
        if not sound:
            raise InvalidRequest(f"Tool '{tool.name}': {parameter} must be {expected}.", parameter=parameter)
    unknown = [target for target in tool.targets or () if target not in tool.parameters.get("properties", {})]
    if unknown:
        raise InvalidRequest(
            f"Tool '{tool.name}' names the target '{unknown[0]}', which is none of its parameters.",
            parameter="targets",
        )
    return tool


def checked_descriptions(tools: Iterable[ToolDescription]) -> tuple[ToolDescription, ...]:
    """The same, if each makes sense and no two have one name; raises InvalidRequest."""
    known: dict[str, ToolDescription] = {}
    for tool in tools:
        if checked_description(tool).name in known:
            raise InvalidRequest(f"Two tools have the name '{tool.name}'; rename one.", parameter="tools")
        known[tool.name] = tool
    return tuple(known.values())


def checked_arguments(tool: ToolDescription, arguments: Any) -> dict[str, Any]:
    """A call's arguments, if they fit; raises ArgumentsInvalid with a sentence that the model can act on.

    Raises InvalidRequest where the tool's own schema is none.
    """
    if not isinstance(arguments, Mapping):
        raise ArgumentsInvalid(
            f"The arguments of '{tool.name}' must be a JSON object with {known_fields(tool.parameters)}, "
            f"not {named(arguments)}."
        )
    plain = dict(arguments)
    try:
        misfit = worst(_validator(tool).iter_errors(plain))
    except RecursionError as error:
        raise ArgumentsInvalid(f"The arguments of '{tool.name}' are nested too deeply.") from error
    if misfit:
        raise ArgumentsInvalid(f"The arguments of '{tool.name}' do not fit: {reason(misfit)}", parameter=place(misfit))
    return plain


def _limits(tool: ToolDescription) -> list[tuple[str, bool, str]]:
    permissions = get_args(Permission)
    return [
        ("permission", tool.permission in permissions, f"one of {', '.join(permissions)}"),
        ("timeout", 0 < tool.timeout < math.inf, "a number of seconds above 0"),
        ("retries", tool.retries >= 0, "0 or more"),
        ("concurrency", tool.concurrency >= 0, "0 (any number) or more"),
        ("result_limit", tool.result_limit > 0, "above 0"),
        ("estimate", 0 <= tool.estimate < math.inf, "a number of seconds, 0 or more"),
    ]


def _validator(tool: ToolDescription) -> Validator:
    try:
        schema = msgspec.json.encode(tool.parameters)
    except (TypeError, ValueError, RecursionError) as error:
        raise _no_schema(tool.name, f"it is no JSON: {error}") from error
    try:
        return compiled(schema)
    except ValueError as error:
        raise _no_schema(tool.name, str(error)) from error


def _no_schema(tool: str, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"The parameters of tool '{tool}' are no JSON schema of an object: {reason}.", parameter="parameters"
    )
