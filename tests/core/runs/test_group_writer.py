"""What a worker puts on record for all its runs, with a store that fails, lies or gives runs to others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.budgets import Reservation, Spending
from jackfield.contracts.identity import Holder
from jackfield.contracts.runs import RunRecord
from jackfield.errors import RunElsewhere, ShuttingDown, StateUnavailable
from jackfield.events import (
    Failed,
    Finished,
    Noted,
    Paused,
    Queued,
    Resumed,
    RunEvent,
    RunEventBody,
    Started,
    TextDelta,
    Usage,
)
from jackfield.runs import group_writer
from jackfield.runs.durable_journal import MOST_WAITING, DurableJournal
from jackfield.runs.group_writer import GroupWriter
from jackfield.testing.contract_suites.records_made import a_run
from jackfield.testing.memory_runs import InMemoryRuns

WORKER = "worker-1"
FINISHED = Finished(reason="stop", usage=Usage(prompt_tokens=3, completion_tokens=6))
BEGINNING: tuple[RunEventBody, ...] = (Queued(model="m"), Started(model="m", prompt_tokens=3))


def text(word: str) -> TextDelta:
    return TextDelta(text=word, tokens=len(word), ids=tuple(word.encode()))


class AilingRuns(InMemoryRuns):
    """Runs whose next writes fail: "before" they are carried out, or "after", when nobody learns that they were."""

    def __init__(self, *faults: str) -> None:
        super().__init__()
        self.faults = list(faults)
        self.transactions = 0
        self.open = asyncio.Event()
        self.open.set()

    async def append(self, run_id: str, events: Sequence[RunEvent], **how: Any) -> None:
        with_fault = self._fault()
        await super().append(run_id, events, **how)
        if with_fault:
            raise StateUnavailable("The connection was lost.")

    async def append_all(self, batches: Sequence[tuple[str, Sequence[RunEvent]]], *, worker: str) -> tuple[str, ...]:
        await self.open.wait()
        self.transactions += 1
        with_fault = self._fault()
        refused: list[str] = []
        for run_id, events in batches:
            try:
                await super().append(run_id, events, worker=worker)
            except Exception:  # noqa: BLE001
                refused.append(run_id)
        if with_fault:
            raise StateUnavailable("The connection was lost.")
        return tuple(refused)

    def _fault(self) -> bool:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            raise StateUnavailable("There is no connection.")
        return fault == "after"


class Told:
    """What was told live, and whether it was on record then."""

    def __init__(self, records: InMemoryRuns) -> None:
        self._records = records
        self.events: list[RunEvent] = []

    async def __call__(self, events: Sequence[RunEvent]) -> None:
        for event in events:
            assert event in await self._records.events(event.run_id)
        self.events += events

    def of(self, run: RunRecord) -> list[RunEvent]:
        return [event for event in self.events if event.run_id == run.id]


def spent(run: RunRecord, usage: Usage | None) -> Spending:
    return Spending(tokens=usage.total_tokens if usage else 0, money=7)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_writer, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(group_writer, "PACE", 0.001)


@asynccontextmanager
async def writing(records: InMemoryRuns, *, patience: float = 20.0) -> AsyncIterator[tuple[GroupWriter, Told]]:
    told = Told(records)
    async with GroupWriter(records, told, worker=WORKER, spent=spent, patience=patience) as writer:
        yield writer, told


async def held_run(records: InMemoryRuns, worker: str = WORKER) -> RunRecord:
    run = a_run(state="queued")
    await records.add(run)
    claimed = await records.claim(run.id, worker, until=datetime.now(UTC) + timedelta(minutes=1))
    assert claimed is not None
    return claimed


async def written(journal: DurableJournal, *bodies: RunEventBody) -> None:
    for body in bodies:
        await journal.write(body)


def joined(events: Sequence[RunEvent]) -> tuple[str, int, tuple[int, ...]]:
    deltas = [event.body for event in events if isinstance(event.body, TextDelta)]
    ids = tuple(token for delta in deltas for token in delta.ids)
    return "".join(delta.text for delta in deltas), sum(delta.tokens for delta in deltas), ids


async def test_a_run_is_on_record_before_it_is_told_and_ends_as_it_came_to() -> None:
    records = AilingRuns()
    run = await held_run(records)
    async with writing(records) as (writer, told):
        journal = writer.journal(run)
        await written(journal, *BEGINNING, text("one "), text("two"), FINISHED)
        assert journal.ended
    events = list(await records.events(run.id))
    assert told.events == events
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert joined(events) == ("one two", 7, tuple(b"one two"))
    stored = await records.get(run.id)
    assert stored is not None
    assert (stored.state, stored.usage) == ("finished", FINISHED.usage)


async def test_the_last_event_settles_what_was_set_aside() -> None:
    records = InMemoryRuns()
    run = a_run(state="queued")
    holder = Holder(kind="user", id="u")
    now = datetime.now(UTC)
    await records.add(run, Reservation(id=run.id, holders=(holder,), amount=Spending(tokens=500), at=now))
    await records.claim(run.id, WORKER, until=now + timedelta(minutes=1))
    async with writing(records) as (writer, _):
        journal = writer.journal(run)
        await written(journal, *BEGINNING, text("one "), Failed(code="x", message="It broke."))
    day = now.strftime("%Y-%m-%d")
    [use] = await records.budgets.use([holder], [day])
    assert (use.spent, use.reserved) == (Spending(tokens=3 + 4, money=7), Spending())


async def test_runs_share_transactions_and_text_that_waits_is_one_event() -> None:
    records = AilingRuns()
    runs = [await held_run(records) for _ in range(5)]
    async with writing(records) as (writer, told):
        journals = [writer.journal(run) for run in runs]
        records.open.clear()
        for word in ("a", "b", "c", "d"):
            for journal in journals:
                await written(journal, text(word))
            await asyncio.sleep(0.005)
        records.open.set()
        for journal in journals:
            await journal.settle()
        assert records.transactions == 2
        for run in runs:
            assert [event.body for event in await records.events(run.id)] == [text("a"), text("bcd")]
        await asyncio.gather(*(journal.write(FINISHED) for journal in journals))
    assert len(told.events) == 5 * 3


async def test_what_something_follows_from_is_on_record_when_write_returns() -> None:
    records = AilingRuns()
    run = await held_run(records)
    async with writing(records) as (writer, _):
        journal = writer.journal(run)
        await written(journal, *BEGINNING, text("one"), Noted(text="noted"))
        assert [type(event.body) for event in await records.events(run.id)][-1] is Noted


async def test_a_run_that_pauses_is_marked_so_and_goes_on_later_under_the_next_number() -> None:
    records = InMemoryRuns()
    run = await held_run(records)
    async with writing(records) as (writer, _):
        await written(writer.journal(run), *BEGINNING, Paused(reason="approval"))
        stored = await records.get(run.id)
        assert stored is not None
        assert stored.state == "paused"
        await records.set_state(run.id, "queued")
        again = await records.claim(run.id, WORKER, until=datetime.now(UTC) + timedelta(minutes=1))
        assert again is not None
        await written(writer.journal(again, await records.events(run.id)), Resumed(), FINISHED)
    assert [event.number for event in await records.events(run.id)] == [1, 2, 3, 4, 5]


@given(faults=st.lists(st.sampled_from(["before", "after", ""]), max_size=12), words=st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_whatever_fails_for_a_while_nothing_is_lost_or_told_twice(faults: list[str], words: int) -> None:
    asyncio.run(_nothing_is_lost(faults, words))


async def _nothing_is_lost(faults: list[str], words: int) -> None:
    records = AilingRuns()
    runs = [await held_run(records) for _ in range(3)]
    records.faults = faults
    async with writing(records) as (writer, told):

        async def answering(run: RunRecord) -> None:
            journal = writer.journal(run)
            await written(journal, *BEGINNING)
            for number in range(words):
                await journal.write(text(f"{number} "))
                await asyncio.sleep(0.001 * (number % 2))
            await journal.write(FINISHED)

        await asyncio.gather(*map(answering, runs))
    for run in runs:
        events = list(await records.events(run.id))
        assert told.of(run) == events
        assert joined(events)[0] == "".join(f"{number} " for number in range(words))
        assert events[-1].body == FINISHED


async def test_a_store_that_stays_away_ends_patience_and_nothing_is_told() -> None:
    records = AilingRuns()
    run = await held_run(records)
    records.faults = ["before"] * 10_000
    async with writing(records, patience=0.05) as (writer, told):
        journal = writer.journal(run)
        await journal.write(text("lost"))
        with pytest.raises(StateUnavailable, match="away"):
            await journal.settle()
        with pytest.raises(StateUnavailable):
            await journal.write(FINISHED)
        ending = writer.journal(run)
        with pytest.raises(StateUnavailable):
            await ending.write(FINISHED)
    assert told.events == []


async def test_who_writes_faster_than_the_store_takes_it_waits() -> None:
    records = AilingRuns()
    run = await held_run(records)
    records.open.clear()
    async with writing(records) as (writer, _):
        journal = writer.journal(run)
        given: list[int] = []

        async def answering() -> None:
            for number in range(4 * MOST_WAITING):
                await journal.write(text("x"))
                given.append(number)

        task = asyncio.create_task(answering())
        await asyncio.sleep(0.05)
        assert len(given) <= 2 * MOST_WAITING
        records.open.set()
        await task
        await journal.settle()
    assert joined(await records.events(run.id))[1] == 4 * MOST_WAITING


async def test_a_run_that_another_worker_has_is_left_and_others_go_on() -> None:
    records = AilingRuns()
    lost, kept = await held_run(records), await held_run(records)
    async with writing(records) as (writer, told):
        journals = [writer.journal(run) for run in (lost, kept)]
        for journal in journals:
            await written(journal, *BEGINNING)
            await journal.settle()
        await records.release(WORKER, [lost.id])
        await records.claim(lost.id, "worker-2", until=datetime.now(UTC) + timedelta(minutes=1))
        for journal in journals:
            await written(journal, text("more"))
        with pytest.raises(RunElsewhere):
            await journals[0].settle()
        with pytest.raises(RunElsewhere):
            await journals[0].write(text("and more"))
        await written(journals[1], FINISHED)
        late = writer.journal(lost, await records.events(lost.id))
        with pytest.raises(RunElsewhere):
            await late.write(FINISHED)
    assert len(await records.events(lost.id)) == len(told.of(lost)) == 2
    assert told.of(kept)[-1].body == FINISHED


async def test_what_was_stored_unknown_to_us_stands_while_the_successor_goes_on_from_it() -> None:
    records = AilingRuns()
    run = await held_run(records)
    async with writing(records) as (writer, told):
        journal = writer.journal(run)
        await written(journal, *BEGINNING)
        await journal.settle()
        records.faults = ["after"]
        await journal.write(text("stored"))
        while not await records.events(run.id, after=2):
            await asyncio.sleep(0)
        await records.release(WORKER, [run.id])
        await records.claim(run.id, "worker-2", until=datetime.now(UTC) + timedelta(minutes=1))
        history = await records.events(run.id)
        resumed = RunEvent(run_id=run.id, number=len(history) + 1, at=datetime.now(UTC), body=Resumed())
        await records.append(run.id, [resumed], worker="worker-2")
        with pytest.raises(RunElsewhere):
            await journal.settle()
    assert [event.body for event in told.events] == list(BEGINNING)


async def test_a_writer_that_closes_lets_nobody_wait() -> None:
    records = AilingRuns()
    run = await held_run(records)
    records.open.clear()
    async with writing(records) as (writer, _):
        journal = writer.journal(run)
        await journal.write(text("x"))
        settling = asyncio.create_task(journal.settle())
        await asyncio.sleep(0.01)
    with pytest.raises(ShuttingDown):
        await settling
