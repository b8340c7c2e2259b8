"""Answers in a shape, asked for in the words of OpenAI, llama-server and vLLM; and what cannot be held is a 400."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from jackfield.testing.scripted_engine import ScriptedEngine, replying

AGE = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"], "additionalProperties": False}
LIST = 'root ::= "- " [a-z]+ "\\n"'


def contrary() -> ScriptedEngine:
    """A model that would say anything but what is asked for, and then the right thing."""
    return ScriptedEngine(replying('Sure! {"age": 36}'))


def asking_for(schema: Any) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "it", "schema": schema, "strict": False}}


SHAPES: list[tuple[dict[str, Any], str]] = [
    ({"response_format": asking_for(AGE)}, r'\{\s*"age"\s*:\s*-?\d+\s*\}'),
    ({"response_format": {"type": "json_object", "schema": AGE}}, r'\{\s*"age"\s*:\s*-?\d+\s*\}'),
    ({"json_schema": AGE}, r'\{\s*"age"\s*:\s*-?\d+\s*\}'),
    ({"structured_outputs": {"json": AGE}}, r'\{\s*"age"\s*:\s*-?\d+\s*\}'),
    ({"structured_outputs": {"json": json.dumps(AGE)}}, r'\{\s*"age"\s*:\s*-?\d+\s*\}'),
    ({"structured_outputs": {"regex": "[0-9]{3}x"}}, r"[0-9]{3}x"),
    ({"structured_outputs": {"choice": ["yes", "no"]}}, "yes|no"),
    ({"structured_outputs": {"grammar": LIST}}, r"- [a-z]+\n"),
    ({"grammar": LIST}, r"- [a-z]+\n"),
]


@pytest.mark.parametrize(("fields", "shape"), SHAPES, ids=[str(fields)[:45] for fields, _ in SHAPES])
async def test_both_routes_hold_it_streamed_or_whole(serving: Any, sse: Any, fields: Any, shape: str) -> None:
    async with serving(contrary) as served:
        chat = await served.chat(**fields, temperature=2, seed=1, max_tokens=150)
        text = await served.complete(**fields, temperature=2, seed=2, max_tokens=150)
        stream = await served.chat(**fields, temperature=2, seed=3, max_tokens=150, stream=True)
    chunks = [chunk for chunk in sse(stream.text) if chunk != "[DONE]"]
    choices = [chat.json()["choices"][0], text.json()["choices"][0]]
    answers = [choices[0]["message"]["content"], choices[1]["text"]]
    answers.append("".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks))
    ends = [*(choice["finish_reason"] for choice in choices), chunks[-1]["choices"][0]["finish_reason"]]
    for answer, end in zip(answers, ends, strict=True):
        assert end == "length" or re.fullmatch(shape, answer)
    assert "stop" in ends


async def test_a_json_object_is_one(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(replying('{"a": [1, "x"]}'))) as served:
        answer = await served.chat(response_format={"type": "json_object"}, temperature=0)
    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"a": [1, "x"]}


async def test_the_shape_begins_behind_a_trigger(serving: Any) -> None:
    outputs = {"choice": ["one", "two"], "triggers": ["call "]}
    async with serving(lambda: ScriptedEngine(replying("I call three"))) as served:
        answer = (await served.chat(structured_outputs=outputs, temperature=0)).json()["choices"][0]
        free = (await served.chat(structured_outputs=outputs | {"triggers": ["never"]}, temperature=0)).json()
    assert answer["message"]["content"] in ("I call one", "I call two")
    assert answer["finish_reason"] == "stop"
    assert free["choices"][0]["message"]["content"] == "I call three"


async def test_an_answer_that_is_cut_says_so(serving: Any) -> None:
    async with serving(contrary) as served:
        answer = (await served.chat(structured_outputs={"regex": "[0-9]{50}"}, max_tokens=5)).json()["choices"][0]
    assert answer["finish_reason"] == "length"
    assert re.fullmatch("[0-9]{5}", answer["message"]["content"])


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"response_format": asking_for({"not": {}})}, "response_format", "'not'"),
    ({"response_format": asking_for({"type": "strin"})}, "response_format", "Invalid type: strin"),
    ({"response_format": {"type": "json_object", "schema": {"if": {}}}}, "response_format", "'if'"),
    ({"json_schema": {"type": "string", "format": "path"}}, "json_schema", "Unknown format"),
    ({"json_schema": 3}, "json_schema", "no schema at its top"),
    ({"grammar": "root ::= missing"}, "grammar", "'missing'"),
    ({"structured_outputs": {"regex": "("}}, "structured_outputs.regex", "unclosed group"),
    ({"structured_outputs": {"choice": []}}, "structured_outputs.choice", "at least one text"),
    ({"structured_outputs": {"json": "{"}}, "structured_outputs.json", "not valid JSON"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("fields", "parameter", "reason"), REFUSED, ids=[str(fields)[:45] for fields, *_ in REFUSED])
async def test_what_cannot_be_compiled_is_a_400_with_the_reason(
    served: Any, fields: Any, parameter: str, reason: str, stream: bool
) -> None:
    for response in (await served.chat(**fields, stream=stream), await served.complete(**fields, stream=stream)):
        error = response.json()["error"]
        assert response.status_code == 400
        assert error["param"] == parameter
        assert reason in error["message"]
        assert error["type"] == "invalid_request_error"
