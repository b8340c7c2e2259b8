"""Conversations and their messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield.contracts.runs import Conversation, StoredMessage
from jackfield.errors import ConversationNotFound
from jackfield.identifiers import new_identifier
from jackfield.messages import Message
from jackfield_storage.engine import Database
from jackfield_storage.tables import ConversationRow, MessageRow


class SqlConversationRecords:
    """Implements `jackfield.contracts.records.ConversationRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, title: str, *, model: str | None = None) -> Conversation:
        now = datetime.now(UTC)
        row = ConversationRow(id=new_identifier("conv"), title=title, model=model, created_at=now, updated_at=now)

        async def insert_conversation(session: AsyncSession) -> None:
            session.add(row)

        await self._database.write(insert_conversation)
        return _conversation(row)

    async def get(self, conversation_id: str) -> Conversation | None:
        row = await self._database.row(ConversationRow, conversation_id)
        return None if row is None else _conversation(row)

    async def recent(self, *, limit: int = 50) -> tuple[Conversation, ...]:
        newest = select(ConversationRow).order_by(ConversationRow.updated_at.desc(), ConversationRow.id.desc())
        return tuple(_conversation(row) for row in await self._database.rows(newest.limit(limit)))

    async def rename(self, conversation_id: str, title: str) -> None:
        async def change_title(session: AsyncSession) -> None:
            row = await _touched(session, conversation_id)
            row.title = title

        await self._database.write(change_title)

    async def remove(self, conversation_id: str) -> bool:
        this = delete(ConversationRow).where(ConversationRow.id == conversation_id)
        return await self._database.changed(this.returning(ConversationRow.id)) > 0

    async def append(self, conversation_id: str, message: Message, *, run_id: str | None = None) -> StoredMessage:
        async def insert_message(session: AsyncSession) -> MessageRow:
            conversation = await _touched(session, conversation_id)
            row = MessageRow(
                id=new_identifier("msg"),
                conversation_id=conversation_id,
                number=await _last_number(session, conversation_id) + 1,
                message=message,
                created_at=conversation.updated_at,
                run_id=run_id,
            )
            session.add(row)
            return row

        return _stored_message(await self._database.write(insert_message))

    async def messages(self, conversation_id: str) -> tuple[StoredMessage, ...]:
        inside = select(MessageRow).where(MessageRow.conversation_id == conversation_id)

        async def fetch(session: AsyncSession) -> Sequence[MessageRow]:
            if await session.get(ConversationRow, conversation_id) is None:
                raise _no_conversation(conversation_id)
            return (await session.scalars(inside.order_by(MessageRow.number))).all()

        return tuple(_stored_message(row) for row in await self._database.read(fetch))


async def _last_number(session: AsyncSession, conversation_id: str) -> int:
    """The number of a conversation's last message, 0 before the first."""
    numbers = select(func.max(MessageRow.number)).where(MessageRow.conversation_id == conversation_id)
    return await session.scalar(numbers) or 0


async def _touched(session: AsyncSession, conversation_id: str) -> ConversationRow:
    """A conversation, marked as touched now; its row is locked until the transaction ends."""
    row = await session.get(ConversationRow, conversation_id, with_for_update=True)
    if row is None:
        raise _no_conversation(conversation_id)
    row.updated_at = max(datetime.now(UTC), row.updated_at)  # the clock may have been set back
    return row


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        id=row.id, title=row.title, model=row.model, created_at=row.created_at, updated_at=row.updated_at
    )


def _stored_message(row: MessageRow) -> StoredMessage:
    return StoredMessage(
        id=row.id,
        conversation_id=row.conversation_id,
        number=row.number,
        message=row.message,
        created_at=row.created_at,
        run_id=row.run_id,
    )


def _no_conversation(conversation_id: str) -> ConversationNotFound:
    return ConversationNotFound(f"There is no conversation '{conversation_id}'.")
