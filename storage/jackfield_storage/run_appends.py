"""Adding events to runs, several runs in one transaction: what a server writes most."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, update

from jackfield.contracts.budgets import Spending
from jackfield.contracts.records import RunEnd
from jackfield.errors import Conflict, NameTaken
from jackfield.events import RunEvent
from jackfield_storage.compiled_once import Among, CompiledOnce
from jackfield_storage.run_rows import ENDED, check_batch, check_follows, elsewhere, event_values, no_run
from jackfield_storage.tables import RunEventRow, RunRow

LOCKING = CompiledOnce(
    select(RunRow.id, RunRow.worker).where(Among(RunRow.id, "ids")).order_by(RunRow.id).with_for_update(key_share=True)
)
LAST_NUMBERS = CompiledOnce(
    select(RunEventRow.run_id, func.max(RunEventRow.number).label("last"))
    .where(Among(RunEventRow.run_id, "ids"))
    .group_by(RunEventRow.run_id)
)
INSERTING = CompiledOnce(insert(RunEventRow))
ENDING = CompiledOnce(
    update(RunRow)
    .where(RunRow.id == bindparam("run_id"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "finished_at", "usage", "error")})
    .values(leased_until=None)
)
"""A run that ended or paused keeps its worker's name: a last append that is tried again is then known for one."""


class Append(msgspec.Struct, frozen=True):
    """Events for one run, by the worker that holds it where one is named, and how the run then stands."""

    run_id: str
    events: tuple[RunEvent, ...]
    worker: str | None = None
    end: RunEnd | None = None


def append(connection: Connection, appends: Sequence[Append]) -> list[tuple[str, Spending]]:
    """All of them, and what the runs spent that end; raises for the first that cannot be added.

    The transaction is to be given up then.
    """
    ids = {each.run_id for each in appends}
    workers = _locked(connection, ids)
    last = _last_numbers(connection, ids)
    for each in appends:
        if each.run_id not in workers:
            raise no_run(each.run_id)
        if each.worker not in (None, workers[each.run_id]):
            raise elsewhere(each.run_id, each.worker or "")
        if each.events:
            check_follows(each.run_id, each.events[0].number, last.get(each.run_id, 0))
            last[each.run_id] = each.events[-1].number
    INSERTING.run(connection, [event_values(event) for each in appends for event in each.events])
    ends = [(each.run_id, each.end) for each in appends if each.end]
    ENDING.run(connection, [_ending(run_id, end) for run_id, end in sorted(ends, key=_by_run)])
    return [(run_id, end.spent) for run_id, end in ends]


def append_held(
    connection: Connection, worker: str, batches: Sequence[tuple[str, Sequence[RunEvent]]]
) -> tuple[str, ...]:
    """What can be added for a worker; the runs whose events were not."""
    ids = {run_id for run_id, _ in batches}
    workers = _locked(connection, ids)
    last = _last_numbers(connection, ids)
    added: list[RunEvent] = []
    refused: dict[str, None] = {}
    for run_id, events in batches:
        if not events or run_id in refused:
            continue
        try:
            check_batch(run_id, events)
            check_follows(run_id, events[0].number, last.get(run_id, 0))
        except (Conflict, NameTaken):
            refused[run_id] = None
            continue
        if workers.get(run_id) != worker:
            refused[run_id] = None
            continue
        added.extend(events)
        last[run_id] = events[-1].number
    INSERTING.run(connection, [event_values(event) for event in added])
    return tuple(refused)


def _locked(connection: Connection, ids: Collection[str]) -> dict[str, str | None]:
    """The workers that hold runs; nobody else can claim these or add to them until the transaction ends."""
    return {row.id: row.worker for row in LOCKING.rows(connection, {"ids": list(ids)})}


def _last_numbers(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    """The numbers of runs' last events; asked for after locking, for before it others may still add."""
    return {row.run_id: row.last for row in LAST_NUMBERS.rows(connection, {"ids": list(ids)})}


def _by_run(ended: tuple[str, RunEnd]) -> str:
    return ended[0]


def _ending(run_id: str, end: RunEnd) -> dict[str, object]:
    return {
        "run_id": run_id,
        "new_state": end.state,
        "new_finished_at": end.finished_at if end.state in ENDED else None,
        "new_usage": end.usage,
        "new_error": end.error,
    }
