"""Answers from files that workers write: looked up where the run executes, and read the same after a kill."""

from __future__ import annotations

import time
from typing import Any

import httpx
import msgspec
import pytest

from jackfield.testing.team import Team

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(240)]

FILE = "/api/files/collections/main/content"
SHEEP = "Whoever cannot sleep may count sheep. " + "Baa. " * 100


async def test_an_answer_from_files_survives_the_kill_of_its_worker(team: Team) -> None:
    """The file is changed meanwhile; the answer goes on from what its first worker had read."""
    first = team.worker()
    time.sleep(3)
    body = {
        "model": "counter",
        "stream": True,
        "messages": [{"role": "user", "content": "Do I count?"}],
        "files": {"mode": "keyword"},
    }
    async with httpx.AsyncClient(base_url=team.url, timeout=60) as client:
        written = await client.put(FILE, params={"path": "sheep.md"}, content=SHEEP.encode())
        assert written.status_code == 200, written.text
        text, told, killed = "", None, False
        second = None
        try:
            async with client.stream("POST", "/v1/chat/completions", json=body) as response:
                run_id = response.headers["x-jackfield-run"]
                async for line in response.aiter_lines():
                    if not line.startswith("data: {"):
                        continue
                    chunk = msgspec.json.decode(line.removeprefix("data: "))
                    assert "error" not in chunk, chunk
                    delta = chunk["choices"][0]["delta"]
                    text += delta.get("content") or ""
                    told = delta.get("sources", told)
                    if len(text) > 100 and not killed:
                        killed = True
                        await client.put(FILE, params={"path": "sheep.md"}, content=b"Nobody may count.\n")
                        second = team.worker()
                        first.kill()
            # The model says back what it was given.
            assert SHEEP.strip() in text, team.logs()
            assert text.endswith("Question: Do I count?")
            assert killed
            assert [(source["path"], source["version"]) for source in told or ()] == [("sheep.md", 1)]
            assert [body["type"] for body in await events(client, run_id)].count("sources") == 1
        finally:
            for worker in (first, second):
                if worker:
                    worker.kill()


async def events(client: httpx.AsyncClient, run_id: str) -> list[dict[str, Any]]:
    """What is on record of a run."""
    lines = (await client.get(f"/api/runs/{run_id}/events")).text.splitlines()
    return [msgspec.json.decode(line.removeprefix("data: "))["body"] for line in lines if line.startswith("data: ")]
