"""POST /v1/responses: what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "1"}
IMAGE = {"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}


@pytest.mark.parametrize(
    ("fields", "parameter", "said"),
    [
        ({"input": [IMAGE]}, "input[0].content[0].type", "read text only"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type", "cannot read"),
        ({"input": [RESULT]}, "input[0].call_id", "no item before it makes that call"),
        ({"input": [CALL, RESULT, RESULT]}, "input[2].call_id", "answered before"),
        ({"input": [{**CALL, "arguments": "[]"}]}, "input[0].arguments", "JSON text of an object"),
        ({"input": [{"role": "user"}]}, "input[0].content", "missing"),
        ({"input": [{"content": "x"}]}, "input[0].role", "missing"),
        ({"input": [{**CALL, "role": "assistant"}]}, "input[0].role", "does not belong"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type", "expected one of function"),
        ({"tool_choice": "required"}, "tool_choice", "there are no tools"),
        ({"reasoning": {"effort": "high"}}, "reasoning", "OpenAI's service"),
        ({"include": ["reasoning.encrypted_content"]}, "include", "length <= 0"),
        ({"truncation": "auto"}, "truncation", "expected one of disabled"),
        ({"max_output_tokens": 0}, "max_output_tokens", ">= 1"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type", "expected one of text, json_object, json_schema"),
        ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema", "missing"),
    ],
)
async def test_what_cannot_be_honoured_is_refused_by_name(
    served: Any, fields: dict[str, Any], parameter: str, said: str
) -> None:
    response = await served.client.post("/v1/responses", json={"model": "scripted", "input": "hello", **fields})
    fault = response.json()["error"]
    assert response.status_code == 400, response.text
    assert fault["param"] == parameter
    assert said in fault["message"]
