"""POST /v1/completions. After a raw prompt, the scripted engine goes on in the alphabet."""

from __future__ import annotations

from typing import Any

import pytest


async def test_a_text_is_gone_on_with(served: Any) -> None:
    response = await served.complete(max_tokens=3)
    body = response.json()
    assert response.status_code == 200
    assert body["object"] == "text_completion"
    assert body["id"].startswith("cmpl-")
    assert body["choices"] == [{"index": 0, "text": "fgh", "logprobs": None, "finish_reason": "length"}]
    assert body["usage"]["prompt_tokens"] == 5
    assert body["usage"]["completion_tokens"] == 3
    assert body["usage"]["total_tokens"] == 8


async def test_sixteen_tokens_unless_said_otherwise(served: Any) -> None:
    assert (await served.complete()).json()["usage"]["completion_tokens"] == 16


async def test_token_ids_mean_what_their_text_means(served: Any) -> None:
    text = (await served.complete(prompt="hello", max_tokens=4)).json()
    tokens = (await served.complete(prompt=list(b"hello"), max_tokens=4)).json()
    assert tokens["choices"] == text["choices"]
    assert tokens["usage"]["prompt_tokens"] == text["usage"]["prompt_tokens"] == 5


@pytest.mark.parametrize("prompt", [["hello", "you"], [list(b"hello"), list(b"you")]], ids=["texts", "token ids"])
async def test_choices_are_numbered_over_prompts_and_n(served: Any, prompt: Any) -> None:
    body = (await served.complete(prompt=prompt, n=2, max_tokens=2)).json()
    assert [(choice["index"], choice["text"]) for choice in body["choices"]] == [
        (0, "fg"),
        (1, "fg"),
        (2, "de"),
        (3, "de"),
    ]
    assert body["usage"]["prompt_tokens"] == len("hello") + len("you")
    assert body["usage"]["completion_tokens"] == 8


async def test_a_stream_writes_the_same(served: Any, sse: Any) -> None:
    fields = {"prompt": ["hello", "you"], "n": 2, "max_tokens": 3}
    whole = (await served.complete(**fields)).json()
    *chunks, usage, done = sse(
        (await served.complete(**fields, stream=True, stream_options={"include_usage": True})).text
    )
    texts = dict.fromkeys(range(4), "")
    for chunk in chunks:
        (choice,) = chunk["choices"]
        texts[choice["index"]] += choice["text"]
    assert done == "[DONE]"
    assert [texts[index] for index in range(4)] == [choice["text"] for choice in whole["choices"]]
    assert usage["usage"]["total_tokens"] == whole["usage"]["total_tokens"]
    assert sum(chunk["choices"][0]["finish_reason"] == "length" for chunk in chunks) == 4


async def test_logprobs_have_the_older_form(served: Any) -> None:
    logprobs = (await served.complete(max_tokens=3, logprobs=2)).json()["choices"][0]["logprobs"]
    assert logprobs["tokens"] == ["f", "g", "h"]
    assert logprobs["text_offset"] == [0, 1, 2]
    assert len(logprobs["token_logprobs"]) == 3
    assert all(2 <= len(likeliest) <= 3 for likeliest in logprobs["top_logprobs"])
    assert all(token in likeliest for token, likeliest in zip("fgh", logprobs["top_logprobs"], strict=True))


async def test_offsets_go_on_from_chunk_to_chunk(served: Any, sse: Any) -> None:
    chunks = sse((await served.complete(max_tokens=3, logprobs=0, stream=True)).text)[:-1]
    scored = [chunk["choices"][0]["logprobs"] for chunk in chunks if chunk["choices"][0]["logprobs"]]
    assert [offset for logprobs in scored for offset in logprobs["text_offset"]] == [0, 1, 2]


async def test_what_is_as_it_is_anyway_is_taken(served: Any) -> None:
    response = await served.complete(echo=False, suffix=None, best_of=2, n=2, max_tokens=1)
    assert response.status_code == 200


async def test_stop_ends_it(served: Any) -> None:
    choice = (await served.complete(stop=["i"])).json()["choices"][0]
    assert (choice["text"], choice["finish_reason"]) == ("fgh", "stop")


@pytest.mark.parametrize(
    ("fields", "parameter", "code"),
    [
        ({"echo": True}, "echo", "unsupported_parameter"),
        ({"suffix": "end"}, "suffix", "unsupported_parameter"),
        ({"best_of": 3}, "best_of", "unsupported_parameter"),
        ({"logprobs": 6}, "logprobs", "invalid_request"),
        ({"logprobs": True}, "logprobs", "invalid_request"),
        ({"max_tokens": 0}, "max_tokens", "invalid_request"),
        ({"prompt": []}, "prompt", "invalid_request"),
        ({"prompt": [[]]}, "prompt", "invalid_request"),
        ({"prompt": ["a", 1]}, "prompt", "invalid_request"),
        ({"prompt": ["a", [1]]}, "prompt", "invalid_request"),
        ({"prompt": None}, "prompt", "invalid_request"),
        ({"prompt": ""}, "prompt", "invalid_request"),
        ({"prompt": [-1]}, "prompt", "invalid_request"),
        ({"prompt": [10**6]}, "prompt", "invalid_request"),
        ({"prompt": [1.5]}, "prompt[0]", "invalid_request"),
        ({"prompt": ["a"] * 17, "n": 8}, "prompt", "invalid_request"),
        ({"messages": []}, "messages", "unknown_parameter"),
    ],
    ids=str,
)
async def test_it_is_refused_by_name(served: Any, fields: dict[str, Any], parameter: str, code: str) -> None:
    response = await served.complete(**fields)
    assert response.status_code == 400
    assert response.json()["error"]["param"] == parameter
    assert response.json()["error"]["code"] == code


async def test_a_prompt_that_is_too_long_is_never_cut(served: Any) -> None:
    response = await served.complete(prompt="x" * 512)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "context_length_exceeded"
    assert response.json()["error"]["param"] == "prompt"
