"""POST /v1/chat/completions without streaming."""

from __future__ import annotations

import asyncio
from typing import Any

from jackfield.testing.scripted_engine import ScriptedEngine, Timing, answering, endless, replying


async def test_the_answer_is_a_whole_chat_completion(served: Any) -> None:
    response = await served.chat()
    body = response.json()
    run = await served.workbench.run("run_" + body["id"].removeprefix("chatcmpl-"))
    assert response.status_code == 200
    assert body["object"] == "chat.completion"
    assert body["model"] == "scripted"
    assert body["created"] == int(run.created_at.timestamp())
    assert body["system_fingerprint"]
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "hello", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ]


async def test_usage_adds_up(served: Any) -> None:
    first = (await served.chat()).json()["usage"]
    again = (await served.chat()).json()["usage"]
    assert first["prompt_tokens"] + first["completion_tokens"] == first["total_tokens"]
    assert first["prompt_tokens"] == again["prompt_tokens"]
    assert first["prompt_tokens_details"] == {"cached_tokens": 0}
    assert 0 <= again["prompt_tokens_details"]["cached_tokens"] < again["prompt_tokens"]


async def test_n_gives_that_many_choices_and_counts_the_prompt_once(served: Any) -> None:
    one = (await served.chat()).json()
    three = (await served.chat(n=3)).json()
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in three["choices"]} == {"hello"}
    assert three["usage"]["prompt_tokens"] == one["usage"]["prompt_tokens"]
    assert three["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]


async def test_each_choice_has_its_own_seed(served: Any) -> None:
    await served.chat(n=3, seed=7)
    seeds = [run.request.sampling["seed"] for run in await served.workbench.runs.recent(limit=3)]
    assert sorted(seeds) == [7, 8, 9]


async def test_the_greatest_seed_wraps_instead_of_failing(served: Any) -> None:
    response = await served.chat(n=2, seed=2**63 - 1)
    seeds = {run.request.sampling["seed"] for run in await served.workbench.runs.recent(limit=2)}
    assert response.status_code == 200
    assert seeds == {2**63 - 1, -(2**63)}


async def test_max_tokens_ends_an_answer_with_length(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(endless)) as served:
        for name in ("max_tokens", "max_completion_tokens"):
            body = (await served.chat(**{name: 5})).json()
            assert body["choices"][0]["finish_reason"] == "length"
            assert body["usage"]["completion_tokens"] == 5


async def test_an_answer_slides_past_the_context_where_that_is_asked_for(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(endless)) as served:
        body = (await served.chat(overflow="slide", max_tokens=700)).json()
        assert body["usage"]["completion_tokens"] == 700
        refused = await served.chat(overflow="slide")
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, "overflow")
        body = (await served.chat(max_tokens=700)).json()
        assert body["usage"]["total_tokens"] == 512
        assert body["choices"][0]["finish_reason"] == "length"


async def test_a_priority_is_on_record_with_the_run(served: Any) -> None:
    await served.chat(priority="background")
    assert (await served.workbench.runs.recent(limit=1))[0].request.priority == "background"


async def test_stop_sequences_end_an_answer_and_are_left_out(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(replying("one two three"))) as served:
        for stop in ("two", ["four", "two"]):
            choice = (await served.chat(stop=stop)).json()["choices"][0]
            assert choice["message"]["content"] == "one "
            assert choice["finish_reason"] == "stop"


async def test_messages_arrive_with_their_roles_names_and_parts(served: Any) -> None:
    await served.chat(
        messages=[
            {"role": "developer", "content": "be brief"},
            {"role": "user", "name": "ada", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "c", "refusal": None, "tool_calls": None, "audio": None},
            {"role": "user", "content": "d"},
        ]
    )
    (run,) = await served.workbench.runs.recent(limit=1)
    messages = run.request.messages
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert [message.text for message in messages] == ["be brief", "ab", "c", "d"]
    assert [span.provenance for span in messages[1].spans] == ["user", "user"]
    assert messages[1].name == "ada"


