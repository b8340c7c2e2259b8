"""Ending or pausing the runs of a process that died, without touching those of one that lives.

Every process that executes runs inline holds a shared lock on one file of the data folder. Whoever can have that
lock alone knows that no other process lives, and that every run still marked as unfinished is an orphan.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog

from jackfield.contracts.records import RunRecords
from jackfield.contracts.runs import RunRecord
from jackfield.errors import Conflict, RunInterrupted, StateUnavailable
from jackfield.events import Failed, Paused, RunEvent
from jackfield.runs.agent_work import resumable
from jackfield.runs.journal import Spent, run_end
from jackfield.runs.resumption import ENDED_TOO_EARLY

log = structlog.get_logger()

INTERRUPTED_WORK = Paused(reason="interrupted")
INTERRUPTED = Failed(code=RunInterrupted.code, message=ENDED_TOO_EARLY)


@asynccontextmanager
async def orphans_ended(
    folder: Path, records: RunRecords, spent: Spent, *, shared: bool = False
) -> AsyncIterator[None]:
    """Hold the folder's lock while runs execute; first end what a dead process left behind, and settle it.

    A lock in a folder says nothing of other hosts: with a database that is `shared`, nothing is ended.
    """
    if shared or os.name != "posix":
        yield
        return
    import fcntl

    path = folder / "executors.lock"
    try:
        file = path.open("ab")
    except OSError as error:
        raise StateUnavailable(f"The data folder {folder} cannot be written: {error.strerror}.") from error
    with file:
        if await asyncio.to_thread(_alone, file.fileno()):
            await _end_orphans(records, spent)
        await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_SH)
        yield


@contextmanager
def no_executors(folder: Path) -> Iterator[None]:
    """Keep runs from being executed on a data folder; raises Conflict where a process does so now."""
    path = folder / "executors.lock"
    if os.name != "posix":
        yield
        return
    try:
        file = path.open("ab")
    except OSError as error:
        raise StateUnavailable(f"The data folder {folder} cannot be written: {error.strerror}.") from error
    with file:
        if not _alone(file.fileno()):
            raise Conflict(
                f"Another Jackfield process uses the data folder {folder}, such as `jackfield serve` or a chat; end it "
                "and restore then, or say --force to restore all the same."
            )
        yield


def _alone(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _end_orphans(records: RunRecords, spent: Spent) -> None:
    for run in await records.unfinished():
        await _end_orphan(run, records, spent)


async def _end_orphan(run: RunRecord, records: RunRecords, spent: Spent) -> None:
    """Put on record how a run ended; one that can be taken up again is paused instead."""
    events = await records.events(run.id)
    last = events[-1] if events and (events[-1].final or isinstance(events[-1].body, Paused)) else None
    fresh: list[RunEvent] = []
    if last is None:
        body = INTERRUPTED_WORK if resumable(run.request, events) else INTERRUPTED
        last = RunEvent(run_id=run.id, number=len(events) + 1, at=datetime.now(UTC), body=body)
        fresh.append(last)
        log.warning("a dead process left a run behind", run=run.id, now=body.__struct_config__.tag)
    await records.append(run.id, fresh, end=run_end(run, [*events, *fresh], spent) if last.final else None)
    if not last.final:
        await records.set_state(run.id, "paused")
