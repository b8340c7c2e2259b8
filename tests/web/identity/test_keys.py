"""API keys over HTTP: how they are sent, how long they hold, and whose they are."""

from __future__ import annotations

from typing import Any

import pytest

from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.users import UserChange


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {}"},
        {"authorization": "bearer  {}"},
        {"x-api-key": "{}"},
    ],
)
async def test_a_key_comes_as_clients_send_it(team: Any, headers: dict[str, str]) -> None:
    secret = (await team.key("member")).secret
    async with team.client() as client:
        sent = {name: value.format(secret) for name, value in headers.items()}
        assert (await client.get("/v1/models", headers=sent)).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Bearer sk-jf-wrong", "Bearer", "Basic dXNlcjpwYXNz", "Bearer sk-jf-" + "0" * 46, "Bearer \x80key"],
)
async def test_a_wrong_key_is_refused_and_a_good_cookie_does_not_help_it(team: Any, header: str) -> None:
    async with await team.signed_in("admin") as client:
        answer = await client.get("/v1/models", headers={"authorization": header.encode("latin-1")})
        assert answer.status_code == 401
        assert answer.json()["error"]["type"] == "authentication_error"


async def test_a_secret_is_shown_once_and_stored_nowhere(team: Any) -> None:
    async with await team.signed_in("member") as client:
        made = await client.post("/api/keys", json={"name": "mine", "scopes": ["read"], "models": ["scripted"]})
        secret, key = made.json()["secret"], made.json()["key"]
        assert made.headers["location"] == f"/api/keys/{key['id']}"
        assert secret.startswith(key["hint"])
        shown = [await client.get("/api/keys"), await client.get(f"/api/keys/{key['id']}")]
    async with await team.signed_in("admin") as admin:
        shown.append(await admin.get("/api/audit"))
    assert all(secret not in answer.text for answer in shown)


async def test_a_revoked_key_is_worth_nothing_at_once(team: Any) -> None:
    made = await team.key("member")
    async with team.client(x_api_key=made.secret) as program, await team.signed_in("member") as owner:
        assert (await program.get("/v1/models")).status_code == 200
        assert (await owner.delete(f"/api/keys/{made.key.id}")).status_code == 204
        assert (await program.get("/v1/models")).status_code == 401
        assert (await owner.delete(f"/api/keys/{made.key.id}")).status_code == 204
        assert (await owner.get(f"/api/keys/{made.key.id}")).json()["revoked_at"]


@pytest.mark.parametrize("act", ["disable", "remove"])
async def test_the_keys_and_sessions_of_somebody_kept_out_are_worth_nothing_at_once(team: Any, act: str) -> None:
    async with await team.with_key("member") as program, await team.signed_in("member") as browser:
        assert (await program.get("/v1/models")).status_code == (await browser.get("/v1/models")).status_code == 200
        user = team.users["member"]
        if act == "remove":
            await team.identity.users.remove(COMMAND_LINE, user.id)
        else:
            await team.identity.users.change(COMMAND_LINE, user.id, UserChange(active=False))
        assert (await program.get("/v1/models")).status_code == (await browser.get("/v1/models")).status_code == 401


async def test_a_key_holds_until_it_expires(team: Any) -> None:
    import asyncio

    async with await team.with_key("member", seconds=0.2) as client:
        assert (await client.get("/v1/models")).status_code == 200
        await asyncio.sleep(0.2)
        assert (await client.get("/v1/models")).status_code == 401


async def test_the_last_use_is_noted(team: Any) -> None:
    made = await team.key("member")
    async with team.client(x_api_key=made.secret) as client:
        await client.get("/v1/models")
    assert (await team.identity.keys.get(made.key.id)).last_used_at is not None