async def test_sampling_is_passed_on_and_nulls_leave_the_defaults(served: Any) -> None:
    asked = {"temperature": 0.5, "top_p": 0.9, "top_k": 7, "min_p": 0.1, "repeat_penalty": 1.1}
    penalties = {"presence_penalty": 0.5, "frequency_penalty": -0.5}
    response = await served.chat(**asked, **penalties, logit_bias={"104": -1.5}, seed=None, user="ada")
    (run,) = await served.workbench.runs.recent(limit=1)
    assert response.status_code == 200
    assert run.request.sampling == {**asked, **penalties, "logit_bias": {104: -1.5}}
    assert run.request.client == "ada"


async def test_a_bias_on_a_token_that_the_model_has_not_is_refused(served: Any) -> None:
    for token in ("258", "99999999999999999999"):
        response = await served.chat(logit_bias={token: 1})
        assert response.status_code == 400
        assert response.json()["error"]["param"] == "logit_bias"
        assert token in response.json()["error"]["message"]


async def test_what_changes_nothing_is_taken(served: Any) -> None:
    response = await served.chat(
        store=True,
        metadata={"team": "blue"},
        response_format={"type": "text"},
        tools=[],
        tool_choice="none",
        stop=None,
        stream=None,
        stream_options=None,
        n=None,
        max_tokens=None,
    )
    assert response.status_code == 200


async def test_logprobs_spell_the_answer(served: Any) -> None:
    choice = (await served.chat(logprobs=True, top_logprobs=2)).json()["choices"][0]
    scores = choice["logprobs"]["content"]
    assert "".join(score["token"] for score in scores) == "hello"
    assert bytes(byte for score in scores for byte in score["bytes"]) == b"hello"
    assert all(score["logprob"] <= 0 for score in scores)
    assert all(len(score["top_logprobs"]) == 2 for score in scores)


async def test_logprobs_without_top_have_only_the_chosen(served: Any) -> None:
    choice = (await served.chat(logprobs=True)).json()["choices"][0]
    assert [score["top_logprobs"] for score in choice["logprobs"]["content"]] == [[]] * 5


async def test_a_token_that_is_part_of_a_character_has_its_bytes(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(replying("é"))) as served:
        choice = (await served.chat(logprobs=True)).json()["choices"][0]
    assert choice["message"]["content"] == "é"
    assert [score["bytes"] for score in choice["logprobs"]["content"]] == [[0xC3], [0xA9]]


async def test_the_default_model_can_be_named_default(served: Any) -> None:
    assert (await served.chat(model="default")).json()["model"] == "scripted"


async def test_any_key_is_accepted(served: Any) -> None:
    headers = {"Authorization": "Bearer whatever"}
    response = await served.client.get("/v1/models", headers=headers)
    assert response.status_code == 200


async def test_answers_to_many_clients_do_not_mix(serving: Any) -> None:
    async with serving(lambda: ScriptedEngine(answering(lambda prompt: prompt[-10:-8]))) as served:
        asked = [f"question {number:02}" for number in range(16)]
        responses = await asyncio.gather(*(served.chat(messages=[{"role": "user", "content": text}]) for text in asked))
    written = [response.json()["choices"][0]["message"]["content"] for response in responses]
    assert len(set(written)) == 16


async def test_a_client_that_hangs_up_stops_its_run(serving: Any) -> None:
    def slow() -> ScriptedEngine:
        return ScriptedEngine(endless, timing=Timing(per_pass=0.005))

    async with serving(slow) as served:
        asking = asyncio.create_task(served.chat(n=2))
        await served.newest_run()
        await asyncio.sleep(0.05)
        asking.cancel()
        for run in await served.workbench.runs.recent():
            assert await served.state_of(run.id, "cancelled", "finished") == "cancelled"
        assert len(served.streams) == 0
        passes = served.engines[0].passes
        await asyncio.sleep(0.1)
        assert served.engines[0].passes == passes
