"""What is asked of a state store. Each write is one transaction, which the end of the process cannot undo.

Times go in with a zone and come out in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from jackfield.contracts.budgets import BudgetRecords, Reservation, Spending
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.contracts.models import InstalledModel
from jackfield.contracts.runs import Conversation, RunRecord, RunState, StoredMessage
from jackfield.contracts.uploads import BlobStore, UploadRecords
from jackfield.events import RunEvent, Usage
from jackfield.messages import Message


class ModelRecords(Protocol):
    """Installed models by name."""

    async def put(self, model: InstalledModel) -> None:
        """Add a model, or replace the one of that name."""
        ...

    async def get(self, name: str) -> InstalledModel | None: ...

    async def all(self) -> tuple[InstalledModel, ...]:
        """In the order of their names."""
        ...

    async def remove(self, name: str) -> bool:
        """Whether there was one."""
        ...


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How a run stands once its last event is on record, and what it spent where something was reserved for it."""

    state: RunState
    finished_at: datetime
    usage: Usage | None = None
    error: str | None = None
    spent: Spending = Spending()


class RunRecords(Protocol):
    """Runs and their numbered events.

    A run is leased to one worker at a time. A worker that lost its lease adds no event any more: `append` with
    `worker` raises RunElsewhere then.
    """

    async def add(self, run: RunRecord, reservation: Reservation | None = None) -> None:
        """Put a run on record, with what is set aside for it, in one transaction.

        Raises NameTaken for an identifier that is on record, BudgetExceeded where a budget has no room.
        """
        ...

    async def get(self, run_id: str) -> RunRecord | None: ...

    async def recent(
        self,
        *,
        limit: int = 50,
        state: RunState | None = None,
        user_id: str | None = None,
        before: str | None = None,
    ) -> tuple[RunRecord, ...]:
        """Newest first; only those of one state or one user, or older than the run `before`, where these are given."""
        ...

    async def append(
        self, run_id: str, events: Sequence[RunEvent], *, worker: str | None = None, end: RunEnd | None = None
    ) -> None:
        """Add events in one transaction, and with an `end` also how the run stands and what its reservation came to.

        A number that exists already is a NameTaken error, one that leaves a gap a Conflict, an unknown run a
        RunNotFound, a run that `worker` does not hold a RunElsewhere; they add none.
        """
        ...

    async def append_all(self, batches: Sequence[tuple[str, Sequence[RunEvent]]], *, worker: str) -> tuple[str, ...]:
        """Add events of several runs in one transaction; the runs whose events were not added.

        Those are the runs that the worker does not hold, or whose events do not follow on those on record.
        """
        ...

    async def claim(self, run_id: str, worker: str, *, until: datetime) -> RunRecord | None:
        """Lease a queued run, or one whose lease has run out, and mark it running; None where another has it."""
        ...

    async def renew(self, worker: str, run_ids: Sequence[str], *, until: datetime) -> tuple[str, ...]:
        """Prolong leases; the runs that the worker still holds."""
        ...

    async def release(self, worker: str, run_ids: Sequence[str]) -> None:
        """Give running runs back: they are queued again, for any worker to claim at once."""
        ...

    async def offer(self, run_ids: Sequence[str], *, until: datetime) -> tuple[str, ...]:
        """Mark queued runs, and running ones whose lease has run out, as offered to workers until a time.

        Gives those that this call marked, and they are queued: of several who offer at once one gets each.
        """
        ...

    async def adrift(self, *, at: datetime, limit: int = 500) -> tuple[RunRecord, ...]:
        """Queued and running runs whose offer or lease has run out, or who never had one; oldest first."""
        ...

    async def ask_to_stop(self, run_id: str) -> None:
        """Note that somebody wants a run cancelled, for the worker that holds it; raises RunNotFound."""
        ...

    async def asked_to_stop(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        """Those of some runs that are to be cancelled."""
        ...

    async def events(self, run_id: str, *, after: int = 0) -> tuple[RunEvent, ...]:
        """Events with a greater number, in order."""
        ...

    async def set_state(
        self,
        run_id: str,
        state: RunState,
        *,
        finished_at: datetime | None = None,
        usage: Usage | None = None,
        error: str | None = None,
    ) -> None:
        """Replace how a run stands, all four together; a run that ends without a time ends now. Raises RunNotFound."""
        ...

    async def unfinished(self) -> tuple[RunRecord, ...]:
        """Runs still marked queued or running, oldest first."""
        ...

    async def unfinished_counts(self) -> dict[RunState, int]:
        """How many runs are queued, running and paused; a state that none is in may be missing."""
        ...

    async def prune(self, *, before: datetime) -> int:
        """Delete runs that ended before a time, with their events; how many."""
        ...


class ConversationRecords(Protocol):
    """Conversations and their messages."""

    async def add(self, title: str, *, model: str | None = None) -> Conversation: ...

    async def get(self, conversation_id: str) -> Conversation | None: ...

    async def recent(self, *, limit: int = 50) -> tuple[Conversation, ...]:
        """Last touched first."""
        ...

    async def rename(self, conversation_id: str, title: str) -> None:
        """Raises ConversationNotFound."""
        ...

    async def remove(self, conversation_id: str) -> bool:
        """Delete a conversation with its messages; whether there was one."""
        ...

    async def append(self, conversation_id: str, message: Message, *, run_id: str | None = None) -> StoredMessage:
        """Add a message under the next number, however many append at once; raises ConversationNotFound."""
        ...

    async def messages(self, conversation_id: str) -> tuple[StoredMessage, ...]:
        """In order; raises ConversationNotFound."""
        ...


class StateStore(Protocol):
    """Everything that outlives a process, behind one connection pool. Usable from one event loop."""

    @property
    def models(self) -> ModelRecords: ...

    @property
    def runs(self) -> RunRecords: ...

    @property
    def conversations(self) -> ConversationRecords: ...

    @property
    def identity(self) -> IdentityRecords: ...

    @property
    def budgets(self) -> BudgetRecords: ...

    @property
    def uploads(self) -> UploadRecords: ...

    async def check(self) -> None:
        """Raises StateUnavailable unless the store can be read and written now."""
        ...

    async def close(self) -> None: ...


class StateStoreFactory(Protocol):
    """Opens state stores of one family of database addresses."""

    def claims(self, url: str) -> bool: ...

    async def open(self, url: str) -> StateStore:
        """Connect to a database that is up to date; raises StateUnavailable."""
        ...


class Migrator(Protocol):
    """Brings a database's tables up to date. Blocking; an interrupted upgrade leaves the old tables."""

    def claims(self, url: str) -> bool: ...

    def upgrade(self, url: str) -> tuple[str, ...]:
        """Apply what is missing and give the names of what was applied; raises StateUnavailable."""
        ...

    def current(self, url: str) -> str | None:
        """The revision a database is at, None when it has no tables yet."""
        ...

    def newest(self) -> str:
        """The revision this code expects."""
        ...


class ArchiveContents(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: the revision of its tables, their rows, and blobs; and blobs that could not be read."""

    revision: str
    made_at: datetime
    rows: dict[str, int]
    blobs: int = 0
    missing_blobs: tuple[str, ...] = ()


class Archivist(Protocol):
    """Writes a whole database and the bytes of uploads and files to one file, and brings all back to any database.

    Blocking, and not to be called from a thread with an event loop. Whatever fails leaves the file, and the database,
    as they were.
    """

    def claims(self, url: str) -> bool: ...

    def backup(self, url: str, blobs: BlobStore, archive: Path) -> ArchiveContents:
        """Write one state of everything; raises NameTaken where the file exists, StateUnavailable or DiskFull."""
        ...

    def restore(
        self, archive: Path, url: str, blobs: BlobStore, *, replace: bool = False, force: bool = False
    ) -> ArchiveContents:
        """Bring everything back in one transaction, and the tables up to date.

        Raises InvalidRequest for a file that is no whole archive or of a newer Jackfield, Conflict where the database
        holds something that is not to be replaced or, unless `force`, runs that a worker executes now,
        StateUnavailable.
        """
        ...


def sqlite_url(folder: Path) -> str:
    """The address of the database that a data folder holds."""
    path = str(folder / "jackfield.db").replace("%", "%25").replace("?", "%3F")
    return f"sqlite+aiosqlite:///{path}"
