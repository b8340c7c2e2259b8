"""The official clients of messages and responses against `jackfield serve` with the starter model."""

from __future__ import annotations

import anthropic
import openai
import pytest

pytestmark = [pytest.mark.model, pytest.mark.timeout(300)]

MODEL = "starter"
QUESTION = "Say hello."


def test_anthropics_client_streams_an_answer(address: str) -> None:
    with (
        anthropic.Anthropic(base_url=address.removesuffix("/v1"), api_key="anything", max_retries=0) as client,
        client.messages.stream(
            model=MODEL,
            max_tokens=200,
            messages=[{"role": "user", "content": QUESTION}],
            extra_body={"temperature": 0},
        ) as stream,
    ):
        text = "".join(stream.text_stream)
        message = stream.get_final_message()
        counted = client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": QUESTION}])
    assert "ello" in text
    assert message.stop_reason in ("end_turn", "max_tokens")  # near ties part answers: so small a model may go on
    read = message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0)
    assert counted.input_tokens == read


def test_openais_client_streams_a_response_and_goes_on_behind_it(address: str) -> None:
    with openai.OpenAI(base_url=address, api_key="anything", max_retries=0, timeout=120) as client:
        with client.responses.stream(model=MODEL, input=QUESTION, max_output_tokens=200, temperature=0) as stream:
            text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
            first = stream.get_final_response()
        second = client.responses.create(
            model=MODEL, input="Say goodbye.", previous_response_id=first.id, max_output_tokens=40, temperature=0
        )
    assert "ello" in text
    assert first.output_text == text
    assert first.usage
    assert second.usage
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens
    assert second.output_text
