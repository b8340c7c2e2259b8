"""Memory in the database: units with their versions, found by meaning where there is a model for it, else by words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import structlog
from sqlalchemy import Connection, delete, func, insert, select, tuple_, update
from sqlalchemy.orm import aliased

from jackfield.contracts.files import Embedder
from jackfield.contracts.memory import Asker, Memory, MemoryKind, MemoryUnit, Recalled
from jackfield.contracts.records import StateStore
from jackfield.errors import InvalidRequest, JackfieldError, NotAllowed
from jackfield_storage.engine import Database
from jackfield_storage.memory.recalling import VectorCache, ranked
from jackfield_storage.memory.rows import (
    key_of,
    lasting,
    no_memory,
    row_values,
    unit_of,
    version_of,
    version_values,
    visible_to,
)
from jackfield_storage.state_store import SqlStateStore
from jackfield_storage.tables import MemoryRow, MemoryVectorRow, MemoryVersionRow

log = structlog.get_logger(__name__)

LONGEST: dict[MemoryKind, int] = {"fact": 8192, "activation": 1 << 20}
"""Characters of a unit."""
_LOCK = 0x6D656D
"""With two numbers, PostgreSQL's advisory locks are others than those with one."""


class SqlMemories:
    """Implements `jackfield.contracts.memory.MemoryFactory`."""

    def claims(self, state: StateStore) -> bool:
        return isinstance(state, SqlStateStore)

    def open(self, state: StateStore, embedder: Embedder) -> Memory:
        assert isinstance(state, SqlStateStore)
        return SqlMemory(state.database, embedder)


class SqlMemory:
    """Implements `jackfield.contracts.memory.Memory`."""

    def __init__(self, database: Database, embedder: Embedder) -> None:
        self._database = database
        self._embedder = embedder
        self._cache = VectorCache(database)

    async def remember(self, unit: MemoryUnit) -> MemoryUnit:
        text = unit.text.strip()
        if not text or len(text) > LONGEST[unit.kind]:
            raise InvalidRequest(f"A memory is a text of 1 to {LONGEST[unit.kind]} characters.", parameter="text")
        if "\0" in text:  # SQLite would keep it, and PostgreSQL could not, nor a backup bring it there
            raise InvalidRequest("A memory cannot have a NUL character; leave it out.", parameter="text")
        unit = msgspec.structs.replace(unit, text=text)
        model, vector = await self._vector(unit)
        return await self._database.commit(lambda connection: _kept(connection, unit, model, vector))

    async def recall(self, query: str, *, asker: Asker, limit: int = 5) -> tuple[Recalled, ...]:
        if not query.strip():
            return ()
        now = datetime.now(UTC)
        units = await self._visible(asker, now)
        similarities = await self._similarities(query, units)
        found = ranked(query, units, similarities, now)[:limit]
        if found:
            await self._count(tuple(recalled.unit.id for recalled in found), now)
        return found

    async def get(self, unit_id: str, *, asker: Asker) -> MemoryUnit:
        return unit_of(await self._row(unit_id, asker))

    async def versions(self, unit_id: str, *, asker: Asker) -> tuple[MemoryUnit, ...]:
        unit = unit_of(await self._row(unit_id, asker))
        chosen = select(MemoryVersionRow).where(MemoryVersionRow.memory_id == unit_id)
        rows = await self._database.rows(chosen.order_by(MemoryVersionRow.number))
        return tuple(version_of(unit, row) for row in rows)

    async def page(
        self, *, asker: Asker, kind: MemoryKind | None = None, limit: int = 100, before: str | None = None
    ) -> tuple[MemoryUnit, ...]:
        chosen = select(MemoryRow).where(visible_to(asker), lasting(datetime.now(UTC)))
        if kind is not None:
            chosen = chosen.where(MemoryRow.kind == kind)
        if before is not None:
            last = aliased(MemoryRow)
            place = select(last.changed_at, last.id).where(last.id == before).scalar_subquery()
            chosen = chosen.where(tuple_(MemoryRow.changed_at, MemoryRow.id) < place)
        rows = await self._database.rows(chosen.order_by(MemoryRow.changed_at.desc(), MemoryRow.id.desc()).limit(limit))
        return tuple(map(unit_of, rows))

    async def forget(self, unit_id: str, *, asker: Asker) -> None:
        row = await self._row(unit_id, asker)
        if row.owner_id != asker.id:
            raise NotAllowed(f"Memory '{unit_id}' belongs to somebody else; only they can forget it.")
        await self._removed(MemoryRow.id == unit_id)

    async def forget_all(self, *, asker: Asker) -> int:
        return await self._removed(MemoryRow.owner_id == asker.id)

    async def close(self) -> None:
        return None

    async def _removed(self, which: Any) -> int:
        return await self._database.changed(delete(MemoryRow).where(which).returning(MemoryRow.id))

    async def _row(self, unit_id: str, asker: Asker) -> MemoryRow:
        chosen = select(MemoryRow).where(MemoryRow.id == unit_id, visible_to(asker), lasting(datetime.now(UTC)))
        rows = await self._database.rows(chosen)
        if not rows:
            raise no_memory(unit_id)
        return rows[0]

    async def _visible(self, asker: Asker, now: datetime) -> tuple[MemoryUnit, ...]:
        chosen = select(MemoryRow).where(visible_to(asker), lasting(now), MemoryRow.kind == "fact")
        return tuple(map(unit_of, await self._database.rows(chosen)))

    async def _vector(self, unit: MemoryUnit) -> tuple[str | None, bytes | None]:
        """The unit's vector, where a model is there to make it; without one it is found by its words."""
        if unit.kind != "fact":
            return None, None
        try:
            model = await self._embedder.key()
            if model is None:
                return None, None
            (vector,) = await self._embedder.embed([unit.text])
        except JackfieldError as error:
            log.warning("a memory has no vector and is found by its words only", reason=str(error))
            return None, None
        return model, vector.astype("<f2").tobytes()

    async def _similarities(self, query: str, units: Sequence[MemoryUnit]) -> dict[str, float]:
        """Of the units that have a vector, how alike each is to a question."""
        try:
            model = await self._embedder.key()
            if model is None or not units:
                return {}
            vectors = await self._cache.vectors(model, units, self._embedder)
            (asked,) = await self._embedder.embed([query])
        except JackfieldError as error:
            log.warning("memories are recalled by their words only", reason=str(error))
            return {}
        return {unit_id: float(np.dot(vector, asked)) for unit_id, vector in vectors.items()}

    async def _count(self, unit_ids: Sequence[str], now: datetime) -> None:
        counted = update(MemoryRow).where(MemoryRow.id.in_(unit_ids))
        await self._database.changed(
            counted.values(recalled=MemoryRow.recalled + 1, recalled_at=now).returning(MemoryRow.id)
        )


