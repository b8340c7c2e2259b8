"""What processes tell one another through a real Redis: events, who lives, how much waits, what is left over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import pytest
from msgspec import json
from redis.asyncio import Redis

from jackfield.contracts.runs import RunRecord
from jackfield.contracts.workers import LiveWorker
from jackfield.errors import ContextOverflow, InvalidRequest
from jackfield.events import Finished, RunEvent, TextDelta, Usage
from jackfield.jobs import announcements
from jackfield.jobs.announcements import WORKERS, Announcement, WorkerBoard, announce, withdraw
from jackfield.jobs.background import Background
from jackfield.jobs.celery_app import model_queue, worker_queue, working_app
from jackfield.jobs.embedding import answer, awaited, packed, refusal
from jackfield.jobs.event_stream import STREAM, EventPublisher, EventReader, LiveEvents
from jackfield.jobs.leftovers import pass_on
from jackfield.jobs.stop_requests import ask_workers_to_stop, listen_for_stops
from jackfield.jobs.waiting_runs import WaitingRuns
from jackfield.jobs.watchdog import Watchdog
from jackfield.testing.contract_suites.records_made import numbered
from jackfield.testing.memory_runs import InMemoryRuns

pytestmark = pytest.mark.redis


def deltas(run_id: str, count: int, *, first: int = 1) -> tuple[RunEvent, ...]:
    return numbered(run_id, [TextDelta(text=str(number), tokens=1) for number in range(count)], first=first)


async def test_watchers_of_many_runs_share_one_reader(redis: Redis) -> None:
    reader, publisher, background = EventReader(redis), EventPublisher(redis), Background()
    with reader.watched("one") as one, reader.watched("one") as twin, reader.watched("two") as two:
        background.start("reading", reader.kept)
        assert await one.following(0, patience=5) == []  # the reader has begun: look at the record first
        assert await twin.following(0, patience=5) == []
        assert await two.following(0, patience=5) == []
        await publisher.publish([*deltas("one", 3), *deltas("two", 1), *deltas("nobody", 1)])
        assert await one.following(0, patience=5) == list(deltas("one", 3))
        assert await twin.following(1, patience=5) == list(deltas("one", 3)[1:])
        assert await two.following(0, patience=5) == list(deltas("two", 1))
    await background.close()


async def test_who_watches_a_new_run_first_gets_what_was_told_before(redis: Redis) -> None:
    reader, publisher, background = EventReader(redis), EventPublisher(redis), Background()
    background.start("reading", reader.kept)
    with reader.watched("other") as other:
        assert await other.following(0, patience=5) == []
        reader.begin("run")
        await publisher.publish([*deltas("run", 2), *deltas("other", 1)])
        assert await other.following(0, patience=5) == list(deltas("other", 1))
    with reader.watched("run") as first, reader.watched("run") as second:
        assert (first.from_the_start, second.from_the_start) == (True, False)
        assert await first.following(0, patience=5) == list(deltas("run", 2))
        assert await second.following(0, patience=0.01) == []
    await background.close()


async def test_a_gap_sends_a_watcher_to_the_record() -> None:
    live = LiveEvents()
    for event in deltas("run", 2, first=4):
        live.put(event)
    assert await live.following(1, patience=5) == []
    assert [event.number for event in await live.following(3, patience=5)] == [4, 5]


async def test_a_watcher_that_falls_behind_reads_the_record() -> None:
    live = LiveEvents()
    for event in deltas("run", 2500):
        live.put(event)
    assert await live.following(0, patience=5) == []


async def test_nothing_for_long_sends_a_watcher_to_the_record() -> None:
    assert await LiveEvents().following(0, patience=0.01) == []


async def test_events_come_as_they_were_told(redis: Redis) -> None:
    end = numbered("run", [Finished(reason="stop", usage=Usage(prompt_tokens=1, completion_tokens=2))])
    await EventPublisher(redis).publish(end)
    assert await redis.xlen(STREAM) == 1


async def test_a_worker_lives_as_long_as_it_tells_so(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "HEARD_FOR", 0.2)
    board = WorkerBoard(redis)
    worker = LiveWorker(id="w", seen_at=datetime.now(UTC), serves=("m",), free_memory=5)
    await announce(redis, Announcement(worker=worker))
    await board.look()
    assert board.workers() == (worker,)
    board.expect("w", "m", ())
    assert board.workers()[0].load == 1
    assert not board.trusted
    await asyncio.sleep(0.3)
    await board.look()
    assert board.workers() == ()
    assert board.trusted
    await announce(redis, Announcement(worker=worker))
    await withdraw(redis, "w")
    await board.look()
    assert board.workers() == ()


async def test_waiting_runs_are_counted_until_they_begin(redis: Redis) -> None:
    waiting = WaitingRuns(redis)
    assert [await waiting.add(f"run {number}", "m") for number in range(3)] == [1, 2, 3]
    await waiting.add("elsewhere", "n")
    await waiting.remove("run 1", "m")
    assert await waiting.count("m") == 2


async def test_what_waits_for_a_worker_that_is_gone_goes_to_its_models(redis: Redis) -> None:
    messages = [json.encode({"headers": {"model": "m"}, "n": number}) for number in range(3)]
    for message in messages:
        await redis.lpush(worker_queue("w"), message)
    urgent = json.encode({"headers": {"model": "n"}})
    await redis.lpush(worker_queue("w") + "\x06\x163", urgent)
    assert await pass_on(redis, "w") == 4
    assert await redis.lrange(model_queue("m"), 0, -1) == messages[::-1]
    assert await redis.lrange(model_queue("n") + "\x06\x163", 0, -1) == [urgent]
    assert await redis.exists(worker_queue("w")) == 0


async def test_vectors_and_refusals_come_back(redis: Redis) -> None:
    import numpy as np

    vectors = np.arange(6, dtype=np.float32).reshape(2, 3)
    await answer(redis, "reply", packed(vectors, 7))
    found, tokens = await awaited(redis, "reply")
    assert (found.tolist(), tokens) == (vectors.tolist(), 7)
    too_long = ContextOverflow(prompt_tokens=9, context_length=8, reserved=0, parameter="input")
    await answer(redis, "reply", refusal(too_long))
    with pytest.raises(InvalidRequest) as caught:
        await awaited(redis, "reply")
    assert (caught.value.code, caught.value.message) == (too_long.code, too_long.message)


async def test_workers_hear_who_is_to_stop(redis: Redis) -> None:
    heard: list[str] = []

    def stop(run_ids: Sequence[str]) -> None:
        heard.extend(run_ids)

    listening = asyncio.create_task(listen_for_stops(redis, stop))
    while not heard:
        await ask_workers_to_stop(redis, "run")
        await asyncio.sleep(0.01)
    listening.cancel()
    await asyncio.wait([listening])
    assert set(heard) == {"run"}


class NothingToSend:
    """A dispatcher that has no run in hand."""

    unserved: ClassVar[dict[str, Any]] = {}

    async def send_unsent(self) -> None:
        """There is nothing."""

    async def send(self, runs: Sequence[RunRecord]) -> None:
        """There is nothing."""


async def test_nobody_is_taken_for_gone_until_redis_was_back_for_long_enough(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "HEARD_FOR", 0.1)
    board, nothing = WorkerBoard(redis), NothingToSend()
    watchdog = Watchdog(redis, InMemoryRuns(), board, cast("Any", nothing), cast("Any", None), wait=60)
    await redis.zadd(WORKERS, {"w": 1.0})
    await board.look()
    await watchdog.look()
    assert await redis.zscore(WORKERS, "w") == 1.0
    await asyncio.sleep(0.2)
    await watchdog.look()
    assert await redis.zscore(WORKERS, "w") is None


class NotedConnection:
    """Says how long it was asked to wait between attempts."""

    def ensure_connection(self, errback: object, retries: object, *, callback: object, **waits: float) -> Any:
        """At once."""
        self.waits = waits
        return self


def test_a_worker_looks_for_redis_every_few_seconds_however_long_it_was_away() -> None:
    from celery.worker import WorkController  # type: ignore[import-untyped]

    worker = WorkController(working_app("redis://127.0.0.1:1/0", 1), pool_cls="threads", hostname="w@test")
    connection = NotedConnection()
    worker.consumer.ensure_connected(connection)
    assert connection.waits["interval_max"] <= 3
