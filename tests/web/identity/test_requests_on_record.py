"""Where it must be known who asks: the log says who asked for what, and clients learn nothing of the database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from jackfield.logs import configure_logs
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.workbench import Workbench
from jackfield_storage.failures import UNREACHABLE, platform_error
from jackfield_web.observed_requests import observed

PLACE = "postgresql+psycopg://ann:***@db.internal:5432/jackfield"


def requests_in(text: str) -> list[dict[str, Any]]:
    """The lines of requests, in order."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == "request"]


def client_of(app: Litestar, **headers: str) -> httpx.AsyncClient:
    """A client of the app as the server runs it."""
    transport = httpx.ASGITransport(observed(app), client=("203.0.113.9", 4242))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)


async def test_each_request_is_one_line_that_says_who_asked(
    team: Any, shared_app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    key = await team.key("member")
    configure_logs("info", "json")
    async with client_of(shared_app.app, authorization=f"Bearer {key.secret}") as client:
        await client.get("/api/runs/run_1", headers={"x-request-id": "mine-1"})
        await client.get("/healthz")
        await client.get("/readyz")
        await client.get("/metrics")
    async with client_of(shared_app.app) as nobody:
        await nobody.get("/v1/models")
    known, unknown = requests_in(capsys.readouterr().err)
    assert (known["method"], known["path"], known["status"]) == ("GET", "/api/runs/{run_id}", 404)
    assert (known["who"], known["request_id"], known["level"]) == (key.key.id, "mine-1", "info")
    assert known["ms"] >= 0
    assert (unknown["path"], unknown["status"], unknown["who"]) == ("/v1/models", 401, None)


async def test_one_persons_requests_are_no_lines_at_info(
    tmp_path: Path, shared_app: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("info", "json")
    async with temporary_workbench(tmp_path / "home") as workbench:
        with shared_app.over(workbench) as shared:
            async with client_of(shared.app) as client:
                await client.get("/v1/models")
    assert requests_in(capsys.readouterr().err) == []


@pytest.mark.parametrize("path", ["/readyz", "/v1/messages"])
async def test_clients_do_not_learn_where_the_database_lies(
    path: str, team: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def away(*_: object) -> None:
        raise platform_error(OSError('connection to "db.internal", port 5432 failed'), PLACE)

    monkeypatch.setattr(Workbench, "check", away)
    monkeypatch.setattr(type(team.identity), "principal_of_key", away)
    configure_logs("info", "json")
    async with team.client(authorization="Bearer sk-jf-any") as client:
        answer = await (client.get(path) if path == "/readyz" else client.post(path, json={}))
    assert answer.status_code == 503
    assert answer.json()["error"]["message"] == UNREACHABLE
    assert "db.internal" not in answer.text
    assert "db.internal" in capsys.readouterr().err
