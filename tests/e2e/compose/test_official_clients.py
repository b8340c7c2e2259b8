"""OpenAI's and Anthropic's own clients against the services of compose.yaml."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(300)]

MODEL = "scripted"
WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
CALLS = '@weather {"city": "Oslo"} ;; It is RESULT.'


def said(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture
def client(team: Any) -> Iterator[openai.OpenAI]:
    """OpenAI's."""
    with openai.OpenAI(base_url=f"{team.address}/v1", api_key=team.key, max_retries=0, timeout=60) as client:
        yield client


@pytest.fixture
def claude(team: Any) -> Iterator[anthropic.Anthropic]:
    """Anthropic's."""
    with anthropic.Anthropic(base_url=team.address, api_key=team.key, max_retries=0, timeout=60) as client:
        yield client


class TestOpenAI:
    def test_chat(self, client: openai.OpenAI) -> None:
        answer = client.chat.completions.create(model=MODEL, messages=said("hello"))
        assert answer.choices[0].message.content == "hello"
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage is not None
        assert answer.usage.completion_tokens > 0

    def test_streaming(self, client: openai.OpenAI) -> None:
        chunks = list(
            client.chat.completions.create(
                model=MODEL, messages=said("one two three"), stream=True, stream_options={"include_usage": True}
            )
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
        assert chunks[-1].usage is not None

    def test_tools(self, client: openai.OpenAI) -> None:
        tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": WEATHER}}]
        asked = said(CALLS)
        first = client.chat.completions.create(model=MODEL, messages=asked, tools=tools)
        assert first.choices[0].finish_reason == "tool_calls"
        [call] = first.choices[0].message.tool_calls or []
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
        result = {"role": "tool", "tool_call_id": call.id, "content": "windy"}
        second = client.chat.completions.create(
            model=MODEL, messages=[*asked, first.choices[0].message, result], tools=tools
        )
        assert "windy" in (second.choices[0].message.content or "")

    def test_responses_follow_on_one_another(self, client: openai.OpenAI) -> None:
        first = client.responses.create(model=MODEL, input="hello")
        assert first.output_text == "hello"
        second = client.responses.create(model=MODEL, input="again", previous_response_id=first.id)
        assert second.output_text == "again"
        assert second.previous_response_id == first.id

    def test_streamed_responses(self, client: openai.OpenAI) -> None:
        events = list(client.responses.create(model=MODEL, input="one two", stream=True))
        assert events[0].type == "response.created"
        assert events[-1].type == "response.completed"
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "one two"

    def test_embeddings(self, client: openai.OpenAI) -> None:
        made = client.embeddings.create(model=MODEL, input=["one", "two"])
        assert [math.isclose(math.hypot(*each.embedding), 1.0, abs_tol=1e-5) for each in made.data] == [True, True]

    def test_models(self, client: openai.OpenAI) -> None:
        assert [model.id for model in client.models.list()] == [MODEL]

    def test_errors(self, client: openai.OpenAI, team: Any) -> None:
        with pytest.raises(openai.NotFoundError) as unknown:
            client.chat.completions.create(model="none", messages=said("hello"))
        assert unknown.value.code == "model_not_found"
        assert unknown.value.request_id
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model=MODEL, messages=said("hello"), temperature=-1)
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key=team.key[:-2] + "xx").models.list()


class TestAnthropic:
    def test_messages(self, claude: anthropic.Anthropic) -> None:
        answer = claude.messages.create(model=MODEL, max_tokens=200, messages=said("hello"))
        assert [block.text for block in answer.content if block.type == "text"] == ["hello"]
        assert answer.stop_reason == "end_turn"
        assert answer.usage.output_tokens > 0
        assert answer._request_id

    def test_streaming(self, claude: anthropic.Anthropic) -> None:
        with claude.messages.stream(model=MODEL, max_tokens=200, messages=said("one two three")) as stream:
            assert "".join(stream.text_stream) == "one two three"
            assert stream.get_final_message().stop_reason == "end_turn"

    def test_tools(self, claude: anthropic.Anthropic) -> None:
        tools: Any = [{"name": "weather", "description": "The weather.", "input_schema": WEATHER}]
        asked = said(CALLS)
        first = claude.messages.create(model=MODEL, max_tokens=400, messages=asked, tools=tools)
        assert first.stop_reason == "tool_use"
        [use] = [block for block in first.content if block.type == "tool_use"]
        assert (use.name, use.input) == ("weather", {"city": "Oslo"})
        result = {"type": "tool_result", "tool_use_id": use.id, "content": "windy"}
        turns: Any = [
            *asked,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        second = claude.messages.create(model=MODEL, max_tokens=400, messages=turns, tools=tools)
        assert "windy" in "".join(block.text for block in second.content if block.type == "text")

    def test_errors(self, claude: anthropic.Anthropic, team: Any) -> None:
        with pytest.raises(anthropic.NotFoundError):
            claude.messages.create(model="none", max_tokens=20, messages=said("hello"))
        with pytest.raises(anthropic.AuthenticationError):
            claude.with_options(api_key="sk-jf-nobody").messages.create(
                model=MODEL, max_tokens=20, messages=said("hello")
            )
