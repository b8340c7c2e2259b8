"""The first admin, signing in and out, and what a session's cookie is worth."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from jackfield.identity.set_up import FILE

PASSWORD = "correct horse battery"
FIRST = {"token": "first come", "email": "ada@example.org", "name": "Ada", "password": PASSWORD}


async def test_whoever_has_the_token_becomes_the_first_admin_and_is_signed_in(teaming: Any) -> None:
    async with teaming() as team, team.client() as client:
        assert (await client.get("/api/setup")).json() == {"identity": True, "setup_needed": True, "oidc": None}
        made = await client.post("/api/setup", json=FIRST)
        assert made.status_code == 201
        assert made.headers["location"] == "/api/session"
        assert made.json()["role"] == "admin"
        assert (await client.get("/api/users")).json()[0]["email"] == "ada@example.org"
        assert not (await client.get("/api/setup")).json()["setup_needed"]
        again = await client.post("/api/setup", json={**FIRST, "email": "eve@example.org"})
        assert again.status_code == 409
        (entry,) = (await client.get("/api/audit")).json()
        assert (entry["action"], entry["address"]) == ("setup", "203.0.113.9")


async def test_a_wrong_token_makes_nobody_admin_and_guessing_ends(teaming: Any) -> None:
    async with teaming() as team, team.client() as client:
        answers = [await client.post("/api/setup", json={**FIRST, "token": str(guess)}) for guess in range(21)]
        assert [answer.status_code for answer in answers] == [401] * 20 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert await team.identity.set_up.needed()


async def test_of_several_who_set_up_at_once_one_is_admin(teaming: Any) -> None:
    async with teaming() as team, team.client() as client:
        tries = [client.post("/api/setup", json={**FIRST, "email": f"{number}@example.org"}) for number in range(5)]
        statuses = sorted([response.status_code for response in await asyncio.gather(*tries)])
        assert statuses == [201, 409, 409, 409, 409]
        assert len(await team.identity.users.page()) == 1


async def test_a_token_is_made_and_logged_once_where_none_is_set(teaming: Any) -> None:
    with capture_logs() as logs:
        async with teaming(setup_token="") as team, team.client() as client:
            (token,) = [entry["setup_token"] for entry in logs if "setup_token" in entry]
            file = team.workbench.settings.home / FILE
            assert token not in file.read_text()
            assert file.stat().st_mode & 0o077 == 0
            assert (await client.post("/api/setup", json={**FIRST, "token": ""})).status_code == 401
            async with teaming(setup_token=""):
                assert len([entry for entry in logs if "setup_token" in entry]) == 1
            assert (await client.post("/api/setup", json={**FIRST, "token": token})).status_code == 201
            assert not file.exists()


async def test_signing_in_sets_a_cookie_that_no_script_reads(team: Any) -> None:
    async with team.client() as client:
        answer = await client.post("/api/session", json={"email": "MEMBER@example.org", "password": PASSWORD})
        assert answer.status_code == 201
        session, csrf = answer.headers.get_list("set-cookie")
        assert session.startswith("jackfield_session=")
        assert "HttpOnly" in session
        assert "SameSite=lax" in session
        assert "HttpOnly" not in csrf
        me = (await client.get("/api/session")).json()
        assert (me["name"], me["role"], me["csrf"]) == ("member@example.org", "member", answer.json()["csrf"])


async def test_over_https_the_cookie_is_the_hosts_alone(teaming: Any) -> None:
    async with teaming(public_url="https://jack.example.org") as team:
        await team.add_users()
        async with team.client(host="jack.example.org") as client:
            credentials = {"email": "member@example.org", "password": PASSWORD}
            answer = await client.post("/api/session", json=credentials)
            for cookie in answer.headers.get_list("set-cookie"):
                assert cookie.startswith("__Host-jackfield_")
                assert "Secure" in cookie
                assert "Path=/" in cookie
                assert "Domain" not in cookie


@pytest.mark.parametrize(
    "credentials",
    [
        {"email": "member@example.org", "password": "wrong password"},
        {"email": "nobody@example.org", "password": PASSWORD},
        {"email": "kept.out@example.org", "password": PASSWORD},
        {"email": "elsewhere@example.org", "password": ""},
    ],
)
async def test_what_is_wrong_is_not_told(team: Any, credentials: dict[str, str]) -> None:
    from jackfield.identity.audit import COMMAND_LINE
    from jackfield.identity.users import UserChange

    users = team.identity.users
    out = await users.add(COMMAND_LINE, email="kept.out@example.org", name="x", role="member", password=PASSWORD)
    await users.change(COMMAND_LINE, out.id, UserChange(active=False))
    await users.add(COMMAND_LINE, email="elsewhere@example.org", name="x", role="member", password=None)
    async with team.client() as client:
        answer = await client.post("/api/session", json=credentials)
        assert answer.status_code == 401
        assert answer.json()["error"]["message"] == "The e-mail address or the password is wrong."
        assert "set-cookie" not in answer.headers


async def test_guessing_a_password_ends_and_holds_up_nobody_elsewhere(team: Any) -> None:
    wrong = {"email": "member@example.org", "password": "a wrong guess"}
    right = {"email": "member@example.org", "password": PASSWORD}
    async with team.client() as client, team.client(address="198.51.100.7") as elsewhere:
        statuses = [(await client.post("/api/session", json=wrong)).status_code for _ in range(11)]
        assert statuses == [401] * 10 + [429]
        assert (await client.post("/api/session", json=right)).status_code == 429
        assert (await elsewhere.post("/api/session", json=right)).status_code == 201


async def test_a_change_by_a_browser_needs_the_csrf_header(team: Any) -> None:
    wish = {"name": "key"}
    async with await team.signed_in("member") as client:
        token = client.headers.pop("x-csrf-token")
        assert (await client.get("/api/keys")).status_code == 200
        for wrong in ({}, {"x-csrf-token": "another"}, {"x-csrf-token": ""}):
            refused = await client.post("/api/keys", json=wish, headers=wrong)
            assert refused.status_code == 403
            assert "x-csrf-token" in refused.json()["error"]["message"]
        assert not (await client.get("/api/keys")).json()
        assert (await client.post("/api/keys", json=wish, headers={"x-csrf-token": token})).status_code == 201


async def test_a_program_with_a_key_needs_none(team: Any) -> None:
    async with await team.with_key("admin", "admin") as client:
        assert (await client.post("/api/teams", json={"name": "blue"})).status_code == 201


async def test_a_page_of_another_site_cannot_sign_anybody_in(team: Any) -> None:
    credentials = {"email": "member@example.org", "password": PASSWORD}
    async with team.client(origin="https://evil.example") as client:
        assert (await client.post("/api/session", json=credentials)).status_code == 403


async def test_signing_out_ends_the_session_wherever_its_cookie_is(team: Any) -> None:
    signed_in = await team.identity.sign_in.begin(team.users["member"])
    async with team.browser(signed_in) as here, team.browser(signed_in) as copy:
        assert (await copy.get("/api/session")).status_code == 200
        out = await here.delete("/api/session")
        assert out.status_code == 204
        assert all("Max-Age=0" in cookie for cookie in out.headers.get_list("set-cookie"))
        assert (await copy.get("/api/session")).status_code == 401


async def test_a_new_password_signs_out_everywhere_else(team: Any) -> None:
    async with await team.signed_in("member") as here, await team.signed_in("member") as elsewhere:
        wrong = await here.put("/api/session/password", json={"current": "not this one", "new": "a better password"})
        assert wrong.status_code == 401
        changed = await here.put("/api/session/password", json={"current": PASSWORD, "new": "a better password"})
        assert changed.status_code == 204
        assert (await here.get("/api/session")).status_code == 200
        assert (await elsewhere.get("/api/session")).status_code == 401
        old = await here.post("/api/session", json={"email": "member@example.org", "password": PASSWORD})
        assert old.status_code == 401


async def test_a_session_that_is_over_is_worth_nothing(team: Any) -> None:
    from datetime import UTC, datetime

    import msgspec

    signed_in = await team.identity.sign_in.begin(team.users["member"])
    records = team.workbench._store.identity.sessions
    await records.remove(signed_in.session.id)
    await records.add(msgspec.structs.replace(signed_in.session, expires_at=datetime.now(UTC)))
    async with team.browser(signed_in) as client:
        assert (await client.get("/api/session")).status_code == 401


async def test_while_identity_is_off_anybody_is_local_and_there_is_nothing_to_manage(tmp_path: Any) -> None:
    from contextlib import nullcontext

    import httpx

    from jackfield.testing.temporary_workbench import temporary_workbench
    from jackfield_web.app import create_app

    async with temporary_workbench(tmp_path) as workbench:
        app = create_app(lambda: nullcontext(workbench))
        app.state.workbench = workbench
        transport: Any = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            headers = {"authorization": "Bearer anything"}
            assert (await client.get("/api/session", headers=headers)).json()["user_id"] == "local"
            assert not (await client.get("/api/setup")).json()["identity"]
            nothing = await client.get("/api/users")
            assert nothing.status_code == 404
            assert "JACKFIELD_IDENTITY__ENABLED" in nothing.json()["error"]["message"]
