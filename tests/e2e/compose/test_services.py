"""compose.yaml as processes: who gets well, who answers, who gets in."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(300)]

HELLO = {"model": "scripted", "messages": [{"role": "user", "content": "hello there"}]}


def test_every_service_is_well(team: Any) -> None:
    checked = [name for name, spec in team.services.specs.items() if spec.health]
    assert checked == ["postgres", "redis", "api", "worker"]
    assert [name for name in checked if not team.services.is_well(name)] == []


def test_an_answer_comes_through_api_and_a_worker_that_loads_the_model(team: Any) -> None:
    assert team.services.stop("worker") == 0
    team.services.start("worker")
    answer = httpx.post(
        f"{team.address}/v1/chat/completions",
        json=HELLO,
        headers={"authorization": f"Bearer {team.key}", "x-request-id": "from-the-test"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text + team.services.log("worker")[-6000:]
    assert answer.json()["choices"][0]["message"]["content"] == "hello there"
    assert answer.headers["x-request-id"] == "from-the-test"
    told = [json.loads(line) for line in team.services.log("worker").splitlines() if line.startswith("{")]
    assert "from-the-test" in [line.get("request_id") for line in told if line["event"] == "loading model"]
    assert "loading model" not in team.services.log("api")


def test_nobody_gets_in_without_a_key(team: Any) -> None:
    for headers in ({}, {"authorization": "Bearer sk-jf-not-a-key-of-this-server-at-all"}):
        assert httpx.post(f"{team.address}/v1/chat/completions", json=HELLO, headers=headers).status_code == 401


def test_the_setup_token_works_once(team: Any) -> None:
    admin = {"token": team.secrets["SETUP_TOKEN"], "email": "eve@example.org", "name": "Eve", "password": "x" * 20}
    assert httpx.post(f"{team.address}/api/setup", json=admin).status_code in (403, 409)


def test_no_log_holds_a_secret(team: Any) -> None:
    for name in team.services.specs:
        written = team.services.log(name)
        assert not [name for name, secret in team.secrets.items() if secret in written]
        assert team.key not in written


def test_redis_and_the_database_take_nobody_without_a_password(team: Any) -> None:
    ping = team.services.run("redis", "env", "-u", "REDISCLI_AUTH", "redis-cli", "-p", "6379", "PING")
    assert "NOAUTH" in ping.stdout
    query = team.services.run("postgres", "psql", "-w", "-h", "127.0.0.1", "-U", "jackfield", "-c", "SELECT 1")
    assert query.returncode != 0
    assert "password" in query.stderr


def scraped(team: Any) -> str:
    """What Prometheus would read."""
    return httpx.get(f"{team.address}/metrics", headers={"authorization": f"Bearer {team.key}"}, timeout=30).text


def test_figures_tell_of_workers_and_of_what_they_depend_on(team: Any) -> None:
    written = re.compile(r'jackfield_worker_tokens_total\{kind="written",model="scripted",worker="[^"]+"\} [1-9]')
    while not written.search(text := scraped(team)):  # workers tell of themselves every two seconds
        time.sleep(0.25)
    for line in (
        'jackfield_dependency_up{dependency="database"} 1.0',
        'jackfield_dependency_up{dependency="broker"} 1.0',
        "jackfield_workers 1.0",
        'jackfield_runs{state="running"} 0.0',
        'jackfield_queue_length{model="scripted"} 0.0',
    ):
        assert line in text
    assert re.search(
        r'jackfield_http_errors_total\{code="not_authenticated",route="/v1/chat/completions"\} [1-9]', text
    )


def test_redis_that_dies_shows_in_the_figures_and_loses_nothing(team: Any) -> None:
    team.services.kill("redis")
    text = scraped(team)
    assert 'jackfield_dependency_up{dependency="broker"} 0.0' in text
    assert 'jackfield_dependency_up{dependency="database"} 1.0' in text
    team.services.start("redis")
    asked = httpx.post(
        f"{team.address}/v1/chat/completions", json=HELLO, headers={"authorization": f"Bearer {team.key}"}, timeout=90
    )
    assert asked.status_code == 200, asked.text


def test_a_worker_that_dies_is_not_well_and_its_successor_answers(team: Any) -> None:
    team.services.kill("worker")
    team.services.start("worker")
    asked = httpx.post(
        f"{team.address}/v1/chat/completions", json=HELLO, headers={"authorization": f"Bearer {team.key}"}, timeout=90
    )
    assert asked.status_code == 200, asked.text


def test_stopping_a_worker_takes_less_than_its_grace(team: Any) -> None:
    assert team.services.stop("worker") == 0
    team.services.start("worker")
