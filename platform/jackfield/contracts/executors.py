"""Where runs execute."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Protocol

from jackfield.contracts.records import RunRecords
from jackfield.contracts.runs import RunRecord
from jackfield.events import RunEvent

if TYPE_CHECKING:
    from jackfield.runs.lifecycle import RunLifecycle


class Executor(Protocol):
    """Takes runs that are already on record and sees each to its final event."""

    async def submit(self, run: RunRecord, history: Sequence[RunEvent] = ()) -> None:
        """Begin a run, or go on with a paused one from its `history`, all its events on record.

        Raises ShuttingDown or Overloaded, and then the run was not begun; Conflict where it is under way.
        """
        ...

    def watch(self, run_id: str, *, after: int = 0) -> AsyncGenerator[RunEvent]:
        """Every event with a greater number, past and to come, until the final one; pauses are waited through.

        Raises RunNotFound.
        """
        ...

    async def cancel(self, run_id: str) -> bool:
        """Ask a run to stop; False when it had ended already. Raises RunNotFound."""
        ...

    async def close(self) -> None:
        """Cancel what runs, wait for it, and take no more."""
        ...


class ExecutorFactory(Protocol):
    """Makes an executor around the one lifecycle that all executors share."""

    def __call__(self, lifecycle: RunLifecycle, records: RunRecords) -> Executor: ...
