"""A team server's processes under what happens to processes: work, kills, restarts, goodbyes."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
import pytest

from jackfield.testing.server_programs import free_port
from jackfield.testing.team import Team, TeamProcess

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.slow, pytest.mark.timeout(240)]


def counted(number: int) -> str:
    return " ".join(map(str, range(1, number + 1)))


def chat(number: int, model: str = "counter") -> dict[str, Any]:
    return {"model": model, "stream": True, "messages": [{"role": "user", "content": f"count {number}"}]}


class Answer:
    """A streamed chat, as far as it was read."""

    def __init__(self) -> None:
        self.text = ""
        self.error: dict[str, Any] | None = None
        self.finish: str | None = None


async def deltas(client: httpx.AsyncClient, body: dict[str, Any], answer: Answer) -> AsyncIterator[str]:
    """The text of a streamed chat in pieces, which are gathered in `answer`."""
    async with client.stream("POST", "/v1/chat/completions", json=body) as response:
        if response.status_code != 200:
            answer.error = msgspec.json.decode(await response.aread())["error"]
            return
        async for line in response.aiter_lines():
            if not line.startswith("data: {"):
                continue
            data = msgspec.json.decode(line.removeprefix("data: "))
            if "error" in data:
                answer.error = data["error"]
                return
            for choice in data["choices"]:
                piece = choice["delta"].get("content") or ""
                answer.text += piece
                answer.finish = choice["finish_reason"] or answer.finish
                yield piece


async def whole(client: httpx.AsyncClient, body: dict[str, Any]) -> Answer:
    answer = Answer()
    async for _ in deltas(client, body, answer):
        pass
    return answer


@pytest.fixture
async def client(team: Team) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=team.url, timeout=60) as client:
        yield client


@contextmanager
def workers(team: Team, *models: tuple[str, ...], **variables: str) -> Iterator[list[TeamProcess]]:
    """Workers for one test, gone afterwards."""
    started = [team.worker(*names, **variables) for names in models]
    time.sleep(3)
    try:
        yield started
    except BaseException:
        print(team.logs())  # noqa: T201 - what pytest shows beside a failure
        raise
    finally:
        for worker in started:
            worker.kill()


async def newest_run(client: httpx.AsyncClient) -> dict[str, Any]:
    listed = (await client.get("/api/runs", params={"limit": 1})).json()
    runs = listed if isinstance(listed, list) else listed["runs"]
    newest: dict[str, Any] = runs[0]
    return newest


async def test_answers_stream_from_workers_and_many_at_once(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, (), ()):
        answers = await asyncio.gather(*(whole(client, chat(40 + number)) for number in range(12)))
        assert [answer.text for answer in answers] == [counted(40 + number) for number in range(12)]
        assert {answer.finish for answer in answers} == {"stop"}
        vectors = await client.post("/v1/embeddings", json={"model": "counter", "input": ["abc", "cba"]})
        assert vectors.status_code == 200, vectors.text
        one, two = (row["embedding"] for row in vectors.json()["data"])
        assert one == two


async def test_an_answer_survives_the_kill_of_its_worker(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, ()) as (first,):
        answer = Answer()
        pieces = deltas(client, chat(300), answer)
        while len(answer.text) < 100:
            await anext(pieces)
        second = team.worker()
        try:
            first.kill()
            async for _ in pieces:
                pass
            assert answer.error is None
            assert answer.text == counted(300)
        finally:
            second.kill()


async def test_a_worker_that_is_asked_to_leave_hands_its_runs_on(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, (), (), JACKFIELD_JOBS__DRAIN="0.5") as pair:
        answers = [Answer() for _ in range(6)]
        reading = [asyncio.create_task(_read(client, chat(300), answer)) for answer in answers]
        while not all(len(answer.text) > 50 for answer in answers):
            await asyncio.sleep(0.05)
        pair[0].signal(signal.SIGTERM)
        await asyncio.gather(*reading)
        assert {answer.text for answer in answers} == {counted(300)}
        assert await asyncio.to_thread(pair[0].wait) == 0


async def _read(client: httpx.AsyncClient, body: dict[str, Any], answer: Answer) -> None:
    async for _ in deltas(client, body, answer):
        pass


async def test_a_second_signal_ends_a_worker_at_once(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, (), JACKFIELD_JOBS__DRAIN="600") as (worker,):
        answer = Answer()
        reading = asyncio.create_task(_read(client, chat(2000), answer))
        while len(answer.text) < 20:
            await asyncio.sleep(0.05)
        worker.signal(signal.SIGTERM)
        await asyncio.sleep(1)
        assert worker.running
        worker.signal(signal.SIGINT)
        assert await asyncio.to_thread(worker.wait, 10) == 1
        reading.cancel()


async def test_a_cancel_reaches_the_worker(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, ()):
        answer = Answer()
        reading = asyncio.create_task(_read(client, chat(2000), answer))
        while len(answer.text) < 20:
            await asyncio.sleep(0.05)
        run = await newest_run(client)
        cancelled = await client.post(f"/api/runs/{run['id']}/cancel")
        assert cancelled.is_success, cancelled.text
        await asyncio.wait_for(asyncio.gather(reading, return_exceptions=True), 20)
        assert (await client.get(f"/api/runs/{run['id']}")).json()["state"] == "cancelled"
        assert len(answer.text) < len(counted(2000))


async def test_a_run_that_no_worker_serves_ends_with_the_reason(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, ("other",)):
        answer = await whole(client, chat(5))
        assert answer.error is not None
        assert answer.error["code"] == "no_worker"
        assert "No worker serves 'counter'" in answer.error["message"]
        assert "serves 'other'" in answer.error["message"]
        assert "jackfield worker --models counter" in answer.error["message"]


async def test_a_run_waits_for_a_worker_that_starts_in_time(team: Team, client: httpx.AsyncClient) -> None:
    reading = asyncio.create_task(whole(client, chat(5, "other")))
    await asyncio.sleep(0.5)
    with workers(team, ("other",)):
        answer = await reading
        assert (answer.error, answer.text) == (None, counted(5))


async def test_answers_survive_a_redis_that_is_killed_and_forgets_everything(
    team: Team, client: httpx.AsyncClient
) -> None:
    with workers(team, ()):
        early = Answer()
        reading = asyncio.create_task(_read(client, chat(400), early))
        while len(early.text) < 50:
            await asyncio.sleep(0.05)
        team.redis.kill()
        late = asyncio.create_task(whole(client, chat(20)))
        await asyncio.sleep(1.5)
        team.redis.start()
        await asyncio.wait_for(reading, 60)
        assert (early.error, early.text) == (None, counted(400))
        answer = await asyncio.wait_for(late, 60)
        assert (answer.error, answer.text) == (None, counted(20))
        afterwards = await asyncio.wait_for(whole(client, chat(10)), 60)
        assert (afterwards.error, afterwards.text) == (None, counted(10))


async def test_an_answer_survives_a_postgresql_that_is_killed(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, ()):
        answer = Answer()
        reading = asyncio.create_task(_read(client, chat(400), answer))
        while len(answer.text) < 50:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(team.postgres.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(team.postgres.start)
        await asyncio.wait_for(reading, 90)
        assert (answer.error, answer.text) == (None, counted(400))


async def test_a_model_that_cannot_be_loaded_touches_no_other(team: Team, client: httpx.AsyncClient) -> None:
    await asyncio.to_thread(team.install, "broken")
    with workers(team, ()):
        bad, good = await asyncio.gather(whole(client, chat(5, "broken")), whole(client, chat(60)))
        assert bad.error is not None
        assert "broken" in bad.error["message"]
        assert (good.error, good.text) == (None, counted(60))


async def test_too_many_waiting_runs_are_refused_and_the_others_answered(team: Team) -> None:
    port = free_port()
    with workers(team, (), JACKFIELD_JOBS__CONCURRENCY="1"):
        team.api(port=port, JACKFIELD_RUNS__QUEUE_LIMIT="3")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            asked = [client.post("/v1/chat/completions", json={**chat(30), "stream": False}) for _ in range(20)]
            responses = await asyncio.gather(*asked)
    answered = [response for response in responses if response.status_code == 200]
    refused = [response for response in responses if response.status_code == 503]
    assert len(answered) + len(refused) == 20
    assert len(answered) >= 3
    assert refused
    assert {response.json()["choices"][0]["message"]["content"] for response in answered} == {counted(30)}
    assert all(int(response.headers["retry-after"]) > 0 for response in refused)
    assert {response.json()["error"]["code"] for response in refused} == {"overloaded"}


async def test_answers_outlive_an_api_that_is_asked_to_stop(team: Team, client: httpx.AsyncClient) -> None:
    with workers(team, ()):
        port = free_port()
        leaving = team.api(port=port)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as other:
            answer = Answer()
            pieces = deltas(other, chat(300), answer)
            while len(answer.text) < 60:
                await anext(pieces)
            run = await newest_run(client)
            leaving.signal(signal.SIGTERM)
            async for _ in pieces:
                pass
        assert answer.error is not None
        assert answer.error["code"] == "shutting_down"
        assert await asyncio.to_thread(leaving.wait) == 0
        async with asyncio.timeout(60):
            while (state := (await client.get(f"/api/runs/{run['id']}")).json()["state"]) == "running":
                await asyncio.sleep(0.2)
        assert state == "finished"


async def test_who_waits_at_an_api_that_is_asked_to_stop_is_told_to_come_back(team: Team) -> None:
    port = free_port()
    leaving = team.api(port=port)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as other:
        async with asyncio.timeout(30):
            while (ready := await other.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.2)  # the last test's worker is still remembered
        assert ready.json()["error"]["code"] == "no_worker"
        bodies = [chat(5) | {"stream": streamed} for streamed in (False, True)]
        waiting = [asyncio.create_task(other.post("/v1/chat/completions", json=body)) for body in bodies]
        await asyncio.sleep(0.5)
        leaving.signal(signal.SIGTERM)
        for answer in await asyncio.gather(*waiting):
            assert answer.status_code == 503, answer.text
            assert answer.json()["error"]["code"] == "shutting_down"
            assert int(answer.headers["retry-after"]) > 0
