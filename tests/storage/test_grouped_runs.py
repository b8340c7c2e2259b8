"""A worker's runs over a real database whose answers get lost: each event is on record once, and told once."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jackfield.contracts.budgets import Spending
from jackfield.contracts.records import RunRecords, sqlite_url
from jackfield.contracts.runs import RunRecord
from jackfield.errors import StateUnavailable
from jackfield.events import (
    CallEnded,
    Finished,
    Queued,
    RunEvent,
    RunEventBody,
    Started,
    TextDelta,
    TokenChance,
    TokenScore,
    Usage,
)
from jackfield.messages import Call
from jackfield.runs import group_writer
from jackfield.runs.group_writer import GroupWriter
from jackfield.testing.contract_suites.records_made import a_run
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage.state_store import SqlStateStoreFactory

FINISHED = Finished(reason="stop", usage=Usage(prompt_tokens=3, completion_tokens=6))


class LosingAnswers:
    """Records that carry every other write out, and then say that they could not be reached."""

    def __init__(self, records: RunRecords) -> None:
        self._records = records
        self._calls = itertools.count()

    async def append_all(self, batches: Sequence[tuple[str, Sequence[RunEvent]]], *, worker: str) -> tuple[str, ...]:
        refused = await self._records.append_all(batches, worker=worker)
        self._lose()
        return refused

    async def append(self, run_id: str, events: Sequence[RunEvent], **how: Any) -> None:
        await self._records.append(run_id, events, **how)
        self._lose()

    async def events(self, run_id: str, *, after: int = 0) -> tuple[RunEvent, ...]:
        return await self._records.events(run_id, after=after)

    def _lose(self) -> None:
        if next(self._calls) % 2 == 0:
            raise StateUnavailable("The connection was lost.")


def bodies(number: int) -> list[RunEventBody]:
    score = TokenScore(chosen=TokenChance(piece=b"\xf0\x9f", logprob=math.log(0.1)))
    call = Call(identifier="c", tool="look", arguments={"x": 0.1 + 0.2, "y": [1, "é\x00🙂", None]})
    return [
        Queued(model="m"),
        Started(model="m", prompt_tokens=3),
        *(TextDelta(text=f"{number}é🙂 ", tokens=1, scores=(score,), ids=(number,)) for _ in range(6)),
        CallEnded(call=call, text="seen", seconds=1 / 3),
        TextDelta(text="more", tokens=1, ids=(7,)),
        FINISHED,
    ]


async def test_every_event_is_on_record_and_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_writer, "FIRST_PAUSE", 0.001)
    AlembicMigrator().upgrade(sqlite_url(tmp_path))
    store = await SqlStateStoreFactory().open(sqlite_url(tmp_path))
    told: list[RunEvent] = []

    async def publish(events: Sequence[RunEvent]) -> None:
        told.extend(events)

    async def answering(writer: GroupWriter, run: RunRecord, number: int) -> None:
        journal = writer.journal(run)
        for body in bodies(number):
            await journal.write(body)
            await asyncio.sleep(0.002 * (number % 2))

    try:
        runs = [a_run(state="queued") for _ in range(4)]
        until = datetime.now(UTC) + timedelta(minutes=1)
        for run in runs:
            await store.runs.add(run)
            await store.runs.claim(run.id, "w", until=until)
        losing: Any = LosingAnswers(store.runs)
        async with GroupWriter(losing, publish, worker="w", spent=lambda run, usage: Spending()) as writer:
            await asyncio.gather(*(answering(writer, run, number) for number, run in enumerate(runs)))
        for number, run in enumerate(runs):
            events = list(await store.runs.events(run.id))
            assert [event for event in told if event.run_id == run.id] == events
            assert [event.number for event in events] == list(range(1, len(events) + 1))
            text = "".join(event.body.text for event in events if isinstance(event.body, TextDelta))
            assert text == f"{number}é🙂 " * 6 + "more"
            stored = await store.runs.get(run.id)
            assert stored is not None
            assert stored.state == "finished"
    finally:
        await store.close()