def _kept(connection: Connection, unit: MemoryUnit, model: str | None, vector: bytes | None) -> MemoryUnit:
    """Write a unit, as a new version where it was there; the same words of the same owner are not kept twice.

    Whatever has expired goes for good.
    """
    _take_turn(connection, unit.owner_id)
    connection.execute(delete(MemoryRow).where(MemoryRow.expires_at <= datetime.now(UTC)))
    same = select(MemoryRow.__table__).where(MemoryRow.owner_id == unit.owner_id, MemoryRow.kind == unit.kind)
    known = connection.execute(same.where(MemoryRow.id == unit.id)).one_or_none()
    if known is None:
        twin = connection.execute(same.where(MemoryRow.key == key_of(unit.text), lasting(unit.changed_at))).first()
        if twin is not None:
            return _said_again(connection, twin, unit)
        connection.execute(insert(MemoryRow).values(**row_values(unit)))
    elif key_of(known.text) == key_of(unit.text):
        return _said_again(connection, known, unit)
    else:
        unit = msgspec.structs.replace(unit, version=known.version + 1, remembered_at=unit_of(known).remembered_at)
        connection.execute(update(MemoryRow).where(MemoryRow.id == unit.id).values(**row_values(unit)))
        connection.execute(delete(MemoryVectorRow).where(MemoryVectorRow.memory_id == unit.id))
    connection.execute(insert(MemoryVersionRow).values(**version_values(unit)))
    if model is not None:
        connection.execute(insert(MemoryVectorRow).values(memory_id=unit.id, model=model, vector=vector))
    return unit


def _said_again(connection: Connection, known: Any, unit: MemoryUnit) -> MemoryUnit:
    """What is known already, which now lasts until the later of both ends."""
    ends = (known.expires_at, unit.expires_at)
    until = None if None in ends else max(ends)
    if until != known.expires_at:
        connection.execute(update(MemoryRow).where(MemoryRow.id == known.id).values(expires_at=until))
    return msgspec.structs.replace(unit_of(known), expires_at=until)


def _take_turn(connection: Connection, owner_id: str) -> None:
    """Wait until no other transaction keeps a unit of this owner; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(owner_id))))
