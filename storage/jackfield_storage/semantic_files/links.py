"""Share links: who has a token reads one file, or a folder, as long as the link holds."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from jackfield.contracts.files import NEWEST, Actor, Link, Point
from jackfield.errors import FileNotThere, InvalidRequest, LinkNotFound, NameTaken
from jackfield.files.paths import checked_folder, checked_path
from jackfield.identifiers import new_identifier
from jackfield_storage.compiled_once import CompiledOnce
from jackfield_storage.engine import Database
from jackfield_storage.semantic_files.heads import any_below, collection_named, file_there, id_of
from jackfield_storage.semantic_files.reading import version_at
from jackfield_storage.semantic_files.rows import LINKS, link
from jackfield_storage.tables import FileLinkRow

_BY_HASH = CompiledOnce(LINKS.where(FileLinkRow.token_hash == bindparam("token_hash")))
_BY_ID = CompiledOnce(LINKS.where(FileLinkRow.id == bindparam("link_id")))
_COUNT = CompiledOnce(
    update(FileLinkRow).where(FileLinkRow.id == bindparam("link_id")).values(uses=FileLinkRow.uses + 1)
)


class SqlLinks:
    """Implements `jackfield.contracts.files.Links`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self,
        collection: str,
        path: str,
        token_hash: str,
        *,
        actor: Actor,
        folder: bool = False,
        version: int | None = None,
        expires_at: datetime | None = None,
    ) -> Link:
        if folder and version is not None:
            raise InvalidRequest(
                "A link to a folder shows the newest versions; leave the version out, or link one file.",
                parameter="version",
            )
        if expires_at is not None and expires_at <= datetime.now(UTC):
            raise InvalidRequest("A link cannot expire in the past; give a later time.", parameter="expires_at")
        row = {
            "id": new_identifier("link"),
            "token_hash": token_hash,
            "path": checked_folder(path, parameter="path") if folder else checked_path(path),
            "folder": folder,
            "version": version,
            "author_id": actor.id,
            "author_name": actor.name,
            "created_at": datetime.now(UTC),
            "expires_at": expires_at,
        }
        try:
            return await self._database.commit(partial(_added, collection_name=collection, row=row))
        except IntegrityError as error:
            raise NameTaken("There is a link with this token already; make another token.") from error

    async def find(self, token_hash: str) -> Link:
        return await self._database.commit(partial(_followed, token_hash=token_hash))

    async def all(self, collection: str) -> tuple[Link, ...]:
        def work(connection: Connection) -> tuple[Link, ...]:
            chosen = LINKS.where(FileLinkRow.collection_id == id_of(collection))
            links = tuple(map(link, connection.execute(chosen.order_by(FileLinkRow.id))))
            if not links:
                collection_named(connection, collection)
            return links

        return await self._database.look(work)

    async def revoke(self, link_id: str) -> Link:
        def work(connection: Connection) -> Link:
            found = _one(_BY_ID.rows(connection, {"link_id": link_id}), f"There is no link '{link_id}'.")
            if found.revoked_at is None:
                this = update(FileLinkRow).where(FileLinkRow.id == link_id)
                connection.execute(this.values(revoked_at=datetime.now(UTC)))
            return link(_BY_ID.rows(connection, {"link_id": link_id})[0])

        return await self._database.commit(work)


def _added(connection: Connection, collection_name: str, row: dict[str, Any]) -> Link:
    collection = collection_named(connection, collection_name)
    file_id = None
    if not row["folder"]:
        file = file_there(connection, collection, row["path"])
        version_at(connection, file, NEWEST if row["version"] is None else Point(number=row["version"]))
        file_id = file.id
    elif not any_below(connection, collection, row["path"]):
        raise FileNotThere(
            f"There is no file below '{row['path']}' in collection '{collection.name}'.", parameter="path"
        )
    connection.execute(
        insert(FileLinkRow).values(**row, collection_id=collection.id, file_id=file_id, revoked_at=None, uses=0)
    )
    return link(_BY_ID.rows(connection, {"link_id": row["id"]})[0])


def _followed(connection: Connection, token_hash: str) -> Link:
    """The link, counted once more; the sentence does not tell one that held from one that never was."""
    missing = "This link is not, or no longer, one that can be followed; ask for a new one."
    row = _one(_BY_HASH.rows(connection, {"token_hash": token_hash}), missing)
    over = row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= datetime.now(UTC))
    if over or (not row.folder and row.file_deleted_at is not None):
        raise LinkNotFound(missing)
    _COUNT.run(connection, [{"link_id": row.id}])
    return link(_BY_HASH.rows(connection, {"token_hash": token_hash})[0])


def _one(rows: list[Any], missing: str) -> Any:
    if not rows:
        raise LinkNotFound(missing)
    return rows[0]
