"""Tools that a caller runs, as Jackfield has them, whichever protocol they were described in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jackfield.contracts.tools import ToolChoice, ToolDescription
from jackfield.errors import InvalidRequest
from jackfield.tools.arguments import checked_description

NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}

HOLDS_SCHEMAS = "constrained"
"""The call protocol under which no call can be written that does not fit its tool's schema."""


def callers_tool(
    name: str, description: str | None, parameters: dict[str, Any] | None, place: str, *, schema: str = "parameters"
) -> ToolDescription:
    """A tool that the caller runs; raises InvalidRequest for a schema that is none, naming it by the word `schema`."""
    tool = ToolDescription(name=name, description=description or "", parameters=parameters or NO_PARAMETERS)
    try:
        return checked_description(tool)
    except InvalidRequest as error:
        at = error.parameter or "parameters"
        parameter = f"{place}.{at.replace('parameters', schema, 1)}"
        raise InvalidRequest(f"'{parameter}': {error.message}", parameter=parameter) from error


def check_names(names: dict[str, str]) -> None:
    """Raises InvalidRequest where two parameters name one tool."""
    places: dict[str, str] = {}
    for place, name in names.items():
        if name in places:
            sentence = f"'{places[name]}' and '{place}' are both '{name}'; each tool needs a name of its own."
            raise InvalidRequest(sentence, parameter=place)
        places[name] = place


def named_choice(name: str, names: Sequence[str], parameter: str) -> ToolChoice:
    """The choice of one tool; raises InvalidRequest for what is not among the request's."""
    if name not in names:
        known = f"there are {', '.join(names)}" if names else "there are none"
        sentence = f"'{parameter}' is '{name}', which is none of the request's tools; {known}."
        raise InvalidRequest(sentence, parameter=parameter)
    return ToolChoice(mode="required", name=name)


def required_choice(names: Sequence[str], parameter: str, word: str = "required") -> ToolChoice:
    """The choice of any tool; raises InvalidRequest where there are none."""
    if not names:
        raise InvalidRequest(f"'{parameter}' is '{word}', and there are no tools to call.", parameter=parameter)
    return ToolChoice(mode="required")
