"""Users, teams and invitations over HTTP, what they are refused for, and the log of it all."""

from __future__ import annotations

from typing import Any

import pytest

PASSWORD = "correct horse battery"


async def test_users_are_added_changed_and_removed(team: Any) -> None:
    async with await team.signed_in("admin") as admin:
        blue = (await admin.post("/api/teams", json={"name": "blue"})).json()
        wish = {"email": " ada@example.org ", "name": "Ada", "team_id": blue["id"], "password": PASSWORD}
        added = await admin.post("/api/users", json=wish)
        ada = added.json()
        assert added.status_code == 201
        assert added.headers["location"] == f"/api/users/{ada['id']}"
        assert (ada["email"], ada["role"], ada["team_id"]) == ("ada@example.org", "member", blue["id"])
        where = f"/api/users/{ada['id']}"
        assert (await admin.patch(where, json={"name": "Countess", "team_id": None})).json()["team_id"] is None
        assert (await admin.get(where)).json()["name"] == "Countess"
        assert (await admin.put(f"{where}/password", json={"password": "another password"})).status_code == 204
        assert (await admin.delete(f"{where}/sessions")).status_code == 204
        assert (await admin.delete(where)).status_code == 204
        assert (await admin.get(where)).status_code == 404
        actions = [entry["action"] for entry in (await admin.get("/api/audit?action=user.")).json()[:5]]
        assert actions == ["user.remove", "user.sign_out", "user.password", "user.change", "user.add"]


async def test_a_teams_users_outlive_it(team: Any) -> None:
    async with await team.signed_in("admin") as admin:
        blue = (await admin.post("/api/teams", json={"name": "blue"})).json()["id"]
        member = f"/api/users/{team.users['member'].id}"
        await admin.patch(member, json={"team_id": blue})
        assert (await admin.patch(f"/api/teams/{blue}", json={"name": "red"})).json()["name"] == "red"
        assert (await admin.post("/api/teams", json={"name": "red"})).status_code == 409
        assert (await admin.delete(f"/api/teams/{blue}")).status_code == 204
        assert (await admin.get(member)).json()["team_id"] is None
        assert (await admin.get("/api/teams")).json() == []


@pytest.mark.parametrize("change", [{"role": "member"}, {"active": False}, None])
async def test_the_last_active_admin_stays(team: Any, change: dict[str, Any] | None) -> None:
    async with await team.signed_in("admin") as admin:
        me = f"/api/users/{team.users['admin'].id}"
        refused = await (admin.patch(me, json=change) if change else admin.delete(me))
        assert refused.status_code == 409
        await admin.patch(f"/api/users/{team.users['member'].id}", json={"role": "admin"})
        allowed = await (admin.patch(me, json=change) if change else admin.delete(me))
        assert allowed.status_code in (200, 204)


async def test_an_invitation_makes_a_user_once(team: Any) -> None:
    async with await team.signed_in("admin") as admin, team.client() as guest:
        made = await admin.post("/api/invitations", json={"email": "ada@example.org", "role": "viewer"})
        assert made.status_code == 201
        token = made.json()["token"]
        assert token not in (await admin.get("/api/invitations")).text + (await admin.get("/api/audit")).text
        acceptance = {"token": token, "name": "Ada", "password": PASSWORD}
        accepted = await guest.post("/api/invitations/accept", json=acceptance)
        assert (accepted.status_code, accepted.json()["role"]) == (201, "viewer")
        assert (await guest.get("/api/session")).json()["name"] == "ada@example.org"
        assert (await guest.post("/api/invitations/accept", json=acceptance)).status_code == 409
        assert (await admin.get("/api/invitations")).json() == []
        assert (await admin.post("/api/invitations", json={"email": "ADA@example.org"})).status_code == 409


async def test_an_invitation_that_was_taken_back_is_worth_nothing(team: Any) -> None:
    async with await team.signed_in("admin") as admin, team.client() as guest:
        made = (await admin.post("/api/invitations", json={"email": "ada@example.org"})).json()
        where = f"/api/invitations/{made['invitation']['id']}"
        assert (await admin.delete(where)).status_code == 204
        assert (await admin.delete(where)).status_code == 404
        acceptance = {"token": made["token"], "name": "Ada", "password": PASSWORD}
        assert (await guest.post("/api/invitations/accept", json=acceptance)).status_code == 404