async def test_people_look_after_their_own_keys_and_admins_after_all(team: Any) -> None:
    others = (await team.key("admin")).key
    async with await team.signed_in("member") as member, await team.signed_in("admin") as admin:
        mine = (await member.post("/api/keys", json={"name": "mine"})).json()["key"]
        assert [key["id"] for key in (await member.get("/api/keys")).json()] == [mine["id"]]
        assert {key["id"] for key in (await admin.get("/api/keys")).json()} == {mine["id"], others.id}
        assert (await member.get(f"/api/keys/{others.id}")).status_code == 404
        assert (await member.delete(f"/api/keys/{others.id}")).status_code == 404
        assert (await member.get(f"/api/keys?user_id={others.user_id}")).status_code == 403
        assert (await member.post("/api/keys", json={"name": "x", "user_id": others.user_id})).status_code == 403
        for_member = await admin.post("/api/keys", json={"name": "x", "user_id": mine["user_id"]})
        assert for_member.json()["key"]["user_id"] == mine["user_id"]
        assert (await admin.delete(f"/api/keys/{mine['id']}")).status_code == 204


@pytest.mark.parametrize(("role", "scopes"), [("viewer", ["read"]), ("member", ["inference", "read"])])
async def test_a_key_without_scopes_is_for_what_its_owner_may_do(team: Any, role: str, scopes: list[str]) -> None:
    async with await team.signed_in("admin") as admin:
        made = await admin.post("/api/keys", json={"name": "x", "user_id": team.users[role].id})
        assert (made.status_code, made.json()["key"]["scopes"]) == (201, scopes)


async def test_a_key_makes_no_key_that_may_do_more(team: Any) -> None:
    async with await team.with_key("member", "admin") as client:
        assert (await client.post("/api/keys", json={"name": "x", "scopes": ["inference"]})).status_code == 403
        assert (await client.post("/api/keys", json={"name": "x", "scopes": ["admin"]})).status_code == 201
    async with await team.with_key("member", "admin", models=("scripted",)) as client:
        assert (await client.post("/api/keys", json={"name": "x", "scopes": ["admin"]})).status_code == 403


@pytest.mark.parametrize(
    ("wish", "parameter"),
    [
        ({"name": " "}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["everything"]}, "scopes[0]"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "x", "expires_at": "2090-01-01T00:00:00"}, "expires_at"),
        ({"name": "x", "requests_per_minute": 0}, "requests_per_minute"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
async def test_a_wish_that_makes_no_sense_is_told_so(team: Any, wish: dict[str, Any], parameter: str) -> None:
    async with await team.signed_in("member") as client:
        answer = await client.post("/api/keys", json=wish)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == parameter


async def test_people_see_their_own_runs(team: Any) -> None:
    chat = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}
    async with (
        await team.with_key("member") as member,
        await team.with_key("admin") as other,
        await team.signed_in("admin") as admin,
    ):
        run = (await member.post("/v1/chat/completions", json=chat)).headers["x-jackfield-run"]
        assert [each["id"] for each in (await member.get("/api/runs")).json()] == [run]
        assert (await other.get("/api/runs")).json() == []
        assert (await admin.get("/api/runs")).json()[0]["account"]["user_id"] == team.users["member"].id
        for path in ("", "/events"):
            assert (await member.get(f"/api/runs/{run}{path}")).status_code == 200
            assert (await other.get(f"/api/runs/{run}{path}")).status_code == 404
        for act in ("cancel", "approve", "deny", "resume"):
            assert (await other.post(f"/api/runs/{run}/{act}")).status_code == 404
        assert (await admin.get(f"/api/runs/{run}")).status_code == 200


async def test_figures_are_for_admins_and_for_programs_on_the_same_machine(team: Any) -> None:
    async with team.client(address="127.0.0.1") as near, team.client() as far:
        assert (await near.get("/metrics")).status_code == 200
        assert (await near.get("/metrics", headers={"x-forwarded-for": "203.0.113.9"})).status_code == 401
        assert (await far.get("/metrics")).status_code == 401
