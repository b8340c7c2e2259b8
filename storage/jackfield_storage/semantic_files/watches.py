"""Watched folders, and their files as they were when they were last in step with a collection."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from blake3 import blake3
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield.contracts.files import CommonFile, Watch
from jackfield.errors import CollectionNotFound, WatchNotFound
from jackfield_storage.engine import Database
from jackfield_storage.tables import CollectionRow, WatchedFileRow, WatchRow

AT_A_TIME = 500
"""Rows of one statement; SQLite takes 32,766 values at once."""


class SqlWatches:
    """Implements `jackfield.contracts.files.Watches`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, collection: str, *, machine: str, folder: str, under: str, both_ways: bool) -> Watch:
        async def open_(session: AsyncSession) -> Watch:
            found = await session.scalar(select(CollectionRow.id).where(CollectionRow.name == collection))
            if found is None:
                raise CollectionNotFound(f"There is no collection '{collection}'.", parameter="collection")
            values = {
                "id": _identifier(found, machine, folder, under),
                "collection_id": found,
                "machine": machine,
                "folder": folder,
                "under": under,
                "both_ways": both_ways,
                "created_at": datetime.now(UTC),
            }
            new = self._database.insert(WatchRow).values(**values)
            this = new.on_conflict_do_update(index_elements=["id"], set_={"both_ways": both_ways})
            row = (await session.scalars(this.returning(WatchRow))).one()
            return _watch(row, collection)

        return await self._database.write(open_)

    async def all(self) -> tuple[Watch, ...]:
        chosen = (
            select(WatchRow, CollectionRow.name)
            .join(CollectionRow, CollectionRow.id == WatchRow.collection_id)
            .order_by(WatchRow.created_at, WatchRow.id)
        )

        async def fetch(session: AsyncSession) -> tuple[Watch, ...]:
            return tuple(_watch(row, name) for row, name in await session.execute(chosen))

        return await self._database.read(fetch)

    async def remove(self, watch_id: str) -> bool:
        this = delete(WatchRow).where(WatchRow.id == watch_id)
        return await self._database.changed(this.returning(WatchRow.id)) > 0

    async def files(self, watch_id: str) -> tuple[CommonFile, ...]:
        chosen = select(WatchedFileRow).where(WatchedFileRow.watch_id == watch_id).order_by(WatchedFileRow.path)
        return tuple(_common(row) for row in await self._database.rows(chosen))

    async def advance(self, watch_id: str, in_step: Sequence[CommonFile], gone: Sequence[str]) -> None:
        async def advance(session: AsyncSession) -> None:
            for start in range(0, len(gone), AT_A_TIME):
                paths = gone[start : start + AT_A_TIME]
                await session.execute(
                    delete(WatchedFileRow).where(WatchedFileRow.watch_id == watch_id, WatchedFileRow.path.in_(paths))
                )
            for start in range(0, len(in_step), AT_A_TIME):
                rows = [_values(watch_id, file) for file in in_step[start : start + AT_A_TIME]]
                new = self._database.insert(WatchedFileRow).values(rows)
                changed = {name: new.excluded[name] for name in rows[0] if name not in ("watch_id", "path")}
                await session.execute(new.on_conflict_do_update(index_elements=["watch_id", "path"], set_=changed))

        try:
            await self._database.write(advance)
        except IntegrityError as error:
            raise WatchNotFound(
                "The watch, or its collection, was removed meanwhile; nothing is kept in step any more."
            ) from error


def _identifier(*parts: str) -> str:
    """The same for the same folder, so that two who open it at once open one watch."""
    return f"watch_{blake3(repr(parts).encode()).hexdigest(length=12)}"


def _watch(row: WatchRow, collection: str) -> Watch:
    return Watch(
        id=row.id,
        collection=collection,
        machine=row.machine,
        folder=row.folder,
        under=row.under,
        both_ways=row.both_ways,
        created_at=row.created_at,
    )


def _common(row: WatchedFileRow) -> CommonFile:
    return CommonFile(**{name: getattr(row, name) for name in CommonFile.__struct_fields__})


def _values(watch_id: str, file: CommonFile) -> dict[str, Any]:
    return {"watch_id": watch_id, **{name: getattr(file, name) for name in CommonFile.__struct_fields__}}
