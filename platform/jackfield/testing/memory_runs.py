"""Runs in memory, with their events and leases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from jackfield.contracts.budgets import Reservation
from jackfield.contracts.records import RunEnd
from jackfield.contracts.runs import RunRecord, RunState
from jackfield.errors import Conflict, NameTaken, RunElsewhere, RunNotFound
from jackfield.events import RunEvent, Usage
from jackfield.testing.memory_budgets import InMemoryBudgets

UNFINISHED = ("queued", "running")
ENDED = ("finished", "failed", "cancelled")


class InMemoryRuns:
    """Runs and their events, with the budgets that they draw on."""

    def __init__(self) -> None:
        self.budgets = InMemoryBudgets(self.__contains__)
        self._runs: dict[str, RunRecord] = {}
        self._events: dict[str, list[RunEvent]] = {}
        self._asked_to_stop: set[str] = set()

    async def add(self, run: RunRecord, reservation: Reservation | None = None) -> None:
        """Raises NameTaken or BudgetExceeded."""
        if run.id in self._runs:
            raise NameTaken(f"There is a run '{run.id}' already.")
        if reservation is not None:
            await self.budgets.reserve(reservation)
        self._runs[run.id] = replace(
            run,
            created_at=run.created_at.astimezone(UTC),
            finished_at=_end(run.state, run.finished_at),
            leased_until=run.leased_until and run.leased_until.astimezone(UTC),
        )
        self._events[run.id] = []

    async def get(self, run_id: str) -> RunRecord | None:
        """By identifier."""
        return self._runs.get(run_id)

    async def recent(
        self,
        *,
        limit: int = 50,
        state: RunState | None = None,
        user_id: str | None = None,
        before: str | None = None,
    ) -> tuple[RunRecord, ...]:
        """Newest first."""
        shown = [run for run in self._runs.values() if state in (None, run.state)]
        if user_id is not None:
            shown = [run for run in shown if run.account and run.account.user_id == user_id]
        if before is not None:
            last = self._runs.get(before)
            shown = [run for run in shown if last and _place(run) < _place(last)]
        return tuple(sorted(shown, key=_place, reverse=True)[:limit])

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, worker: str | None = None, end: RunEnd | None = None
    ) -> None:
        """All of them, or none and RunElsewhere, NameTaken or Conflict."""
        run = self._known(run_id)
        if worker not in (None, run.worker):
            raise RunElsewhere(f"Worker '{worker}' does not hold run '{run_id}' any more; another goes on with it.")
        self._check_follow(run_id, events)
        self._events[run_id].extend(events)
        if end is not None:
            finished_at = end.finished_at.astimezone(UTC) if end.state in ENDED else None
            self._runs[run_id] = replace(
                run, state=end.state, finished_at=finished_at, usage=end.usage, error=end.error, leased_until=None
            )
            await self.budgets.settle(run_id, end.spent)

    async def append_all(self, batches: Sequence[tuple[str, Sequence[RunEvent]]], *, worker: str) -> tuple[str, ...]:
        """The runs whose events were not added."""
        refused: dict[str, None] = {}
        for run_id, events in batches:
            try:
                if events and run_id not in refused:
                    await self.append(run_id, events, worker=worker)
            except (RunNotFound, Conflict):
                refused[run_id] = None
        return tuple(refused)

    async def claim(self, run_id: str, worker: str, *, until: datetime) -> RunRecord | None:
        """The run, where it was free."""
        run = self._runs.get(run_id)
        if run is None or not (run.state == "queued" or (run.state == "running" and _run_out(run, datetime.now(UTC)))):
            return None
        claimed = replace(run, state="running", worker=worker, leased_until=until.astimezone(UTC))
        self._runs[run_id] = claimed
        return claimed

    async def renew(self, worker: str, run_ids: Sequence[str], *, until: datetime) -> tuple[str, ...]:
        """The runs that the worker still holds."""
        held = self._held(worker, run_ids)
        self._change(held, leased_until=until.astimezone(UTC))
        return held

    async def release(self, worker: str, run_ids: Sequence[str]) -> None:
        """Queued again."""
        self._change(self._held(worker, run_ids), state="queued", worker=None, leased_until=None)

    async def offer(self, run_ids: Sequence[str], *, until: datetime) -> tuple[str, ...]:
        """Those that nobody held."""
        now = datetime.now(UTC)
        free = self._chosen(run_ids, lambda run: run.state in UNFINISHED and _run_out(run, now))
        self._change(free, state="queued", worker=None, leased_until=until.astimezone(UTC))
        return free

    async def adrift(self, *, at: datetime, limit: int = 500) -> tuple[RunRecord, ...]:
        """Oldest first."""
        return tuple([run for run in await self.unfinished() if _run_out(run, at)][:limit])

    async def ask_to_stop(self, run_id: str) -> None:
        """Raises RunNotFound."""
        self._asked_to_stop.add(self._known(run_id).id)

    async def asked_to_stop(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        """Those that have not ended."""
        return self._chosen(run_ids, lambda run: run.id in self._asked_to_stop and run.state not in ENDED)

    async def events(self, run_id: str, *, after: int = 0) -> tuple[RunEvent, ...]:
        """In order."""
        return tuple(event for event in self._events.get(run_id, ()) if event.number > after)

    async def set_state(
        self,
        run_id: str,
        state: RunState,
        *,
        finished_at: datetime | None = None,
        usage: Usage | None = None,
        error: str | None = None,
    ) -> None:
        """Raises RunNotFound."""
        run = self._known(run_id)
        if state != "running":
            run = replace(run, worker=None, leased_until=None)
        self._runs[run_id] = replace(run, state=state, finished_at=_end(state, finished_at), usage=usage, error=error)

    async def unfinished(self) -> tuple[RunRecord, ...]:
        """Oldest first."""
        return tuple(sorted((run for run in self._runs.values() if run.state in UNFINISHED), key=_place))

    async def unfinished_counts(self) -> dict[RunState, int]:
        """By state."""
        return dict(Counter(run.state for run in self._runs.values() if run.state not in ENDED))

    async def prune(self, *, before: datetime) -> int:
        """How many had ended before a time, and are gone."""
        ended = [run.id for run in self._runs.values() if run.finished_at and run.finished_at < before]
        for run_id in ended:
            del self._runs[run_id], self._events[run_id]
            self._asked_to_stop.discard(run_id)
        return len(ended)

    def __contains__(self, run_id: object) -> bool:
        return run_id in self._runs

    def _check_follow(self, run_id: str, events: Sequence[RunEvent]) -> None:
        for expected, event in enumerate(events, start=len(self._events[run_id]) + 1):
            if event.number < expected:
                raise NameTaken(f"Run '{run_id}' has an event {event.number} already.")
            if event.number > expected:
                raise Conflict(f"Run '{run_id}' cannot take event {event.number}: event {expected} is missing.")

    def _held(self, worker: str, run_ids: Sequence[str]) -> tuple[str, ...]:
        return self._chosen(run_ids, lambda run: run.worker == worker and run.state == "running")

    def _chosen(self, run_ids: Sequence[str], wanted: Callable[[RunRecord], bool]) -> tuple[str, ...]:
        return tuple(sorted(run_id for run_id in set(run_ids) & self._runs.keys() if wanted(self._runs[run_id])))

    def _change(self, run_ids: Sequence[str], **changes: object) -> None:
        for run_id in run_ids:
            self._runs[run_id] = replace(self._runs[run_id], **changes)

    def _known(self, run_id: str) -> RunRecord:
        if run_id not in self._runs:
            raise RunNotFound(f"There is no run '{run_id}'.")
        return self._runs[run_id]


def _place(run: RunRecord) -> tuple[datetime, str]:
    return (run.created_at, run.id)


def _run_out(run: RunRecord, at: datetime) -> bool:
    return run.leased_until is None or run.leased_until < at


def _end(state: RunState, finished_at: datetime | None) -> datetime | None:
    if finished_at is None:
        return datetime.now(UTC) if state in ENDED else None
    return finished_at.astimezone(UTC)
