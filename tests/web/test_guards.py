"""Web pages of other sites cannot use a server on the visitor's machine."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield_web.app import create_app
from jackfield_web.guards import is_loopback

CHAT = {"model": "scripted", "messages": [{"role": "user", "content": "hello"}]}


async def status_of(app: Any, method: str, path: str, headers: dict[str, str], body: Any = None) -> int:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return (await client.request(method, path, headers=headers, json=body)).status_code


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200),
        ("localhost:5225", 200),
        ("127.0.0.1:5225", 200),
        ("127.1.2.3", 200),
        ("[::1]:5225", 200),
        ("jackfield.localhost", 200),
        ("evil.example", 403),
        ("evil.example:5225", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost.evil.example", 403),
        ("[::1", 403),
    ],
)
async def test_only_loopback_names_are_answered_on_loopback(served: Any, host: str, expected: int) -> None:
    response = await served.client.get("/v1/models", headers={"Host": host})
    assert response.status_code == expected
    if expected == 403:
        assert response.json()["error"]["code"] == "forbidden"
        assert response.json()["error"]["type"] == "permission_error"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:3000", 200),
        ("http://127.0.0.1:5225", 200),
        ("http://[::1]:8080", 200),
        ("chrome-extension://abcdef", 200),
        ("app://obsidian.md", 200),
        ("https://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("null", 403),
        ("", 403),
        ("http://[::1", 403),
    ],
)
async def test_pages_of_other_sites_may_not_post(served: Any, origin: str, expected: int) -> None:
    response = await served.client.post("/v1/chat/completions", json=CHAT, headers={"Origin": origin})
    assert response.status_code == expected


async def test_a_refused_page_starts_nothing(served: Any) -> None:
    await served.client.post("/v1/chat/completions", json=CHAT, headers={"Origin": "https://evil.example"})
    assert not await served.workbench.runs.recent()


async def test_no_page_of_another_site_can_read_an_answer(served: Any) -> None:
    response = await served.client.get("/v1/models", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


async def test_a_server_for_others_answers_to_any_name_and_to_its_own_pages(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        app = create_app(lambda: nullcontext(workbench), host="0.0.0.0")
        app.state.workbench = workbench
        own = {"Host": "box.lan:5225", "Origin": "http://box.lan:5225"}
        other = {"Host": "box.lan:5225", "Origin": "https://evil.example"}
        assert await status_of(app, "GET", "/v1/models", {"Host": "box.lan:5225"}) == 200
        assert await status_of(app, "POST", "/v1/chat/completions", own, CHAT) == 200
        assert await status_of(app, "POST", "/v1/chat/completions", other, CHAT) == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "box.lan", ""])
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
