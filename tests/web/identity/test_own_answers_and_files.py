"""Whose responses and files are whose, and refusals in Anthropic's words."""

from __future__ import annotations

from typing import Any

USER = {"role": "user", "content": "hello"}
FORM = [("purpose", (None, "user_data")), ("file", ("a.txt", b"hello"))]


async def test_a_response_is_there_for_its_owner_and_admins_only(team: Any) -> None:
    async with (
        await team.with_key("member") as member,
        await team.with_key("admin", "inference", "read", "admin") as admin,
        await team.with_key("viewer", "read") as viewer,
    ):
        made = (await member.post("/v1/responses", json={"model": "scripted", "input": "hello"})).json()
        asked = [await client.get(f"/v1/responses/{made['id']}") for client in (member, admin, viewer)]
        behind = await admin.post(
            "/v1/responses", json={"model": "scripted", "input": "more", "previous_response_id": made["id"]}
        )
        refused = await viewer.post("/v1/responses", json={"model": "scripted", "input": "hello"})
        stopped = await viewer.post(f"/v1/responses/{made['id']}/cancel")
    run = await team.workbench.run(made["id"].replace("resp_", "run_"))
    assert run.account.user_id == team.users["member"].id
    assert [answer.status_code for answer in asked] == [200, 200, 404]
    assert behind.status_code == 200
    assert (refused.status_code, stopped.status_code) == (403, 403)


async def test_a_file_is_there_for_its_owner_and_admins_only(team: Any) -> None:
    async with (
        await team.with_key("member", "inference", "read") as member,
        await team.with_key("admin", "inference", "read", "admin") as admin,
        await team.with_key("viewer", "read") as viewer,
    ):
        made = (await member.post("/v1/files", files=FORM)).json()
        lists = [(await client.get("/v1/files")).json()["data"] for client in (member, admin, viewer)]
        seen = [await client.get(f"/v1/files/{made['id']}/content") for client in (member, admin, viewer)]
        refused = await viewer.post("/v1/files", files=FORM)
        deleted = await viewer.delete(f"/v1/files/{made['id']}")
    assert lists == [[made], [made], []]
    assert [answer.status_code for answer in seen] == [200, 200, 404]
    assert (refused.status_code, deleted.status_code) == (403, 403)


async def test_messages_take_anthropics_key_and_refuse_in_anthropics_words(team: Any) -> None:
    key = (await team.key("member")).secret
    body = {"model": "scripted", "max_tokens": 20, "messages": [USER]}
    async with (
        team.client(x_api_key=key) as known,
        team.client() as unknown,
        await team.with_key("viewer", "read") as viewer,
    ):
        answered = await known.post("/v1/messages", json=body)
        counted = await known.post("/v1/messages/count_tokens", json={"model": "scripted", "messages": [USER]})
        nobody = await unknown.post("/v1/messages", json=body)
        forbidden = await viewer.post("/v1/messages", json=body)
    assert answered.json()["content"][0]["text"] == "hello"
    assert counted.status_code == 200
    assert (nobody.status_code, nobody.json()["error"]["type"]) == (401, "authentication_error")
    assert (forbidden.status_code, forbidden.json()["error"]["type"]) == (403, "permission_error")
