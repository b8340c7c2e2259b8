"""Where runs execute."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.records import StateStore
from jackfield.contracts.runs import RunRecord
from jackfield.contracts.workers import LiveWorker
from jackfield.events import RunEvent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from jackfield.runs.lifecycle import RunLifecycle
    from jackfield.settings import Settings


class Executor(Protocol):
    """Takes runs that are already on record and sees each to its final event."""

    @property
    def elsewhere(self) -> bool:
        """Whether runs execute in other processes, and so go on when this one ends."""
        ...

    async def check_room(self, model: str) -> None:
        """Raises Overloaded where too many runs of a model wait, before another is put on record."""
        ...

    def offered_until(self) -> datetime | None:
        """Until when a run that is put on record now counts as offered to workers; None where none is offered."""
        ...

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

    async def embed(self, model: InstalledModel, texts: Sequence[str]) -> tuple[NDArray[np.float32], int]:
        """Unit vectors, (n, dimensions), and the number of tokens read.

        Raises InvalidRequest, ContextOverflow, ModelError, or Unavailable where nobody can embed now.
        """
        ...

    def workers(self) -> tuple[LiveWorker, ...]:
        """Who executes runs now, as far as is known here."""
        ...

    async def check(self) -> None:
        """Raises BrokerUnavailable where what carries runs to their workers cannot be reached."""
        ...

    async def waiting(self, models: Sequence[str]) -> Mapping[str, int]:
        """How many runs of each of some models were sent and not begun; raises BrokerUnavailable."""
        ...

    async def close(self) -> None:
        """Take no more, and cancel what runs in this process; what others execute goes on."""
        ...


class ExecutorFactory(Protocol):
    """Makes an executor around the one lifecycle that all executors share, on the event loop that it will work on."""

    def __call__(self, lifecycle: RunLifecycle, store: StateStore, settings: Settings) -> Executor: ...
