"""The shape that a plan is held to while it is written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from jackfield.contracts.sampling import Constraint
from jackfield.contracts.tools import ToolDescription
from jackfield.decoding.constraints.json_schema import checked_schema
from jackfield.errors import InvalidRequest
from jackfield_plugins.agents.plan_then_work.references import label

MOST_STEPS = 12
LONGEST_REMARK = 200
"""Characters of what a step says it is for; without an end a small model may never come to the call."""

FREE_OBJECT: dict[str, Any] = {"type": "object"}
LABEL_ALONE = {"type": "string", "pattern": "^#E[1-9][0-9]?$"}


def plan_constraint(tools: Mapping[str, ToolDescription]) -> Constraint:
    """Steps that call these tools with arguments of their schemas, where a label may stand for any value."""
    steps = [{"anyOf": _calls(label(number), tools)} for number in range(1, MOST_STEPS + 1)]
    schema = {
        "type": "object",
        "properties": {"steps": {"type": "array", "prefixItems": steps, "items": False, "maxItems": MOST_STEPS}},
        "required": ["steps"],
        "additionalProperties": False,
        "$defs": {f"arguments_{place}": _arguments(tool) for place, tool in enumerate(tools.values())},
    }
    return Constraint(kind="json_schema", value=json.dumps(schema), parameter="plan")


def _calls(step: str, tools: Iterable[str]) -> list[dict[str, Any]]:
    """A step of each tool, its label before all else, so that the planner is shown it as it goes along."""
    return [
        {
            "type": "object",
            "properties": {
                "step": {"const": step},
                "plan": {"type": "string", "maxLength": LONGEST_REMARK},
                "tool": {"const": name},
                "arguments": {"$ref": f"#/$defs/arguments_{place}"},
            },
            "required": ["step", "plan", "tool", "arguments"],
            "additionalProperties": False,
        }
        for place, name in enumerate(tools)
    ]


def _arguments(tool: ToolDescription) -> dict[str, Any]:
    """A tool's parameters with labels let in; any object where they cannot be part of a larger schema."""
    loosened = _loosened(tool.parameters)
    try:
        checked_schema(json.dumps(loosened), "plan")
    except InvalidRequest:
        return FREE_OBJECT
    return loosened if "$ref" not in json.dumps(loosened) else FREE_OBJECT


def _loosened(parameters: Mapping[str, Any]) -> dict[str, Any]:
    properties = parameters.get("properties") or {}
    loosened = {name: _or_label(schema) for name, schema in properties.items()}
    return {"additionalProperties": False, **parameters, "properties": loosened}


def _or_label(schema: Any) -> Any:
    takes_any_text = isinstance(schema, Mapping) and schema.get("type") == "string"
    bounded = takes_any_text and {"enum", "const", "pattern", "format", "maxLength", "minLength"} & schema.keys()
    return schema if takes_any_text and not bounded else {"anyOf": [schema, LABEL_ALONE]}
