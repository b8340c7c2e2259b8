"""Answers while one part of a team server is gone: the API they were asked of, a worker that loads, Redis for good."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from jackfield.events import Finished, Queued, Resumed, Started
from jackfield.testing.run_follower import RunFollower
from jackfield.testing.server_programs import free_port
from jackfield.testing.team import Team, TeamProcess, running_team
from jackfield.testing.team_asker import IDENTITY, Asker, new_asker

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(180)]

ENGINE = Path(__file__).parents[2] / "sample_plugin" / "team_engine"
ENDS_WITHIN = 60


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    """An API, and models of which one takes its time to load."""
    variables = {"JACKFIELD_TEST_TOKEN_SECONDS": "0.01", **IDENTITY}
    with running_team(ENGINE, plugins=("team-engine",), models=("counter", "slow"), **variables) as team:
        team.api()
        yield team


@pytest.fixture
async def asker(team: Team, request: pytest.FixtureRequest) -> Asker:
    """Somebody new for each test, so that what is booked is the test's own."""
    return await new_asker(team, f"asker-{abs(hash(request.node.name))}")


@pytest.fixture
def worker(team: Team) -> Iterator[TeamProcess]:
    """A worker, which a test may kill."""
    worker = team.worker()
    yield worker
    worker.kill()


def counted(number: int) -> str:
    return " ".join(map(str, range(1, number + 1)))


def chat(number: int, model: str = "counter", **fields: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"count {number}"}]
    return {"model": model, "messages": messages, "max_tokens": 2000, **fields}


async def until_it_says(follower: RunFollower, characters: int) -> None:
    async with asyncio.timeout(ENDS_WITHIN):
        while len(follower.text) < characters:
            await asyncio.sleep(0.02)


async def check_whole(asker: Asker, follower: RunFollower, number: int) -> None:
    """Every event once and in order, as on record; the whole answer; and all of it booked."""
    assert [event.number for event in follower.events] == list(range(1, len(follower.events) + 1))
    assert list(await asker.stored(follower.run_id)) == follower.events
    assert follower.text == counted(number)
    end = follower.events[-1].body
    assert isinstance(end, Finished)
    use = asker.use()
    assert (use.requests, use.tokens) == (1, end.usage.total_tokens)
    assert (use.reserved_tokens, use.reserved_money) == (0, 0)


async def test_a_run_begun_at_one_api_is_followed_at_another_which_outlives_it(
    team: Team, asker: Asker, worker: TeamProcess
) -> None:
    other = f"http://127.0.0.1:{free_port()}"
    first = await asyncio.to_thread(team.api, port=int(other.rpartition(":")[2]))
    (begun_there,) = await asker.start(chat(300), address=other)
    here = RunFollower(team.url, begun_there.run_id, secret=asker.secret)
    following = [asyncio.create_task(each.follow()) for each in (begun_there, here)]
    await until_it_says(here, 100)
    await asyncio.to_thread(first.kill)
    begun_there.address = team.url
    await asyncio.wait_for(asyncio.gather(*following), ENDS_WITHIN)
    await check_whole(asker, here, 300)
    assert begun_there.events == here.events
    assert begun_there.breaks > 0
    assert here.breaks == 0


async def test_a_worker_that_dies_while_it_loads_a_model_is_replaced(
    team: Team, asker: Asker, worker: TeamProcess
) -> None:
    (follower,) = await asker.start(chat(100, "slow"))
    following = asyncio.create_task(follower.follow())
    async with asyncio.timeout(ENDS_WITHIN):
        while "loading model" not in worker.written():
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(worker.kill)
    assert [type(event.body) for event in follower.events] in ([], [Queued])
    await asyncio.to_thread(worker.start)
    await asyncio.wait_for(following, ENDS_WITHIN)
    assert [type(event.body) for event in follower.events][:3] == [Queued, Resumed, Started]
    await check_whole(asker, follower, 100)


async def test_a_worker_that_stood_still_past_its_lease_adds_nothing_to_what_another_went_on_with(
    team: Team, asker: Asker, worker: TeamProcess
) -> None:
    (follower,) = await asker.start(chat(300))
    following = asyncio.create_task(follower.follow())
    await until_it_says(follower, 100)
    worker.signal(signal.SIGSTOP)
    other = await asyncio.to_thread(team.worker)
    try:
        async with asyncio.timeout(ENDS_WITHIN):
            while not any(isinstance(event.body, Resumed) for event in follower.events):
                await asyncio.sleep(0.05)
        worker.signal(signal.SIGCONT)
        await asyncio.wait_for(following, ENDS_WITHIN)
    finally:
        worker.signal(signal.SIGCONT)
        await asyncio.to_thread(other.kill)
    await check_whole(asker, follower, 300)
    assert sum(isinstance(event.body, Resumed) for event in follower.events) == 1
    assert worker.running


async def test_a_chat_streams_on_from_the_database_when_redis_dies_and_stays_away(
    team: Team, asker: Asker, worker: TeamProcess
) -> None:
    pieces: list[str] = []
    async with httpx.AsyncClient(base_url=team.url, headers=asker.headers, timeout=30) as client:
        try:
            async with client.stream("POST", "/v1/chat/completions", json=chat(300, stream=True)) as response:
                assert response.status_code == 200, await response.aread()
                run_id = response.headers["x-jackfield-run"]
                reading = asyncio.create_task(_read(response, pieces))
                while len("".join(pieces)) < 100:
                    await asyncio.sleep(0.02)
                await asyncio.to_thread(team.redis.kill)
                await asyncio.wait_for(reading, ENDS_WITHIN)
        finally:
            await asyncio.to_thread(team.redis.start)
    assert "".join(pieces) == counted(300)
    follower = RunFollower(team.url, run_id, secret=asker.secret)
    await follower.follow()
    await check_whole(asker, follower, 300)


async def test_what_an_api_had_taken_when_it_died_ends_and_is_booked(
    team: Team, asker: Asker, worker: TeamProcess
) -> None:
    port = free_port()
    api = await asyncio.to_thread(team.api, port=port)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=asker.headers, timeout=30) as client:
        asking = [asyncio.create_task(client.post("/api/runs", json=chat(20 + number))) for number in range(60)]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(api.kill)
        answers = await asyncio.gather(*asking, return_exceptions=True)
    told = [answer.json()["id"] for answer in answers if isinstance(answer, httpx.Response)]
    assert told
    assert any(isinstance(answer, httpx.TransportError) for answer in answers)
    runs = await asker.ended(within=ENDS_WITHIN)
    assert {run.id for run in runs} >= set(told)
    assert {run.state for run in runs} == {"finished"}
    use = asker.use()
    assert use.requests == len(runs)
    assert use.tokens == sum(run.usage.total_tokens for run in runs if run.usage)
    assert (use.reserved_tokens, use.reserved_money) == (0, 0)


async def _read(response: httpx.Response, pieces: list[str]) -> None:
    async for line in response.aiter_lines():
        if line.startswith("data: {"):
            data = msgspec.json.decode(line.removeprefix("data: "))
            assert "error" not in data, data
            pieces.extend(choice["delta"].get("content") or "" for choice in data["choices"])
