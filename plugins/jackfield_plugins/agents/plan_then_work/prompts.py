"""What the planner, the steps that are for the model itself, and the solver are told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from jackfield.contracts.tools import ToolDescription
from jackfield_plugins.agents.plan_then_work.plan_schema import MOST_STEPS

MODEL = "LLM"
"""The tool that is the model itself."""

MODEL_TOOL = ToolDescription(
    name=MODEL,
    description="Asks a language model, which sees nothing but the question: to compare, extract or reword results.",
    parameters={
        "type": "object",
        "properties": {"question": {"type": "string", "description": "with the labels of the results it is about"}},
        "required": ["question"],
    },
    estimate=2.0,
)

_PLANNING = """\
Make a plan for the user's task. You do not answer it now: the steps are carried out first.
A plan is JSON: {{"steps": [...]}}. Each step has "step" (its label: #E1, #E2 and so on), "plan" (what it finds out), \
"tool" and "arguments".
To use the result of an earlier step, write its label, such as #E1, in a text among the arguments. Never guess a result.
Steps that do not need each other's results are carried out at the same time. At most {most} steps; no step that the \
task does not need; an empty list where it needs no tool.

Tools:
{tools}

Example, for tools "search" and "{model}", with the task "Is the Elbe longer than the Rhine?":
{example}"""

_EXAMPLE = {
    "steps": [
        {"step": "#E1", "plan": "Find the Elbe's length.", "tool": "search", "arguments": {"query": "length Elbe"}},
        {"step": "#E2", "plan": "Find the Rhine's length.", "tool": "search", "arguments": {"query": "length Rhine"}},
        {
            "step": "#E3",
            "plan": "Compare both.",
            "tool": MODEL,
            "arguments": {"question": "Elbe: #E1 Rhine: #E2 Which is longer?"},
        },
    ]
}

AGAIN = "This plan cannot be carried out: {faults} Write the whole plan once more, without these faults."
ASIDE = "Answer the question briefly, from what it says."
EVIDENCE_FOLLOWS = "These steps were carried out to help with this:\n"
SOLVE = (
    "\nNow answer every part of the task from these results, in whole sentences, without speaking of steps or labels."
)


def planning_instructions(tools: Mapping[str, ToolDescription]) -> str:
    """What the planner is told."""
    return _PLANNING.format(
        most=MOST_STEPS, tools="\n".join(map(_listed, tools.values())), model=MODEL, example=json.dumps(_EXAMPLE)
    )


def once_more(faults: Sequence[str]) -> str:
    """What a planner is told whose plan cannot be carried out."""
    return AGAIN.format(faults=" ".join(faults))


def _listed(tool: ToolDescription) -> str:
    parameters = tool.parameters.get("properties") or {}
    shown = ", ".join(f"{name}: {_kind(schema)}" for name, schema in parameters.items())
    return f"- {tool.name}({shown}): {tool.description}"


def _kind(schema: object) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    kind = json.dumps(schema["enum"]) if "enum" in schema else str(schema.get("type", "any"))
    return f"{kind} ({schema['description']})" if schema.get("description") else kind
