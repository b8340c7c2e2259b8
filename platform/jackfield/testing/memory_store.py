"""A state store in memory that keeps every promise of the contract but outliving its process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.runs import Conversation, RunRecord, RunState, StoredMessage
from jackfield.errors import Conflict, ConversationNotFound, NameTaken, RunNotFound
from jackfield.events import RunEvent, Usage
from jackfield.identifiers import new_identifier
from jackfield.messages import Message

UNFINISHED = ("queued", "running")
ENDED = ("finished", "failed", "cancelled")


class InMemoryModels:
    """Installed models by name."""

    def __init__(self) -> None:
        self._models: dict[str, InstalledModel] = {}

    async def put(self, model: InstalledModel) -> None:
        """Add or replace."""
        self._models[model.name] = model

    async def get(self, name: str) -> InstalledModel | None:
        """By name."""
        return self._models.get(name)

    async def all(self) -> tuple[InstalledModel, ...]:
        """By name, in order."""
        return tuple(self._models[name] for name in sorted(self._models))

    async def remove(self, name: str) -> bool:
        """Whether there was one."""
        return self._models.pop(name, None) is not None


class InMemoryRuns:
    """Runs and their events."""

    def __init__(self) -> None:
        self._runs: dict[str, RunRecord] = {}
        self._events: dict[str, list[RunEvent]] = {}

    async def add(self, run: RunRecord) -> None:
        """Raises NameTaken."""
        if run.id in self._runs:
            raise NameTaken(f"There is a run '{run.id}' already.")
        self._runs[run.id] = msgspec.structs.replace(
            run, created_at=run.created_at.astimezone(UTC), finished_at=_end(run.state, run.finished_at)
        )
        self._events[run.id] = []

    async def get(self, run_id: str) -> RunRecord | None:
        """By identifier."""
        return self._runs.get(run_id)

    async def recent(self, *, limit: int = 50, state: RunState | None = None) -> tuple[RunRecord, ...]:
        """Newest first."""
        shown = [run for run in self._runs.values() if state in (None, run.state)]
        newest_first = sorted(shown, key=lambda run: (run.created_at, run.id), reverse=True)
        return tuple(newest_first[:limit])

    async def append(self, run_id: str, events: Sequence[RunEvent]) -> None:
        """All of them, or none and NameTaken or Conflict."""
        stored = self._events[self._known(run_id).id]
        for expected, event in enumerate(events, start=len(stored) + 1):
            if event.number < expected:
                raise NameTaken(f"Run '{run_id}' has an event {event.number} already.")
            if event.number > expected:
                raise Conflict(f"Run '{run_id}' cannot take event {event.number}: event {expected} is missing.")
        stored.extend(events)

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
        self._runs[run_id] = msgspec.structs.replace(
            run, state=state, finished_at=_end(state, finished_at), usage=usage, error=error
        )

    async def unfinished(self) -> tuple[RunRecord, ...]:
        """Oldest first."""
        waiting = [run for run in self._runs.values() if run.state in UNFINISHED]
        return tuple(sorted(waiting, key=lambda run: (run.created_at, run.id)))

    async def prune(self, *, before: datetime) -> int:
        """How many had ended before a time, and are gone."""
        ended = [run.id for run in self._runs.values() if run.finished_at and run.finished_at < before]
        for run_id in ended:
            del self._runs[run_id], self._events[run_id]
        return len(ended)

    def _known(self, run_id: str) -> RunRecord:
        if run_id not in self._runs:
            raise RunNotFound(f"There is no run '{run_id}'.")
        return self._runs[run_id]


def _end(state: RunState, finished_at: datetime | None) -> datetime | None:
    if finished_at is None:
        return datetime.now(UTC) if state in ENDED else None
    return finished_at.astimezone(UTC)


class InMemoryConversations:
    """Conversations and their messages."""

    def __init__(self) -> None:
        self._conversations: dict[str, Conversation] = {}
        self._messages: dict[str, list[StoredMessage]] = {}

    async def add(self, title: str, *, model: str | None = None) -> Conversation:
        """A new one, without messages."""
        now = datetime.now(UTC)
        conversation = Conversation(id=new_identifier("conv"), title=title, model=model, created_at=now, updated_at=now)
        self._conversations[conversation.id] = conversation
        self._messages[conversation.id] = []
        return conversation

    async def get(self, conversation_id: str) -> Conversation | None:
        """By identifier."""
        return self._conversations.get(conversation_id)

    async def recent(self, *, limit: int = 50) -> tuple[Conversation, ...]:
        """Last touched first."""
        ordered = sorted(self._conversations.values(), key=lambda each: (each.updated_at, each.id), reverse=True)
        return tuple(ordered[:limit])

    async def rename(self, conversation_id: str, title: str) -> None:
        """Raises ConversationNotFound."""
        self._touch(conversation_id, title=title)

    async def remove(self, conversation_id: str) -> bool:
        """Whether there was one."""
        self._messages.pop(conversation_id, None)
        return self._conversations.pop(conversation_id, None) is not None

    async def append(self, conversation_id: str, message: Message, *, run_id: str | None = None) -> StoredMessage:
        """Raises ConversationNotFound."""
        conversation = self._touch(conversation_id)
        stored = StoredMessage(
            id=new_identifier("msg"),
            conversation_id=conversation_id,
            number=len(self._messages[conversation_id]) + 1,
            message=message,
            created_at=conversation.updated_at,
            run_id=run_id,
        )
        self._messages[conversation_id].append(stored)
        return stored

    async def messages(self, conversation_id: str) -> tuple[StoredMessage, ...]:
        """Raises ConversationNotFound."""
        return tuple(self._messages[self._known(conversation_id).id])

    def _touch(self, conversation_id: str, **changes: str) -> Conversation:
        touched = msgspec.structs.replace(self._known(conversation_id), updated_at=datetime.now(UTC), **changes)
        self._conversations[conversation_id] = touched
        return touched

    def _known(self, conversation_id: str) -> Conversation:
        if conversation_id not in self._conversations:
            raise ConversationNotFound(f"There is no conversation '{conversation_id}'.")
        return self._conversations[conversation_id]


class InMemoryStateStore:
    """A StateStore whose records live as long as it does."""

    def __init__(self) -> None:
        self.models = InMemoryModels()
        self.runs = InMemoryRuns()
        self.conversations = InMemoryConversations()

    async def check(self) -> None:
        """Memory can always be read and written."""

    async def close(self) -> None:
        """Nothing to close; the records stay readable."""
