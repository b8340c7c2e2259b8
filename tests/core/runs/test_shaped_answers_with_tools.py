"""Answers that must have a shape, by models that may call before they give them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.contracts.sampling import Constraint
from jackfield.events import CallEnded, Failed, Finished
from jackfield.testing.scripted_tools import ScriptedTool
from jackfield.testing.tool_runs import asking, bodies, followed, text_of

SHAPE = Constraint(
    kind="json_schema",
    value=json.dumps({"type": "object", "properties": {"said": {"type": "string"}}, "required": ["said"]}),
    parameter="response_format",
)


def shouted(arguments: Mapping[str, Any]) -> str:
    return str(arguments["text"]).upper()


def reply(prompt: str) -> str:
    if "<tool_response>" in prompt:
        return '{"said": "HELLO"} and more'
    return '[{"function": "shout", "arguments": {"text": "hello"}}]'


async def test_a_model_calls_first_and_answers_in_the_shape(open_workbench: Any) -> None:
    request = asking("Shout hello.", "shout", protocol="constrained")
    async with open_workbench(reply, ScriptedTool("shout", shouted)) as workbench:
        events = await followed(workbench, msgspec.structs.replace(request, constraint=SHAPE))
    assert isinstance(events[-1].body, Finished), events[-1]
    assert [ended.text for ended in bodies(events, CallEnded)] == ["HELLO"]
    assert json.loads(text_of(events)) == {"said": "HELLO"}


async def test_a_shape_that_cannot_stand_beside_calls_is_refused(open_workbench: Any) -> None:
    request = asking("Shout hello.", "shout", protocol="constrained")
    shape = Constraint(kind="regex", value="[a-z]+", parameter="structured_outputs")
    async with open_workbench(reply, ScriptedTool("shout", shouted)) as workbench:
        events = await followed(workbench, msgspec.structs.replace(request, constraint=shape))
    assert isinstance(events[-1].body, Failed)
    assert "call_protocol 'native'" in events[-1].body.message
