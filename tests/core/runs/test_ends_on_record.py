"""How a run's end is put on record where the store, the executor or the process fails at that very moment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from jackfield.contracts.records import RunEnd
from jackfield.contracts.runs import RunRequest
from jackfield.errors import ShuttingDown, StateUnavailable
from jackfield.events import Failed, Finished, Queued, RunEvent, Usage
from jackfield.identity.prices import Prices
from jackfield.runs.crash_recovery import orphans_ended
from jackfield.runs.journal import RunJournal
from jackfield.testing.contract_suites.records_made import NOON, a_run, numbered, words
from jackfield.testing.memory_runs import InMemoryRuns
from jackfield.testing.temporary_workbench import temporary_workbench

FINISHED = Finished(reason="stop", usage=Usage(prompt_tokens=3, completion_tokens=6))


class ForgetfulRuns(InMemoryRuns):
    """Runs whose end cannot be put on record the first time."""

    failures = 1

    async def append(self, run_id: str, events: Sequence[RunEvent], *, end: RunEnd | None = None, **by: Any) -> None:
        if end and self.failures:
            self.failures -= 1
            raise StateUnavailable("The database is locked.")
        await super().append(run_id, events, end=end, **by)


async def test_an_end_that_was_stored_is_the_only_one() -> None:
    records, run = ForgetfulRuns(), a_run()
    await records.add(run)
    journal = RunJournal(records, run, spent=Prices({}).spending)
    await journal.write(Queued(model="starter"))
    with pytest.raises(StateUnavailable):
        await journal.write(FINISHED)
    await journal.write(Failed(code="state_unavailable", message="The database is locked."))
    assert [event.body async for event in journal.follow(after=1)] == [FINISHED]
    assert [event.body for event in await records.events(run.id, after=1)] == [FINISHED]
    stored = await records.get(run.id)
    assert stored is not None
    assert (stored.state, stored.usage) == ("finished", FINISHED.usage)


async def test_a_run_that_no_executor_takes_is_on_record_as_failed(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        await workbench._executor.close()
        with pytest.raises(ShuttingDown):
            await workbench.start(RunRequest(model="", prompt="a"))
        [run] = await workbench.runs.recent()
        assert run.state == "failed"
        [end] = [event.body async for event in workbench.watch(run.id)]
        assert isinstance(end, Failed)
        assert end.code == ShuttingDown.code


async def test_a_dead_process_that_had_stored_the_end_finished_its_run(tmp_path: Path) -> None:
    records, ended, cut = InMemoryRuns(), a_run(state="running"), a_run(state="running")
    for run in (ended, cut):
        await records.add(run)
        await records.append(run.id, numbered(run.id, words(2)))
    await records.append(ended.id, numbered(ended.id, [FINISHED], first=3))
    async with orphans_ended(tmp_path, records, Prices({}).spending):
        assert await records.unfinished() == ()
    finished, interrupted = await records.get(ended.id), await records.get(cut.id)
    assert finished is not None
    assert (finished.state, finished.error, finished.usage) == ("finished", None, FINISHED.usage)
    assert finished.finished_at is not None
    assert finished.finished_at > NOON
    assert interrupted is not None
    assert interrupted.state == "failed"
    assert [event.number for event in await records.events(cut.id)] == [1, 2, 3]
