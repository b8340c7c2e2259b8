"""Agents on a team server whose processes die between and during calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jackfield.events import Answered, CallEnded, Finished, Paused
from jackfield.testing.run_follower import RunFollower
from jackfield.testing.team import Team, TeamProcess, running_team
from jackfield.testing.team_asker import IDENTITY, Asker, Use, new_asker

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(180)]

PLUGINS = Path(__file__).parents[2] / "sample_plugin"
LINES = ("one", "two", "three", "four")
STEPS = ";; ".join([*(f'@jot {{"text": "{line}"}}' for line in LINES), "All are written down."])
ENDS_WITHIN = 60


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every call is written down, in whichever process it runs."""
    return tmp_path_factory.mktemp("calls") / "ledger"


@pytest.fixture(scope="module")
def team(ledger: Path) -> Iterator[Team]:
    """A model that makes the calls that stand in its task, and an API."""
    with running_team(
        PLUGINS / "calling_model",
        PLUGINS / "call_ledger",
        plugins=("calling-model", "call-ledger", "function-calls", "agents"),
        models=("counter",),
        JACKFIELD_TEST_LEDGER=str(ledger),
        **IDENTITY,
    ) as team:
        team.api()
        yield team


@pytest.fixture
async def asker(team: Team, request: pytest.FixtureRequest) -> Asker:
    """Somebody new for each test, so that what is booked is the test's own."""
    return await new_asker(team, f"asker-{abs(hash(request.node.name))}")


@pytest.fixture(autouse=True)
def empty_ledger(ledger: Path) -> None:
    ledger.write_text("")


@pytest.fixture
def worker(team: Team) -> Iterator[TeamProcess]:
    """A worker, which tests kill."""
    worker = team.worker()
    yield worker
    worker.kill()


def task(text: str, *tools: str, **fields: Any) -> dict[str, Any]:
    return {"model": "counter", "task": text, "tools": list(tools), "agent": "tool-loop", "max_tokens": 200, **fields}


async def until_calls_ended(follower: RunFollower, number: int) -> None:
    async with asyncio.timeout(ENDS_WITHIN):
        while sum(isinstance(event.body, CallEnded) for event in follower.events) < number:
            await asyncio.sleep(0.02)


def check_booked(asker: Asker, follower: RunFollower) -> None:
    """What was booked is what the run's answers on record took, and at least that where one had to be written anew."""
    end = follower.events[-1].body
    assert isinstance(end, Finished)
    answered = [event.body.usage for event in follower.events if isinstance(event.body, Answered)]
    assert end.usage.completion_tokens >= sum(usage.completion_tokens for usage in answered)
    use = asker.use()
    assert (use.requests, use.tokens) == (1, end.usage.total_tokens)
    assert use == Use(
        requests=1,
        tokens=end.usage.total_tokens,
        money=2 * end.usage.prompt_tokens + 10 * end.usage.completion_tokens,
    )


@pytest.mark.parametrize("ended", [1, 3])
async def test_no_call_on_record_runs_again_when_a_worker_dies_between_calls(
    team: Team, asker: Asker, worker: TeamProcess, ledger: Path, ended: int
) -> None:
    (follower,) = await asker.start(task(STEPS, "jot"))
    following = asyncio.create_task(follower.follow())
    await until_calls_ended(follower, ended)
    await asyncio.to_thread(worker.kill)
    on_record = [e.body.call.arguments["text"] for e in await asker.stored(follower.run_id) if _is_call_end(e.body)]
    await asyncio.to_thread(worker.start)
    await asyncio.wait_for(following, ENDS_WITHIN)
    assert isinstance(follower.events[-1].body, Finished)
    assert follower.text.endswith("All are written down.")
    assert [event.number for event in follower.events] == list(range(1, len(follower.events) + 1))
    assert list(await asker.stored(follower.run_id)) == follower.events
    times = Counter(ledger.read_text().split())
    assert set(times) == set(LINES)
    assert {line: times[line] for line in on_record} == dict.fromkeys(on_record, 1)
    assert all(times[line] <= 2 for line in LINES), "only what was under way is done once more"
    check_booked(asker, follower)


def _is_call_end(body: object) -> bool:
    return isinstance(body, CallEnded)


async def test_a_paused_run_outlives_its_worker_and_goes_on_once_approved(
    team: Team, asker: Asker, worker: TeamProcess, ledger: Path
) -> None:
    (follower,) = await asker.start(task('@stamp {"text": "approved"};; The stamp says RESULT.', "stamp"))
    following = asyncio.create_task(follower.follow())
    await _state(asker, team, follower.run_id, "paused")
    assert any(isinstance(event.body, Paused) for event in await asker.stored(follower.run_id))
    await asyncio.to_thread(worker.kill)
    assert ledger.read_text() == ""
    async with httpx.AsyncClient(base_url=team.url, headers=asker.headers, timeout=30) as client:
        approved = await client.post(f"/api/runs/{follower.run_id}/approve")
        again = await client.post(f"/api/runs/{follower.run_id}/approve")
    assert (approved.status_code, again.status_code) == (200, 409), (approved.text, again.text)
    await asyncio.to_thread(worker.start)
    await asyncio.wait_for(following, ENDS_WITHIN)
    assert isinstance(follower.events[-1].body, Finished)
    assert follower.text.endswith("The stamp says approved.")
    assert ledger.read_text() == "approved\n"
    assert list(await asker.stored(follower.run_id)) == follower.events
    check_booked(asker, follower)


async def _state(asker: Asker, team: Team, run_id: str, state: str) -> None:
    async with (
        asyncio.timeout(ENDS_WITHIN),
        httpx.AsyncClient(base_url=team.url, headers=asker.headers, timeout=30) as client,
    ):
        while (await client.get(f"/api/runs/{run_id}")).json()["state"] != state:
            await asyncio.sleep(0.1)
