"""A state store in memory that keeps every promise of the contract but outliving its process."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.runs import Conversation, StoredMessage
from jackfield.errors import ConversationNotFound
from jackfield.identifiers import new_identifier
from jackfield.messages import Message
from jackfield.testing.memory_identity import InMemoryIdentity
from jackfield.testing.memory_runs import InMemoryRuns
from jackfield.testing.memory_uploads import InMemoryUploads


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
        self.budgets = self.runs.budgets
        self.identity = InMemoryIdentity()
        self.uploads = InMemoryUploads()
        self.conversations = InMemoryConversations()

    async def check(self) -> None:
        """Memory can always be read and written."""

    async def close(self) -> None:
        """Nothing to close; the records stay readable."""