async def test_lists_come_in_pages(team: Any) -> None:
    async with await team.signed_in("admin") as admin:
        for number in range(5):
            await admin.post("/api/teams", json={"name": f"team {number}"})
        first = (await admin.get("/api/teams?limit=2")).json()
        second = (await admin.get(f"/api/teams?limit=2&before={first[-1]['id']}")).json()
        assert len({each["id"] for each in first + second}) == 4
        assert [each["id"] for each in first + second] == sorted([each["id"] for each in first + second], reverse=True)
        for wrong in ("limit=0", "limit=501", "limit=many"):
            assert (await admin.get(f"/api/teams?{wrong}")).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/users", {"email": "no address", "name": "x"}, 400),
        ("POST", "/api/users", {"email": "a@b.c", "name": "two\nlines"}, 400),
        ("POST", "/api/users", {"email": "a@b.c", "name": "x", "role": "king"}, 400),
        ("POST", "/api/users", {"email": "a@b.c", "name": "x", "password": "short"}, 400),
        ("POST", "/api/users", {"email": "a@b.c", "name": "x", "team_id": "none"}, 404),
        ("POST", "/api/users", {"email": "MEMBER@example.org", "name": "x"}, 409),
        ("POST", "/api/users", {"email": "a@b.c", "name": "x", "admin": True}, 400),
        ("PATCH", "/api/users/none", {"name": "x"}, 404),
        ("DELETE", "/api/users/none", None, 404),
        ("PUT", "/api/users/none/password", {"password": "long enough to do"}, 404),
        ("POST", "/api/teams", {"name": ""}, 400),
        ("PATCH", "/api/teams/none", {"name": "x"}, 404),
        ("POST", "/api/invitations", {"email": "a@b.c", "team_id": "none"}, 404),
        ("DELETE", "/api/keys/none", None, 404),
    ],
)
async def test_what_makes_no_sense_is_refused_and_leaves_no_trace(
    team: Any, method: str, path: str, body: Any, status: int
) -> None:
    async with await team.signed_in("admin") as admin:
        before = (await admin.get("/api/audit")).json()
        answer = await admin.request(method, path, json=body)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["message"]
        assert (await admin.get("/api/audit")).json() == before


async def test_the_log_tells_who_from_where_and_with_which_key(team: Any) -> None:
    made = await team.key("admin", "admin")
    async with team.client(x_api_key=made.secret) as program:
        await program.post("/api/teams", json={"name": "blue"})
        (entry,) = (await program.get(f"/api/audit?actor={team.users['admin'].id}")).json()
        assert (entry["action"], entry["address"]) == ("team.add", "203.0.113.9")
        assert entry["detail"] == {"name": "blue", "by_key": made.key.id}


async def test_a_mount_of_a_plugin_takes_a_key_too(team: Any, tmp_path: Any) -> None:
    from contextlib import asynccontextmanager, nullcontext

    import httpx

    from jackfield.contracts.registration import Provided
    from jackfield.hookspecs import hookimpl
    from jackfield.testing.temporary_workbench import temporary_workbench
    from jackfield_web.app import create_app

    class Open:
        path = "/open"

        @asynccontextmanager
        async def app(self, workbench: Any) -> Any:
            async def answer(scope: Any, receive: Any, send: Any) -> None:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"in"})

            yield answer

    class Mounts:
        @hookimpl
        def jackfield_mounts(self) -> Any:
            return [Provided("open", Open)]

    identity = {"enabled": True, "password_memory_mb": 1}
    async with temporary_workbench(tmp_path / "other", plugins=(("m", Mounts()),), identity=identity) as workbench:
        app = create_app(lambda: nullcontext(workbench))
        transport: Any = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            for method in ("GET", "POST", "OPTIONS", "DELETE"):
                assert (await client.request(method, "/open/x")).status_code == 401
