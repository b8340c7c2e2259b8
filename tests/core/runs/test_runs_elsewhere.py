"""Runs that another process executes, and runs that no process executes any more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jackfield.contracts.runs import RunRecord, RunRequest
from jackfield.errors import RunElsewhere
from jackfield.events import Cancelled, Failed, Queued, RunEvent
from jackfield.identity.prices import Prices
from jackfield.runs.crash_recovery import orphans_ended
from jackfield.testing.memory_store import InMemoryRuns
from jackfield.testing.temporary_workbench import temporary_workbench


def run_under_way() -> RunRecord:
    request = RunRequest(model="scripted", prompt="abc")
    return RunRecord(id="run_elsewhere", request=request, state="running", created_at=datetime.now(UTC))


def event(number: int, body: Queued | Cancelled) -> RunEvent:
    return RunEvent(run_id="run_elsewhere", number=number, at=datetime.now(UTC), body=body)


async def test_a_run_of_another_process_is_followed_to_its_end_and_not_stopped(tmp_path: Path) -> None:
    async with temporary_workbench(tmp_path) as workbench:
        await workbench.runs.add(run_under_way())
        await workbench.runs.append("run_elsewhere", [event(1, Queued(model="scripted"))])

        async def followed() -> list[RunEvent]:
            return [seen async for seen in workbench.watch("run_elsewhere")]

        following = asyncio.create_task(followed())
        await asyncio.sleep(0.05)
        with pytest.raises(RunElsewhere):
            await workbench.cancel("run_elsewhere")
        await workbench.runs.append("run_elsewhere", [event(2, Cancelled())])
        await workbench.runs.set_state("run_elsewhere", "cancelled")
        assert [seen.number for seen in await following] == [1, 2]


@pytest.mark.parametrize(("shared", "state"), [(False, "failed"), (True, "running")])
async def test_orphans_are_ended_only_where_no_other_host_can_have_them(
    tmp_path: Path, shared: bool, state: str
) -> None:
    runs = InMemoryRuns()
    await runs.add(run_under_way())
    async with orphans_ended(tmp_path, runs, Prices({}).spending, shared=shared):
        found = await runs.get("run_elsewhere")
        assert found
        assert found.state == state
        if state == "failed":
            last = (await runs.events("run_elsewhere"))[-1].body
            assert isinstance(last, Failed)
            assert last.code == "interrupted"
