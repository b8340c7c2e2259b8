"""Finding passages over HTTP, and answers that cite them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import openai
import pytest

from jackfield.testing.scripted_engine import ScriptedEngine, answering
from jackfield.testing.tool_runs import ROOMY, call
from jackfield_plugins.agents import plugin as agents
from jackfield_plugins.function_calls import plugin as protocols
from jackfield_plugins.library_tools import plugin as library_tools

TEA = "# Tea\n\nGreen tea is steeped at 80 degrees.\n"
COFFEE = "# Coffee\n\nCoffee is brewed at 93 degrees.\n"


ANSWER = "At 80 degrees [1]."


@pytest.fixture
async def drinks(library_serving: Any, files_of: Any) -> AsyncIterator[Any]:
    """Two files, and a model that always cites the first source."""
    engine = partial(ScriptedEngine, answering(lambda prompt: ANSWER), limits=ROOMY)
    async with library_serving(engine) as served:
        files = files_of(served.client)
        await files.write("drinks/tea.md", TEA)
        await files.write("drinks/coffee.md", COFFEE)
        yield files


async def test_a_passage_is_found_with_where_it_stands(drinks: Any) -> None:
    result = (await drinks.client.post("/api/files/search", json={"text": "green tea steeped"})).json()
    best = result["found"][0]
    assert (best["collection"], best["path"], best["version"]) == ("main", "drinks/tea.md", 1)
    text = (await drinks.get("text", path="drinks/tea.md")).json()["text"]
    assert text.encode()[best["start"] : best["end"]].decode() == best["text"]
    assert result["notice"]


async def test_a_search_is_narrowed(drinks: Any) -> None:
    for body, paths in (
        ({"under": "drinks/coffee.md"}, {"drinks/coffee.md"}),
        ({"under": "elsewhere"}, set()),
        ({"collections": ["main"], "whole_files": True}, {"drinks/coffee.md", "drinks/tea.md"}),
    ):
        asked = {"text": "degrees", "mode": "keyword", **body}
        result = (await drinks.client.post("/api/files/search", json=asked)).json()
        assert {each["path"] for each in result["found"]} == paths


async def test_a_rolled_back_file_is_found_by_what_it_says_again(drinks: Any) -> None:
    async def found(text: str) -> list[str]:
        asked = {"text": text, "mode": "keyword"}
        return [each["path"] for each in (await drinks.client.post("/api/files/search", json=asked)).json()["found"]]

    await drinks.write("drinks/tea.md", "# Cocoa\n\nCocoa is stirred.\n")
    assert await found("steeped") == []
    await drinks.post("rollback", path="drinks/tea.md", version=1)
    assert await found("steeped") == ["drinks/tea.md"]
    assert await found("cocoa") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 400),
        ({"text": " \n"}, 400),
        ({"text": "tea", "limit": 0}, 400),
        ({"text": "tea", "collections": ["nothing"]}, 404),
        ({"text": "tea", "more": 1}, 400),
    ],
)
async def test_searches_that_make_no_sense_are_refused(drinks: Any, body: dict[str, Any], status: int) -> None:
    assert (await drinks.client.post("/api/files/search", json=body)).status_code == status


async def test_how_far_indexing_is_and_that_all_agrees(drinks: Any) -> None:
    progress = (await drinks.client.get("/api/files/index", params={"collection": "main"})).json()
    assert progress["contents_done"] == progress["contents"] == 2
    assert (await drinks.client.post(f"{drinks.at}/index/retry")).json() == {"versions": 0}
    verified = (await drinks.client.post("/api/files/verify", json={"deep": True})).json()
    assert (verified["sound"], verified["faults"], verified["files"]) == (True, [], 2)


async def test_a_chat_is_given_sources_and_tells_them(drinks: Any) -> None:
    asked = {
        "model": "scripted",
        "messages": [{"role": "user", "content": "Is green tea steeped?"}],
        "files": {"under": "drinks", "limit": 1},
    }
    whole = (await drinks.client.post("/v1/chat/completions", json=asked)).json()
    [source] = whole["choices"][0]["message"]["sources"]
    assert (source["number"], source["path"], source["version"], source["cited"]) == (1, "drinks/tea.md", 1, True)
    assert "80 degrees" in source["text"]
    streamed = await drinks.client.post("/v1/chat/completions", json=asked | {"stream": True})
    chunks = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")]
    told = [chunk["choices"][0]["delta"]["sources"] for chunk in chunks if "sources" in chunk["choices"][0]["delta"]]
    assert told == [[source]]


async def test_a_chat_tells_what_its_tools_found(library_serving: Any, files_of: Any) -> None:
    """As if it had been looked up: with path, version and span, whole and in a stream."""

    def reply(prompt: str) -> str:
        return ANSWER if "<tool_response>" in prompt else call("search_library", question="green tea", limit=1)

    engine = partial(ScriptedEngine, answering(reply), limits=ROOMY)
    plugins = (("library", library_tools), ("agents", agents), ("protocols", protocols))
    async with library_serving(engine, plugins=plugins) as served:
        await files_of(served.client).write("drinks/tea.md", TEA)
        asked = {
            "model": "scripted",
            "messages": [{"role": "user", "content": "How hot?"}],
            "server_tools": ["search_library"],
            "call_protocol": "native",
        }
        whole = (await served.client.post("/v1/chat/completions", json=asked)).json()
        streamed = await served.client.post("/v1/chat/completions", json=asked | {"stream": True})
    message = whole["choices"][0]["message"]
    [source] = message["sources"]
    assert message["content"] == ANSWER
    assert TEA.encode()[source["start"] : source["end"]].decode() == source["text"]
    assert (source["number"], source["path"], source["version"], source["cited"]) == (1, "drinks/tea.md", 1, True)
    chunks = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")]
    told = [chunk["choices"][0]["delta"]["sources"] for chunk in chunks if "sources" in chunk["choices"][0]["delta"]]
    assert told == [[source]]


async def test_a_chat_that_asks_for_no_files_tells_of_none(drinks: Any) -> None:
    asked = {"model": "scripted", "messages": [{"role": "user", "content": "green tea"}]}
    assert (
        "sources" not in (await drinks.client.post("/v1/chat/completions", json=asked)).json()["choices"][0]["message"]
    )


async def test_files_to_look_in_that_make_no_sense_are_refused(drinks: Any) -> None:
    asked = {"model": "scripted", "messages": [{"role": "user", "content": "tea"}]}
    for files, code in (
        ({"collections": ["nothing"]}, "collection_not_found"),
        ({"limit": 0}, "invalid_request"),
        ({"folder": "x"}, "unknown_parameter"),
    ):
        refused = await drinks.client.post("/v1/chat/completions", json=asked | {"files": files})
        assert refused.json()["error"]["code"] == code


async def test_a_response_cites_files_as_openais_client_reads_it(drinks: Any) -> None:
    client = openai.AsyncOpenAI(base_url="http://localhost/v1", api_key="any", max_retries=0, http_client=drinks.client)
    files = {"under": "drinks", "limit": 1}
    response = await client.responses.create(
        model="scripted", input="Is green tea steeped?", extra_body={"files": files}
    )
    [annotation] = response.output[0].content[0].annotations
    assert (annotation.type, annotation.filename) == ("file_citation", "drinks/tea.md")
    assert response.output_text[annotation.index :].startswith("[1]")
    assert (annotation.version, annotation.collection) == (1, "main")
    assert [source["path"] for source in response.sources] == ["drinks/tea.md"]
    again = await client.responses.retrieve(response.id)
    assert again.output == response.output
    assert again.sources == response.sources
    gone_on = await client.responses.create(
        model="scripted",
        input=[{"role": "user", "content": "Hm? "}, *[item.to_dict() for item in response.output]],
    )
    assert gone_on.status == "completed"


async def test_a_streamed_response_tells_each_citation(drinks: Any) -> None:
    asked = {"model": "scripted", "input": "Is green tea steeped?", "files": {"limit": 1}, "stream": True}
    streamed = await drinks.client.post("/v1/responses", json=asked)
    events = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")]
    kinds = [event["type"] for event in events]
    assert kinds.count("response.output_text.annotation.added") == 1
    assert kinds.index("response.output_text.annotation.added") < kinds.index("response.content_part.done")
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"][0]["filename"] == "drinks/tea.md"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


async def test_a_run_has_its_sources_on_record(drinks: Any) -> None:
    started = await drinks.client.post(
        "/api/runs", json={"model": "scripted", "task": "Is green tea steeped?", "files": {"limit": 1}}
    )
    events = await drinks.client.get(f"/api/runs/{started.json()['id']}/events")
    bodies = [json.loads(line[6:])["body"] for line in events.text.splitlines() if line.startswith("data: {")]
    [found] = [body for body in bodies if body["type"] == "sources"]
    assert found["sources"][0]["path"] == "drinks/tea.md"
