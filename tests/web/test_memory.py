"""What is remembered, over HTTP: off unless a request switches it on, and then seen, recalled and forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from jackfield.testing.scripted_engine import ScriptedEngine
from jackfield.testing.tool_runs import ROOMY


@pytest.fixture
async def remembering(library_serving: Any) -> AsyncIterator[Any]:
    """A model with room for sources in its context."""
    async with library_serving(partial(ScriptedEngine, limits=ROOMY)) as served:
        yield served


async def remembered(served: Any) -> list[str]:
    await served.workbench.taker.settled()
    return [unit["text"] for unit in (await served.client.get("/api/memory")).json()["data"]]


async def asked(served: Any, text: str, **fields: Any) -> Any:
    body = {"model": "scripted", "messages": [{"role": "user", "content": text}], "max_tokens": 200, **fields}
    response = await served.client.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def test_nothing_is_remembered_unless_a_request_says_so(remembering: Any) -> None:
    await asked(remembering, "My dog is called Rex.")
    assert await remembered(remembering) == []
    await asked(remembering, "My dog is called Rex.", memory=True)
    assert await remembered(remembering) == ["My dog is called Rex."]


async def test_what_was_remembered_is_given_to_a_later_answer_as_a_source(remembering: Any) -> None:
    await asked(remembering, "My dog is called Rex. I like tea.", memory=True)
    await remembered(remembering)
    reply = await asked(remembering, "What is my dog called?", memory=True)
    (source,) = reply["choices"][0]["message"]["sources"]
    assert (source["kind"], source["text"], source["version"]) == ("memory", "My dog is called Rex.", 1)
    given = reply["choices"][0]["message"]["content"]  # the model says back what it was given
    assert "\n\nMy dog is called Rex. [1]\n\n" in given
    assert "remembered" not in given
    assert "sources" not in (await asked(remembering, "What is my dog called?"))["choices"][0]["message"]


async def test_what_an_answer_or_a_tool_says_is_never_remembered(remembering: Any) -> None:
    messages = [
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": "My name is Bob."},
        {"role": "user", "content": "What is the time?"},
    ]
    await asked(remembering, "", memory=True, messages=messages)
    assert await remembered(remembering) == []


async def test_memories_are_added_looked_at_recalled_and_forgotten(remembering: Any) -> None:
    client = remembering.client
    unit = (await client.post("/api/memory", json={"text": "The engine room is 4.12"})).json()
    assert (await client.get(f"/api/memory/{unit['id']}")).json() == unit
    assert (await client.get(f"/api/memory/{unit['id']}/versions")).json()["data"] == [unit]
    recalled = (await client.post("/api/memory/recall", json={"text": "which room is the engine room?"})).json()["data"]
    assert [one["unit"]["id"] for one in recalled] == [unit["id"]]
    assert (await client.delete(f"/api/memory/{unit['id']}")).json() == {"forgotten": 1}
    missing = await client.get(f"/api/memory/{unit['id']}")
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "memory_not_found"


async def test_everything_is_forgotten_at_once(remembering: Any) -> None:
    for text in ("one", "two"):
        await remembering.client.post("/api/memory", json={"text": text})
    assert (await remembering.client.delete("/api/memory")).json() == {"forgotten": 2}
    assert await remembered(remembering) == []


async def test_what_makes_no_sense_is_refused(remembering: Any) -> None:
    client = remembering.client
    for body in ({"text": ""}, {"text": "x" * 9000}, {"words": "tea"}, {"text": "tea", "visibility": "all"}):
        assert (await client.post("/api/memory", json=body)).status_code == 400
    prompt = {"model": "scripted", "prompt": "tea", "memory": True}
    assert (await client.post("/v1/completions", json=prompt)).status_code == 400


async def test_what_would_be_forgotten_at_once_is_refused(remembering: Any) -> None:
    body = {"text": "The review is today.", "expires_at": "2020-01-01T00:00:00Z"}
    refused = await remembering.client.post("/api/memory", json=body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "expires_at")
