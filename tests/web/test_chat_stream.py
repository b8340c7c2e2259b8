"""POST /v1/chat/completions as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from jackfield.contracts.runs import RunRequest
from jackfield.errors import EngineFailure
from jackfield.messages import Message
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless, replying
from jackfield_web.answers.answers import Answers
from jackfield_web.answers.frames import ChunkFrames, frames_of
from jackfield_web.chat.answers import ChatChunks
from jackfield_web.chat.conversation import ChatMessage
from jackfield_web.chat.requests import ChatRequest


def text_of(events: Sequence[Any], index: int = 0) -> str:
    """What the deltas of one choice join to."""
    choices = [choice for event in events if event != "[DONE]" for choice in event.get("choices", [])]
    return "".join(choice["delta"].get("content", "") for choice in choices if choice["index"] == index)


def slow(per_pass: float = 0.005) -> ScriptedEngine:
    return ScriptedEngine(endless, timing=Timing(per_pass=per_pass))


async def test_a_stream_has_a_role_first_the_reason_last_and_then_done(served: Any, sse: Any) -> None:
    response = await served.chat(stream=True)
    *chunks, done = sse(response.text)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-cache"
    assert done == "[DONE]"
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert text_of(chunks) == "hello"
    assert not any("usage" in chunk for chunk in chunks)


async def test_usage_comes_last_where_it_was_asked_for(served: Any, sse: Any) -> None:
    whole = (await served.chat()).json()
    *chunks, last, done = sse((await served.chat(stream=True, stream_options={"include_usage": True})).text)
    assert done == "[DONE]"
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    for count in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert last["usage"][count] == whole["usage"][count]


async def test_choices_of_one_stream_are_told_apart(served: Any, sse: Any) -> None:
    events = sse((await served.chat(stream=True, n=3)).text)
    assert [text_of(events, index) for index in range(3)] == ["hello"] * 3
    roles = [event for event in events[:-1] if event["choices"][0]["delta"].get("role")]
    assert len(roles) == 3


async def test_logprobs_travel_with_their_text(served: Any, sse: Any) -> None:
    events = sse((await served.chat(stream=True, logprobs=True, top_logprobs=1)).text)
    scored = [event["choices"][0] for event in events[:-1] if event["choices"][0]["logprobs"]]
    assert "".join(score["token"] for choice in scored for score in choice["logprobs"]["content"]) == "hello"


async def test_text_beyond_ascii_streams_whole_characters(serving: Any, sse: Any) -> None:
    text = "naïve 🙂 日本"
    async with serving(lambda: ScriptedEngine(replying(text))) as served:
        assert text_of(sse((await served.chat(stream=True)).text)) == text


async def test_sixteen_streams_at_once_all_finish(serving: Any, sse: Any) -> None:
    async with serving() as served:
        said = [f"this is stream {number}" for number in range(16)]
        responses = await asyncio.gather(
            *(served.chat(stream=True, messages=[{"role": "user", "content": text}]) for text in said)
        )
    assert [text_of(sse(response.text)) for response in responses] == said


async def test_an_error_before_the_first_token_is_a_status(served: Any) -> None:
    too_long = await served.chat(stream=True, messages=[{"role": "user", "content": "x" * 600}])
    unknown = await served.chat(stream=True, model="nope")
    assert too_long.status_code == 400
    assert too_long.json()["error"]["code"] == "context_length_exceeded"
    assert "512" in too_long.json()["error"]["message"]
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "model_not_found"


async def test_an_error_in_mid_stream_is_the_last_event(serving: Any, sse: Any) -> None:
    def breaking(tokens: Sequence[int]) -> int:
        if len(tokens) > 40:
            raise EngineFailure("The scripted engine broke.")
        return endless(tokens)

    async with serving(lambda: ScriptedEngine(breaking)) as served:
        response = await served.chat(stream=True)
    *chunks, error = sse(response.text)
    assert response.status_code == 200
    assert text_of(chunks)
    assert error["error"]["code"] == "engine_failure"
    assert error["error"]["type"] == "server_error"


async def test_a_client_that_hangs_up_stops_its_runs(serving: Any) -> None:
    async with serving(slow) as served:
        body = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}], "stream": True, "n": 2}
        async with served.client.stream("POST", "/v1/chat/completions", json=body) as response:
            async for _ in response.aiter_lines():
                break
        for run in await served.workbench.runs.recent():
            assert await served.state_of(run.id, "cancelled", "finished") == "cancelled"
        assert len(served.streams) == 0
        passes = served.engines[0].passes
        await asyncio.sleep(0.1)
        assert served.engines[0].passes == passes


async def test_a_run_that_is_cancelled_ends_its_stream_with_an_error(serving: Any, sse: Any) -> None:
    async with serving(slow) as served:
        streaming = asyncio.create_task(served.chat(stream=True))
        run_id = await served.newest_run()
        await asyncio.sleep(0.05)
        cancelled = await served.client.post(f"/api/runs/{run_id}/cancel")
        events = sse((await streaming).text)
    assert cancelled.json() == {"cancelled": True}
    assert events[-1]["error"]["code"] == "run_cancelled"


async def test_a_server_that_stops_ends_open_streams(serving: Any, sse: Any) -> None:
    async with serving(lambda: slow(0.02)) as served:
        streaming = asyncio.create_task(served.chat(stream=True))
        run_id = await served.newest_run()
        await asyncio.sleep(0.05)
        await served.streams.end(grace=0)
        events = sse((await streaming).text)
        assert events[-1]["error"]["code"] == "shutting_down"
        assert await served.state_of(run_id, "cancelled", "finished") == "cancelled"


async def test_a_stream_that_finishes_in_time_is_not_cut(serving: Any, sse: Any) -> None:
    async with serving(lambda: ScriptedEngine(replying("to the end"), timing=Timing(per_pass=0.01))) as served:
        streaming = asyncio.create_task(served.chat(stream=True))
        await served.newest_run()
        await served.streams.end(grace=20)
        events = sse((await streaming).text)
    assert text_of(events) == "to the end"
    assert events[-1] == "[DONE]"


async def test_silence_is_filled_with_comments(serving: Any) -> None:
    async with serving(lambda: slow(0.1)) as served:
        answers = Answers(served.workbench, served.streams)
        request = ChatRequest(model="scripted", messages=[ChatMessage(role="user", content="hi")])
        await answers.start([RunRequest(model="scripted", messages=(Message.of("user", "hi"),), max_tokens=2)])
        await answers.settle()
        sent = await _everything(frames_of(answers, ChunkFrames(ChatChunks(request, answers.runs)), patience=0.02))
        await answers.close()
    assert b": keep-alive\n\n" in sent
    texts = [msgspec.json.decode(event[6:]) for event in sent if event.startswith(b"data: {")]
    assert len(text_of(texts)) == 2


async def _everything(events: AsyncGenerator[bytes]) -> list[bytes]:
    async with aclosing(events):
        return [event async for event in events]
