"""POST /v1/messages, as it is on the wire."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jackfield.testing.scripted_engine import ScriptedEngine, endless, replying

USER = {"role": "user", "content": "hello"}


async def asked(served: Any, **fields: Any) -> Any:
    body = {"model": "scripted", "max_tokens": 100, "messages": [USER], **fields}
    return await served.client.post("/v1/messages", json=body, headers={"anthropic-version": "2023-06-01"})


def named_events(stream: str) -> list[tuple[str, Any]]:
    events = []
    for block in stream.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        events.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return events


async def test_an_answer_has_anthropics_shape(served: Any) -> None:
    response = await asked(served)
    run = await served.workbench.run(response.headers["x-jackfield-run"])
    answer = response.json()
    assert response.status_code == 200
    assert answer == {
        "type": "message",
        "id": run.id.replace("run_", "msg_"),
        "role": "assistant",
        "model": "scripted",
        "content": [{"type": "text", "text": "hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": run.usage.prompt_tokens,
            "output_tokens": run.usage.completion_tokens,
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
        },
    }


async def test_a_stream_has_anthropics_events_in_their_order(served: Any) -> None:
    response = await asked(served, stream=True)
    events = named_events(response.text)
    assert [name for name, _ in events if name != "content_block_delta"] == [
        "message_start",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert all(name == data["type"] for name, data in events)
    deltas = [data["delta"]["text"] for name, data in events if name == "content_block_delta"]
    assert "".join(deltas) == "hello"
    assert events[0][1]["message"]["content"] == []
    assert events[-2][1]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}


async def test_why_an_answer_ended(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(replying("one STOP two"))) as served:
        stopped = (await asked(served, stop_sequences=["never", "STOP"])).json()
        short = (await asked(served, max_tokens=2)).json()
    async with serving(lambda: ScriptedEngine(endless)) as served:
        full = (await asked(served, max_tokens=100_000)).json()
    assert stopped["content"] == [{"type": "text", "text": "one "}]
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "STOP")
    assert (short["stop_reason"], short["stop_sequence"]) == ("max_tokens", None)
    assert full["stop_reason"] == "model_context_window_exceeded"


async def test_tokens_from_the_cache_are_counted_apart(served: Any) -> None:
    first = (await asked(served)).json()["usage"]
    again = (await asked(served)).json()["usage"]
    assert again["cache_read_input_tokens"] > 0
    assert again["input_tokens"] + again["cache_read_input_tokens"] == first["input_tokens"]


async def test_the_system_and_blocks_are_read_in_order(served: Any) -> None:
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]},
        {"role": "user", "content": "three"},
    ]
    cached = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    response = await asked(served, messages=turns, system=[cached])
    run = await served.workbench.run(response.headers["x-jackfield-run"])
    assert [(message.role, message.text) for message in run.request.messages] == [
        ("system", "Be brief."),
        ("user", "one two\n\nthree"),
    ]


async def test_a_prompt_is_counted_as_it_is_read(served: Any) -> None:
    body = {"model": "scripted", "messages": [USER], "system": "Be brief."}
    counted = await served.client.post("/v1/messages/count_tokens", json=body)
    read = (await asked(served, system="Be brief.")).json()["usage"]
    long = {**body, "messages": [{"role": "user", "content": "x" * 10_000}]}
    longer = await served.client.post("/v1/messages/count_tokens", json=long)
    assert counted.json() == {"input_tokens": read["input_tokens"]}
    assert longer.json()["input_tokens"] > 10_000


IMAGE = {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": ""}}]}
RESULT = {"type": "tool_result", "tool_use_id": "call_1", "content": "1"}


@pytest.mark.parametrize(
    ("fields", "parameter", "said"),
    [
        ({"max_tokens": 0}, "max_tokens", ">= 1"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking.type", "leave it out"),
        ({"messages": [IMAGE]}, "messages[0].content[0].type", "expected one of text, tool_use, tool_result"),
        ({"messages": [{"role": "user", "content": [RESULT]}]}, "messages[0].content[0].tool_use_id", "tool_use"),
        ({"messages": [USER, {"role": "assistant", "content": "And"}]}, "messages[1].role", "end with the user's"),
        ({"mcp_servers": []}, "mcp_servers", "Anthropic's service"),
        ({"temprature": 1}, "temprature", "did you mean 'temperature'"),
        ({"tool_choice": {"type": "any"}}, "tool_choice", "there are no tools"),
        ({"stop_sequences": [""]}, "stop_sequences", "empty sequence"),
        ({"tools": [{"name": "a", "input_schema": {"type": "no"}}]}, "tools[0].input_schema", "schema"),
    ],
)
async def test_what_cannot_be_honoured_is_refused_by_name(
    served: Any, fields: dict[str, Any], parameter: str, said: str
) -> None:
    response = await asked(served, **fields)
    body = response.json()
    assert response.status_code == 400
    assert body["type"] == "error"
    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["details"]["parameter"] == parameter
    assert said in body["error"]["message"]
    assert body["request_id"] == response.headers["request-id"]


async def test_a_model_that_is_not_there_is_not_found(served: Any) -> None:
    response = await asked(served, model="nope")
    assert response.status_code == 404
    assert response.json()["error"]["type"] == "not_found_error"
    assert response.json()["error"]["details"]["error_code"] == "model_not_found"


async def test_a_missing_length_is_said(served: Any) -> None:
    response = await served.client.post("/v1/messages", json={"model": "scripted", "messages": [USER]})
    assert response.json()["error"]["message"] == "Parameter 'max_tokens' is missing."


async def test_a_full_queue_is_overloaded_as_anthropics_clients_know_it(serving: Any) -> None:
    async with serving(runs={"queue_limit": 1}) as served:
        responses = await asyncio.gather(*(asked(served, max_tokens=400) for _ in range(40)))
    refused = [response for response in responses if response.status_code != 200]
    assert {response.status_code for response in refused} == {529}
    assert refused[0].json()["error"]["type"] == "overloaded_error"
    assert int(refused[0].headers["retry-after"]) > 0
