"""What docs/operations.md has an operator do, and see: its commands, and one trace over two processes."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(300)]

MANUAL = Path(__file__).parents[3] / "docs" / "operations.md"


def test_the_commands_of_the_manual_work_in_their_order(team: Any) -> None:
    commands = re.findall(r"^(jackfield (?:keys|users|budgets|db) .*?)(?:\s+#.*)?$", MANUAL.read_text(), re.MULTILINE)
    assert len(commands) >= 5
    for command in commands:
        done = team.services.run("api", *command.split())
        assert done.returncode == 0, f"{command}: {done.stderr}"
        if command.startswith("jackfield keys create"):
            assert "sk-jf-" in done.stdout
    assert "user" in team.services.run("api", "jackfield", "budgets", "list").stdout


def test_a_request_and_its_run_on_a_worker_are_one_trace(team: Any) -> None:
    trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    asked = {"model": "scripted", "messages": [{"role": "user", "content": "the launch code is swordfish"}]}
    headers = {"authorization": f"Bearer {team.key}", "traceparent": f"00-{trace}-{caller}-01"}
    httpx.post(f"{team.address}/v1/chat/completions", json=asked, headers=headers, timeout=60).raise_for_status()
    while len(spans := team.collector.of_trace(trace)) < 4:
        time.sleep(0.25)  # they are sent in batches
    request, run = spans["POST"], spans["chat scripted"]
    assert (request.service, run.service) == ("jackfield-api", "jackfield-worker")
    assert request.parent == caller
    assert run.parent == request.span
    assert {spans[name].parent for name in ("prefill", "decode")} == {run.span}
    assert request.attributes["http.route"] == "/v1/chat/completions"
    assert int(run.attributes["gen_ai.usage.output_tokens"]) > 0
    assert not [body for body in team.collector.bodies if b"swordfish" in body]


def test_a_backup_is_restored_as_the_manual_says(team: Any) -> None:
    services = team.services
    assert services.run("api", "jackfield", "db", "backup", "/data/kept.jfb").returncode == 0
    for name in ("api", "worker"):
        assert services.stop(name) == 0
    restored = services.run("api", "jackfield", "db", "restore", "/data/kept.jfb", "--replace")
    assert restored.returncode == 0, restored.stderr
    for name in ("api", "worker"):
        services.start(name)
    while not (services.is_well("api") and services.is_well("worker")):
        time.sleep(0.25)
    asked = {"model": "scripted", "messages": [{"role": "user", "content": "still there?"}]}
    answer = httpx.post(
        f"{team.address}/v1/chat/completions",
        json=asked,
        headers={"authorization": f"Bearer {team.key}"},
        timeout=60,
    )
    assert answer.json()["choices"][0]["message"]["content"] == "still there?"
