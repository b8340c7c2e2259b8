"""Rows of runs and of their events, and the records they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Row

from jackfield.contracts.identity import Account
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import Conflict, InvalidRequest, NameTaken, RunElsewhere, RunNotFound
from jackfield.events import RunEvent
from jackfield_storage.tables import RunEventRow, RunRow

ENDED: tuple[RunState, ...] = ("finished", "failed", "cancelled")
UNFINISHED: tuple[RunState, ...] = ("queued", "running")


def run_values(run: RunRecord) -> dict[str, Any]:
    """A run's columns."""
    account = run.account
    return {
        "id": run.id,
        "request": run.request,
        "state": run.state,
        "created_at": run.created_at,
        "finished_at": end_time(run.state, run.finished_at),
        "usage": run.usage,
        "error": run.error,
        "user_id": account and account.user_id,
        "team_id": account and account.team_id,
        "key_id": account and account.key_id,
        "worker": run.worker,
        "leased_until": run.leased_until,
        "trace": run.trace,
        "stop_asked_at": None,
    }


def run_record(row: RunRow | Row[Any]) -> RunRecord:
    """A row as the run that it holds."""
    account = Account(user_id=row.user_id, team_id=row.team_id, key_id=row.key_id) if row.user_id else None
    return RunRecord(
        id=row.id,
        request=row.request,
        state=row.state,
        created_at=row.created_at,
        finished_at=row.finished_at,
        usage=row.usage,
        error=row.error,
        account=account,
        worker=row.worker,
        leased_until=row.leased_until,
        trace=row.trace,
    )


def event_values(event: RunEvent) -> dict[str, Any]:
    """An event's columns."""
    return {"run_id": event.run_id, "number": event.number, "at": event.at, "body": event.body}


def run_event(row: RunEventRow) -> RunEvent:
    """A row as the event that it holds."""
    return RunEvent(run_id=row.run_id, number=row.number, at=row.at, body=row.body)


def end_time(state: RunState, finished_at: datetime | None) -> datetime | None:
    """When a run ended: an ended run always has such a time, for runs are pruned by it."""
    return datetime.now(UTC) if finished_at is None and state in ENDED else finished_at


def check_batch(run_id: str, events: Sequence[RunEvent]) -> None:
    """Every event is this run's, and each follows the one before it."""
    for event in events:
        if event.run_id != run_id:
            raise InvalidRequest(f"Event {event.number} belongs to run '{event.run_id}', not to '{run_id}'.")
    for before, event in pairwise(events):
        check_follows(run_id, event.number, before.number)


def check_follows(run_id: str, number: int, last: int) -> None:
    """Raises NameTaken for a number that is there, Conflict for one that leaves a gap."""
    if number <= last:
        raise NameTaken(f"Run '{run_id}' has an event {number} already; its last is {last}.")
    if number > last + 1:
        raise Conflict(f"Run '{run_id}' cannot take event {number}: event {last + 1} is missing.")


def no_run(run_id: str) -> RunNotFound:
    """The error for a run that is not on record."""
    return RunNotFound(f"There is no run '{run_id}' (it may have been pruned, see runs.keep_days).")


def elsewhere(run_id: str, worker: str) -> RunElsewhere:
    """The error for a run that a worker holds no longer."""
    return RunElsewhere(f"Worker '{worker}' does not hold run '{run_id}' any more; another goes on with it.")
