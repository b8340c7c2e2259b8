"""What a chat request may not be: each refusal is a 400 that names the parameter."""

from __future__ import annotations

from typing import Any

import pytest

IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}

REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"temprature": 1}, "temprature", "unknown_parameter", "did you mean 'temperature'?"),
    ({"wibble": 1}, "wibble", "unknown_parameter", "known are"),
    (
        {"messages": [{"role": "user", "content": "x", "nmae": "ada"}]},
        "messages[0].nmae",
        "unknown_parameter",
        "did you mean 'messages[0].name'?",
    ),
    (
        {"messages": [{"role": "user", "content": [{"type": "text", "txet": "x"}]}]},
        "messages[0].content[0].txet",
        "unknown_parameter",
        "did you mean 'messages[0].content[0].text'?",
    ),
    (
        {"stream": True, "stream_options": {"include_usages": True}},
        "stream_options.include_usages",
        "unknown_parameter",
        "include_usage",
    ),
    ({"reasoning_effort": "low"}, "reasoning_effort", "unsupported_parameter", "leave it out"),
    ({"priority": "royal"}, "priority", "invalid_request", "interactive"),
    ({"overflow": "compress", "max_tokens": 4}, "overflow", "invalid_request", "slide"),
    ({"messages": []}, "messages", "invalid_request", "length >= 1"),
    ({"messages": "hello"}, "messages", "invalid_request", "expected `array`"),
    ({"messages": [{"role": "usr", "content": "x"}]}, "messages[0].role", "invalid_request", "one of assistant"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "invalid_request", "missing"),
    ({"messages": [{"content": "x"}]}, "messages[0].role", "invalid_request", "missing"),
    ({"messages": [{"role": "user", "content": []}]}, "messages[0].content", "invalid_request", "no parts"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages[0].content[0].text",
        "invalid_request",
        "missing",
    ),
    (
        {"messages": [{"role": "user", "content": [IMAGE]}]},
        "messages[0].content[0].type",
        "unsupported_parameter",
        "text only",
    ),
    (
        {"messages": [{"role": "user", "content": "x", "tool_call_id": "1"}]},
        "messages[0].tool_call_id",
        "invalid_request",
        "role 'tool'",
    ),
    ({"model": None}, "model", "invalid_request", "expected `str`"),
    ({"model": 7}, "model", "invalid_request", "expected `str`"),
    ({"max_tokens": 0}, "max_tokens", "invalid_request", ">= 1"),
    ({"max_tokens": -1}, "max_tokens", "invalid_request", ">= 1"),
    ({"max_completion_tokens": 0}, "max_completion_tokens", "invalid_request", ">= 1"),
    ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens", "invalid_request", "give one"),
    ({"max_tokens": "5"}, "max_tokens", "invalid_request", "expected `int | null`, got `str`"),
    ({"temperature": "hot"}, "temperature", "invalid_request", "expected `float | null`"),
    ({"temperature": 99}, "temperature", "invalid_request", "<= 5"),
    ({"temperature": -0.1}, "temperature", "invalid_request", ">= 0"),
    ({"top_p": 1.5}, "top_p", "invalid_request", "<= 1"),
    ({"top_k": -1}, "top_k", "invalid_request", ">= 0"),
    ({"top_k": 2**31}, "top_k", "invalid_request", "<= 2147483647"),
    ({"min_p": 2}, "min_p", "invalid_request", "<= 1"),
    ({"repeat_penalty": 0}, "repeat_penalty", "invalid_request", "> 0"),
    ({"presence_penalty": 3}, "presence_penalty", "invalid_request", "<= 2"),
    ({"frequency_penalty": -3}, "frequency_penalty", "invalid_request", ">= -2"),
    ({"seed": 2**63}, "seed", "invalid_request", "seed"),
    ({"seed": 1.5}, "seed", "invalid_request", "expected `int | null`"),
    ({"n": 0}, "n", "invalid_request", ">= 1"),
    ({"n": 9}, "n", "invalid_request", "<= 8"),
    ({"stop": ""}, "stop", "invalid_request", "empty"),
    ({"stop": ["a", ""]}, "stop", "invalid_request", "empty"),
    ({"stop": ["a"] * 17}, "stop", "invalid_request", "16"),
    ({"logit_bias": {"9" * 5000: 1}}, "logit_bias", "invalid_request", "token ids"),
    ({"logit_bias": {"hello": 1}}, "logit_bias", "invalid_request", "token ids"),
    ({"logit_bias": {"5": 101}}, "logit_bias", "invalid_request", "100"),
    ({"top_logprobs": 21, "logprobs": True}, "top_logprobs", "invalid_request", "<= 20"),
    ({"top_logprobs": 2}, "top_logprobs", "invalid_request", "'logprobs'"),
    ({"logprobs": 3}, "logprobs", "invalid_request", "expected `bool | null`"),
    ({"stream_options": {"include_usage": True}}, "stream_options", "invalid_request", "'stream'"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema", "invalid_request", "missing"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}},
        "response_format.json_schema.schema",
        "invalid_request",
        "missing",
    ),
    (
        {"response_format": {"type": "text", "json_schema": {"name": "x", "schema": {}}}},
        "response_format",
        "invalid_request",
        "takes no JSON schema",
    ),
    ({"response_format": {"type": "json_object"}, "grammar": "x"}, "grammar", "invalid_request", "one of them"),
    (
        {"json_schema": {}, "structured_outputs": {"regex": "x"}},
        "structured_outputs.regex",
        "invalid_request",
        "one of",
    ),
    (
        {"structured_outputs": {"regex": "x", "choice": ["x"]}},
        "structured_outputs.choice",
        "invalid_request",
        "one of them",
    ),
    ({"structured_outputs": {}}, "structured_outputs", "invalid_request", "json, regex, choice or grammar"),
    ({"structured_outputs": {"regexp": "x"}}, "structured_outputs.regexp", "unknown_parameter", "regex"),
    ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_request", "'text'"),
    ({"user": "x" * 257}, "user", "invalid_request", "256"),
]


@pytest.mark.parametrize(("fields", "parameter", "code", "part"), REFUSED, ids=lambda value: str(value)[:40])
async def test_it_is_refused_by_name(served: Any, fields: dict[str, Any], parameter: str, code: str, part: str) -> None:
    response = await served.chat(**fields)
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["param"] == parameter
    assert error["code"] == code
    assert error["type"] == "invalid_request_error"
    assert part in error["message"]
    assert not await served.workbench.runs.recent()


async def test_a_missing_model_is_named(served: Any) -> None:
    response = await served.client.post("/v1/chat/completions", json={"messages": [{"role": "user", "content": "x"}]})
    assert response.status_code == 400
    assert response.json()["error"]["param"] == "model"
