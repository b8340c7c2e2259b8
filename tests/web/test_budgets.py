"""Budgets and rates over HTTP, with identity switched on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import openai
import pytest

from jackfield.contracts.identity import Role
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.keys import KeyWish, NewKey
from jackfield.testing.scripted_engine import ScriptedEngine, Timing, endless

PROMPT = [97] * 90
MOST_WRITTEN = 8
SET_ASIDE = len(PROMPT) + 1 + MOST_WRITTEN
"""Nobody knows yet whether the model wants a begin token."""
TAKEN = len(PROMPT) + MOST_WRITTEN
PRICE = (2.0, 10.0)
COST = 2 * len(PROMPT) + 10 * MOST_WRITTEN


class Team:
    """A server with an admin, and the keys that tests make of others."""

    def __init__(self, served: Any) -> None:
        self.served = served
        self.client: httpx.AsyncClient = served.client
        self.identity = served.workbench.identity

    async def key(self, role: Role = "member", **wish: Any) -> NewKey:
        """A key of a new user."""
        user = await self.identity.users.add(
            COMMAND_LINE, email=f"{uuid4().hex}@example.org", name=role, role=role, password=None
        )
        made: NewKey = await self.identity.keys.make(COMMAND_LINE, user, KeyWish(name=role, **wish))
        return made

    async def ask(self, key: NewKey, **fields: Any) -> httpx.Response:
        """A raw prompt gone on with, for as long as is allowed."""
        body = {"model": "scripted", "prompt": PROMPT, "max_tokens": MOST_WRITTEN, **fields}
        return await self.client.post("/v1/completions", json=body, headers=bearer(key))

    async def limit(self, admin: NewKey, path: str, **limits: int) -> httpx.Response:
        """Set a budget."""
        return await self.client.put(f"/api/budgets/{path}", json=limits, headers=bearer(admin))

    async def usage(self, key: NewKey, **parameters: str) -> dict[tuple[str, str], Any]:
        """What was used, by the kind of holder and the period."""
        answer = await self.client.get("/api/usage", params=parameters, headers=bearer(key))
        assert answer.status_code == 200, answer.text
        return {(line["holder"]["kind"], line["period"]): line for line in answer.json()}


def bearer(key: NewKey) -> dict[str, str]:
    return {"authorization": f"Bearer {key.secret}"}


@pytest.fixture
def team(serving: Any) -> Callable[..., Any]:
    """`async with team() as team`."""

    @asynccontextmanager
    async def running(make: Callable[[], ScriptedEngine] = ScriptedEngine, **settings: Any) -> AsyncIterator[Team]:
        identity = {"enabled": True, "setup_token": "a token of these tests", **settings.pop("identity", {})}
        async with serving(make, identity=identity, models={"prices": {"scripted": PRICE}}, **settings) as served:
            yield Team(served)

    return running


async def test_of_200_requests_at_once_as_many_run_as_a_budget_has_room_for(team: Any) -> None:
    async with team() as team:
        admin, key = await team.key("admin", scopes=("admin", "inference", "read")), await team.key()
        assert (await team.limit(admin, f"key/{key.key.id}/day", tokens=50 * SET_ASIDE)).status_code == 200
        answers = await asyncio.gather(*(team.ask(key) for _ in range(200)))
        ran = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert (len(ran), len(refused)) == (50, 150)
        assert {answer.json()["error"]["code"] for answer in refused} == {"insufficient_quota"}
        assert {answer.json()["error"]["type"] for answer in refused} == {"insufficient_quota"}
        assert {answer.headers["x-should-retry"] for answer in refused} == {"false"}
        real = sum(answer.json()["usage"]["total_tokens"] for answer in ran)
        for line in (await team.usage(key)).values():
            assert (line["requests"], line["spent"]["tokens"], line["spent"]["money"]) == (50, real, 50 * COST)
            assert line["reserved"] == {"tokens": 0, "money": 0}


async def test_what_is_set_aside_for_an_answer_is_given_back_when_its_reader_leaves(team: Any) -> None:
    async with team(lambda: ScriptedEngine(endless, timing=Timing(per_pass=0.02))) as team:
        key = await team.key()
        body = {"model": "scripted", "prompt": PROMPT, "max_tokens": 300, "stream": True}
        async with team.client.stream("POST", "/v1/completions", json=body, headers=bearer(key)) as stream:
            line = (await team.usage(key))["key", "day"]
            assert line["reserved"]["tokens"] == len(PROMPT) + 1 + 300
            async for _ in stream.aiter_lines():
                break
        run = await team.served.newest_run()
        await team.served.state_of(run, "cancelled")
        line = (await team.usage(key))["key", "day"]
        assert line["reserved"] == {"tokens": 0, "money": 0}
        assert len(PROMPT) < line["spent"]["tokens"] < len(PROMPT) + 300


async def test_an_answer_without_an_end_is_as_long_as_what_was_set_aside(team: Any) -> None:
    async with team(lambda: ScriptedEngine(endless), identity={"answer_tokens": 20}) as team:
        admin, key = await team.key("admin", scopes=("admin",)), await team.key()
        chat = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
        free = await team.client.post("/v1/chat/completions", json=chat, headers=bearer(key))
        await team.limit(admin, f"user/{key.key.user_id}/month", money=10_000_000)
        bounded = await team.client.post("/v1/chat/completions", json=chat, headers=bearer(key))
        assert free.json()["usage"]["completion_tokens"] > 20
        assert bounded.json()["usage"]["completion_tokens"] == 20
        assert bounded.json()["choices"][0]["finish_reason"] == "length"


async def test_each_choice_of_an_answer_is_set_aside_for(team: Any) -> None:
    async with team() as team:
        admin, key = await team.key("admin", scopes=("admin",)), await team.key()
        await team.limit(admin, f"key/{key.key.id}/day", tokens=3 * SET_ASIDE)
        assert (await team.ask(key, n=4)).status_code == 429
        used = (await team.usage(key))["key", "day"]
        assert used["reserved"]["tokens"] == 0
        await team.limit(admin, f"key/{key.key.id}/day", tokens=used["spent"]["tokens"] + 3 * SET_ASIDE)
        assert (await team.ask(key, n=3)).status_code == 200


async def test_embeddings_are_paid_for(team: Any) -> None:
    async with team() as team:
        admin, key = await team.key("admin", scopes=("admin",)), await team.key()
        body = {"model": "scripted", "input": ["listen", "silent"]}
        answer = await team.client.post("/v1/embeddings", json=body, headers=bearer(key))
        read = answer.json()["usage"]["total_tokens"]
        line = (await team.usage(key))["key", "day"]
        assert (line["requests"], line["spent"]) == (1, {"tokens": read, "money": 2 * read})
        assert line["reserved"]["tokens"] == 0
        await team.limit(admin, f"key/{key.key.id}/day", tokens=read)
        assert (await team.client.post("/v1/embeddings", json=body, headers=bearer(key))).status_code == 429


async def test_a_request_that_is_refused_before_it_begins_spends_nothing(team: Any) -> None:
    async with team() as team:
        key = await team.key()
        assert (await team.ask(key, prompt=[999_999])).status_code == 400
        line = (await team.usage(key))["key", "day"]
        assert (line["spent"], line["reserved"]) == ({"tokens": 0, "money": 0}, {"tokens": 0, "money": 0})


async def test_requests_of_a_minute_are_counted_and_told_of(team: Any) -> None:
    async with team() as team:
        key = await team.key(requests_per_minute=3, tokens_per_minute=10_000)
        answers = [await team.ask(key) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert [answer.headers["x-ratelimit-remaining-requests"] for answer in answers] == ["2", "1", "0", "0"]
        assert {answer.headers["x-ratelimit-limit-requests"] for answer in answers} == {"3"}
        refused = answers[-1]
        assert refused.json()["error"]["code"] == "rate_limit_exceeded"
        assert refused.json()["error"]["type"] == "rate_limit_error"
        assert 50 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["x-ratelimit-reset-requests"].endswith("s")
        assert (await team.ask(await team.key())).headers.get("x-ratelimit-limit-requests") is None


async def test_tokens_of_a_minute_are_what_was_really_taken(team: Any) -> None:
    async with team() as team:
        key = await team.key(tokens_per_minute=1000)
        long = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 800, "model": "scripted"}
        answers = [await team.client.post("/v1/chat/completions", json=long, headers=bearer(key)) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert int(answers[-1].headers["x-ratelimit-remaining-tokens"]) < 200


async def test_a_request_for_more_than_a_minute_holds_is_told_to_ask_for_less(team: Any) -> None:
    async with team() as team:
        key = await team.key(tokens_per_minute=60)
        answers = [await team.ask(key, max_tokens=500) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]
        message = answers[1].json()["error"]["message"]
        assert "more than a whole minute's" in message
        assert "a lower 'max_tokens'" in message
        assert f"try again in {answers[1].headers['retry-after']} s" in message


async def test_a_request_that_no_day_has_room_for_is_told_to_ask_for_less_and_not_to_wait(team: Any) -> None:
    async with team() as team:
        admin, key = await team.key("admin", scopes=("admin",)), await team.key()
        await team.limit(admin, f"key/{key.key.id}/day", tokens=3000)
        endless = {"messages": [{"role": "user", "content": "hello"}], "model": "scripted"}
        refused = await team.client.post("/v1/chat/completions", json=endless, headers=bearer(key))
        assert refused.status_code == 429
        message = refused.json()["error"]["message"]
        assert "a lower 'max_tokens'" in message
        assert "wait" not in message
        assert "retry-after" not in refused.headers


async def test_the_official_client_does_not_try_again_what_a_budget_refused(team: Any) -> None:
    async with team() as team:
        admin, key = await team.key("admin", scopes=("admin",)), await team.key()
        await team.limit(admin, f"key/{key.key.id}/month", tokens=1)
        client = openai.AsyncOpenAI(base_url=f"{team.client.base_url}/v1", api_key=key.secret, max_retries=3)
        with pytest.raises(openai.RateLimitError) as refused:
            await client.completions.create(model="scripted", prompt="hello")
        assert refused.value.code == "insufficient_quota"
        assert "has no room for" in str(refused.value)
        await client.close()


async def test_a_key_for_some_models_sees_no_other(team: Any) -> None:
    async with team() as team:
        some, other = await team.key(models=("scripted",)), await team.key(models=("another",))
        listed = [
            [model["id"] for model in (await team.client.get("/v1/models", headers=bearer(key))).json()["data"]]
            for key in (some, other)
        ]
        assert listed == [["scripted"], []]
        assert (await team.ask(some)).status_code == 200
        refusals = [
            await team.ask(other),
            await team.ask(other, model="nobody"),
            await team.ask(other, model="default"),
        ]
        assert [refusal.status_code for refusal in refusals] == [404, 404, 404]
        assert {refusal.json()["error"]["code"] for refusal in refusals} == {"model_not_found"}
        looked = await team.client.get("/v1/models/scripted", headers=bearer(other))
        assert looked.status_code == 404


async def test_log_probabilities_are_few_and_never_beside_a_bias_but_for_admins(team: Any) -> None:
    async with team() as team:
        admin, key = await team.key("admin", scopes=("admin", "inference")), await team.key()
        chat = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}], "logprobs": True}
        many, biased = {**chat, "top_logprobs": 20}, {**chat, "logit_bias": {"97": 5.0}}

        async def status(key: NewKey, body: dict[str, Any]) -> int:
            return (await team.client.post("/v1/chat/completions", json=body, headers=bearer(key))).status_code

        assert [await status(key, body) for body in ({**chat, "top_logprobs": 5}, many, biased)] == [200, 400, 400]
        assert [await status(admin, body) for body in (many, biased)] == [200, 200]


async def test_whom_the_scheduler_serves_evenly_is_the_key_and_not_what_it_says(team: Any) -> None:
    async with team() as team:
        one, other = await team.key(), await team.key()
        await team.ask(one, user=other.key.id)
        await team.ask(one)
        runs = await team.served.workbench.runs.recent()
        assert [run.request.client for run in runs] == [one.key.id, f"{one.key.id}/{other.key.id}"]
        assert {run.account.key_id for run in runs} == {one.key.id}


async def test_only_an_admin_sets_budgets_and_looks_at_what_others_used(team: Any) -> None:
    async with team() as team:
        admin, key, other = await team.key("admin", scopes=("admin",)), await team.key(), await team.key()
        path = f"user/{key.key.user_id}/day"
        assert (await team.limit(key, path, tokens=5)).status_code == 403
        assert (await team.limit(admin, path, tokens=5, money=7)).json() == {
            "holder": {"kind": "user", "id": key.key.user_id},
            "period": "day",
            "tokens": 5,
            "money": 7,
        }
        assert (await team.limit(admin, "user/nobody/day", tokens=5)).status_code == 404
        assert (await team.limit(admin, path)).status_code == 400
        assert (await team.limit(admin, f"user/{key.key.user_id}/year", tokens=5)).status_code == 400
        listed = await team.client.get("/api/budgets", headers=bearer(admin))
        assert [budget["tokens"] for budget in listed.json()] == [5]
        seen = await team.usage(admin, kind="user", id=key.key.user_id)
        assert {line["most_tokens"] for line in seen.values()} == {5, None}
        for mine in ({"kind": "key", "id": key.key.id}, {"kind": "user", "id": key.key.user_id}):
            assert await team.usage(key, **mine)
            looked = await team.client.get("/api/usage", params=mine, headers=bearer(other))
            assert looked.status_code == 404
        removed = [
            (await team.client.delete(f"/api/budgets/{path}", headers=bearer(admin))).status_code for _ in range(2)
        ]
        assert removed == [204, 404]
        actions = [entry.action for entry in await team.identity.audit.page(action="budget")]
        assert actions == ["budget.remove", "budget.set"]


async def test_a_window_that_is_none_is_refused_and_an_old_one_is_empty(team: Any) -> None:
    async with team() as team:
        key = await team.key()
        for wrong in ("2026-13", "2026-1", "yesterday", "2026-11-21T00"):
            answer = await team.client.get("/api/usage", params={"window": wrong}, headers=bearer(key))
            assert answer.status_code == 400
        old = await team.usage(key, window="2020-02-29")
        assert {line["requests"] for line in old.values()} == {0}
