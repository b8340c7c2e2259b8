"""Files that clients uploaded."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from jackfield.contracts.uploads import BlobStore, Upload
from jackfield_storage.blob_uses import keep, remove_unused, uses
from jackfield_storage.engine import Database
from jackfield_storage.pages import page_of
from jackfield_storage.tables import UploadRow


class SqlUploadRecords:
    """Implements `jackfield.contracts.uploads.UploadRecords`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, upload: Upload) -> None:
        values = {name: getattr(upload, name) for name in Upload.__struct_fields__}

        def work(connection: Connection) -> None:
            keep(connection, (upload.digest,))
            connection.execute(insert(UploadRow).values(**values))

        await self._database.commit(work)

    async def get(self, upload_id: str) -> Upload | None:
        row = await self._database.row(UploadRow, upload_id)
        return None if row is None else _upload(row)

    async def remove(self, upload_id: str) -> Upload | None:
        this = delete(UploadRow).where(UploadRow.id == upload_id).returning(UploadRow)

        async def remove(session: AsyncSession) -> Upload | None:
            row = (await session.scalars(this)).one_or_none()
            return None if row is None else _upload(row)

        return await self._database.write(remove)

    async def page(
        self,
        *,
        owner_id: str | None = None,
        purpose: str | None = None,
        limit: int = 100,
        before: str | None = None,
        after: str | None = None,
    ) -> tuple[Upload, ...]:
        chosen = select(UploadRow)
        if owner_id is not None:
            chosen = chosen.where(UploadRow.owner_id == owner_id)
        if purpose is not None:
            chosen = chosen.where(UploadRow.purpose == purpose)
        page = page_of(chosen, UploadRow.id, limit=limit, before=before)
        if after is not None:
            page = chosen.where(UploadRow.id > after).order_by(UploadRow.id).limit(limit)
        return tuple(_upload(row) for row in await self._database.rows(page))

    async def uses(self, digest: str) -> int:
        (count,) = await self._database.rows(uses(digest))
        return count

    async def drop_unused(self, digest: str, blobs: BlobStore) -> bool:
        return bool(await remove_unused(self._database, [digest], blobs.remove))


def _upload(row: UploadRow) -> Upload:
    return Upload(**{name: getattr(row, name) for name in Upload.__struct_fields__})
