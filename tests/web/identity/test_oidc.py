"""Signing in through an OpenID Connect provider, a real one on loopback, and what a hostile one gets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.users import UserChange
from jackfield.testing.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcServer

START = "/api/oidc/start"


@pytest.fixture
def provider() -> Iterator[OidcServer]:
    """A provider whose visitor is Ada."""
    with OidcServer() as server:
        yield server


@pytest.fixture
def opened(teaming: Any, provider: OidcServer) -> Any:
    """`async with opened(**identity_settings) as (team, browser)`."""

    @asynccontextmanager
    async def opening(**settings: Any) -> AsyncIterator[tuple[Any, httpx.AsyncClient]]:
        chosen = {
            "public_url": "http://localhost",
            "oidc_issuer": provider.issuer,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_domains": ("example.org",),
            **settings,
        }
        async with teaming(**chosen) as team, team.client() as browser:
            await team.add_users()
            yield team, browser

    return opening


async def came_back(browser: httpx.AsyncClient) -> str:
    """The path with which a browser comes back from the provider."""
    begun = await browser.get(START)
    assert begun.status_code == 302, begun.text
    async with httpx.AsyncClient(verify=False) as outside:
        answer = await outside.get(begun.headers["location"])
    assert answer.status_code == 302, answer.text
    return str(answer.headers["location"]).removeprefix("http://localhost")


async def signed_in(browser: httpx.AsyncClient) -> httpx.Response:
    return await browser.get(await came_back(browser))


async def test_somebody_of_an_allowed_domain_joins_and_is_signed_in(opened: Any) -> None:
    async with opened() as (team, browser):
        assert (await browser.get("/api/setup")).json()["oidc"] == "single sign-on"
        answer = await signed_in(browser)
        assert (answer.status_code, answer.headers["location"]) == (302, "/")
        me = (await browser.get("/api/session")).json()
        assert (me["name"], me["role"]) == ("ada@example.org", "member")
        (entry,) = await team.identity.audit.page(action="user.join")
        assert entry.target == me["user_id"]
        again = await signed_in(browser)
        assert again.status_code == 302
        assert len(await team.identity.users.page()) == 4


async def test_somebody_who_is_a_user_already_is_that_user(opened: Any, provider: OidcServer) -> None:
    provider.person |= {"email": "Viewer@Example.org"}
    async with opened(oidc_domains=()) as (team, browser):
        await signed_in(browser)
        assert (await browser.get("/api/session")).json()["user_id"] == team.users["viewer"].id


async def test_without_domains_nobody_joins(opened: Any) -> None:
    async with opened(oidc_domains=()) as (team, browser):
        assert (await signed_in(browser)).status_code == 403
        assert len(await team.identity.users.page()) == 3


async def test_the_address_may_be_told_apart_from_the_token(opened: Any, provider: OidcServer) -> None:
    provider.in_userinfo = True
    async with opened() as (_, browser):
        assert (await signed_in(browser)).status_code == 302


async def test_a_provider_may_change_its_keys(opened: Any, provider: OidcServer) -> None:
    async with opened() as (_, browser):
        assert (await signed_in(browser)).status_code == 302
        provider.rotate()
        assert (await signed_in(browser)).status_code == 302


@pytest.mark.parametrize(
    ("person", "status"),
    [
        ({"email_verified": False}, 403),
        ({"email_verified": None}, 403),
        ({"email": "ada@evil.example"}, 403),
        ({"email": "ada@notexample.org"}, 403),
        ({"email": "ada@example.org@evil.example"}, 403),
        ({"email": None}, 403),
        ({"email": 5}, 403),
    ],
)
async def test_an_address_that_is_not_good_enough(
    opened: Any, provider: OidcServer, person: dict[str, Any], status: int
) -> None:
    provider.person |= person
    async with opened() as (team, browser):
        assert (await signed_in(browser)).status_code == status
        assert (await browser.get("/api/session")).status_code == 401
        assert len(await team.identity.users.page()) == 3


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": None},
    ],
)
async def test_a_token_that_is_not_for_this_sign_in(opened: Any, provider: OidcServer, lies: dict[str, Any]) -> None:
    provider.lies = lies
    async with opened() as (_, browser):
        assert (await signed_in(browser)).status_code == 401
        assert (await browser.get("/api/session")).status_code == 401


async def test_a_token_that_somebody_else_signed(opened: Any, provider: OidcServer) -> None:
    provider.forged = True
    async with opened() as (_, browser):
        assert (await signed_in(browser)).status_code == 401


async def test_a_sign_in_that_another_browser_began(opened: Any) -> None:
    async with opened() as (team, browser), team.client() as victim:
        path = await came_back(browser)
        assert (await victim.get(path)).status_code == 401
        await came_back(victim)
        assert (await victim.get(path)).status_code == 401
        assert (await victim.get("/api/session")).status_code == 401


async def test_a_code_is_good_once(opened: Any) -> None:
    async with opened() as (_, browser):
        begun = await came_back(browser)
        flow = browser.cookies["jackfield_oidc"]
        assert (await browser.get(begun)).status_code == 302
        browser.cookies.set("jackfield_oidc", flow, domain="localhost.local", path="/")
        assert (await browser.get(begun)).status_code == 401


@pytest.mark.parametrize("query", ["", "error=access_denied&state=x", "code=&state=x", "code=x"])
async def test_a_way_back_that_brings_nothing(opened: Any, query: str) -> None:
    async with opened() as (_, browser):
        await browser.get(START)
        assert (await browser.get(f"/api/oidc/callback?{query}")).status_code == 401


async def test_the_provider_does_not_let_in_whom_an_admin_keeps_out(opened: Any, provider: OidcServer) -> None:
    provider.person |= {"email": "member@example.org"}
    async with opened() as (team, browser):
        await team.identity.users.change(COMMAND_LINE, team.users["member"].id, UserChange(active=False))
        assert (await signed_in(browser)).status_code == 403


async def test_what_is_sent_to_the_provider_is_new_each_time_and_the_verifier_stays_here(opened: Any) -> None:
    async with opened() as (_, browser):
        sent = [parse_qs(urlsplit((await browser.get(START)).headers["location"]).query) for _ in range(2)]
        for name in ("state", "nonce", "code_challenge"):
            assert sent[0][name] != sent[1][name]
        assert "code_verifier" not in sent[0]
        assert sent[0]["redirect_uri"] == ["http://localhost/api/oidc/callback"]


async def test_a_provider_that_is_away(opened: Any) -> None:
    async with opened(oidc_issuer="http://127.0.0.1:9") as (_, browser):
        answer = await browser.get(START)
        assert answer.status_code == 503
        assert answer.headers["retry-after"]


async def test_where_no_provider_is_set_up(team: Any) -> None:
    async with team.client() as browser:
        assert (await browser.get(START)).status_code == 404
