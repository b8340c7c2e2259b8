"""The audit log: who did what to whom, and from where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from jackfield.contracts.identity import AuditEntry, Principal
from jackfield.contracts.identity_records import AuditRecords
from jackfield.identifiers import new_identifier


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something, as the audit log names them: a user's identifier, or where no user is at hand, a word.

    `key_id` is the key they did it with.
    """

    id: str
    address: str = ""
    key_id: str | None = None

    @classmethod
    def of(cls, principal: Principal, address: str) -> Actor:
        """Somebody who was recognised."""
        return cls(id=principal.account.user_id, address=address, key_id=principal.account.key_id)


COMMAND_LINE = Actor(id="command line")


class AuditLog:
    """Notes administrative acts, after they were done. What is noted holds no secrets."""

    def __init__(self, records: AuditRecords) -> None:
        self._records = records

    async def note(self, actor: Actor, action: str, target: str, **detail: Any) -> None:
        """Add an entry; the action is a noun and a verb, such as `user.remove`."""
        told = {name: value for name, value in detail.items() if value is not None}
        if actor.key_id:
            told["by_key"] = actor.key_id
        await self._records.add(
            AuditEntry(
                id=new_identifier("audit"),
                at=datetime.now(UTC),
                actor=actor.id,
                action=action,
                target=target,
                detail=told,
                address=actor.address,
            )
        )

    async def page(
        self, *, actor: str | None = None, action: str | None = None, limit: int = 50, before: str | None = None
    ) -> tuple[AuditEntry, ...]:
        """The newest entries first; only an actor's, and those whose action begins so, where they are given."""
        return await self._records.page(actor=actor, action=action, limit=limit, before=before)
