"""Taking back all that one change did, in one transaction, as new versions."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from jackfield.contracts.files import Action, Written
from jackfield.errors import FileChanged, VersionNotFound
from jackfield_storage.semantic_files.contents import Preparations, content_again
from jackfield_storage.semantic_files.forgetting import batches
from jackfield_storage.semantic_files.heads import check_changeable, check_free, held_collection
from jackfield_storage.semantic_files.rows import file_row
from jackfield_storage.semantic_files.steps import Step
from jackfield_storage.semantic_files.versions import Next, add_version, version_row
from jackfield_storage.tables import FileRow, FileVersionRow


class Undone(msgspec.Struct, frozen=True):
    """A file that a change touched, and the version that it had before; None where the change made it."""

    file: Any
    before: Any | None


def undo(
    connection: Connection, prepared: Preparations, collection_name: str, change: str, step: Step, *, force: bool
) -> tuple[Written, ...]:
    """Every file of a change as it was before; raises FileChanged, VersionNotFound, FileLocked or NameTaken."""
    collection = held_collection(connection, collection_name)
    touched = _touched(connection, collection, change, force=force)
    for one in touched:
        check_changeable(one.file, step.actor)
    # Files that changed places: none is in another's way while all are moved back.
    _set_aside(connection, [one.file for one in touched])
    done: list[Written] = []
    for one in touched:
        after = _after(connection, prepared, one)
        if after.there:
            check_free(connection, collection, after.path, besides=one.file.id)
        done.append(add_version(connection, collection, one.file, after, step))
    return tuple(done)


def _touched(connection: Connection, collection: Any, change: str, *, force: bool) -> list[Undone]:
    rows = FileVersionRow
    spans = connection.execute(
        select(rows.file_id, func.min(rows.number).label("first"), func.max(rows.number).label("last"))
        .where(rows.change == change, rows.collection_id == collection.id)
        .group_by(rows.file_id)
        .order_by(rows.file_id)
    ).all()
    if not change or not spans:
        raise VersionNotFound(
            f"Nothing in collection '{collection.name}' was part of a change '{change}'.", parameter="change"
        )
    found: list[Undone] = []
    for span in spans:
        file = file_row(connection, span.file_id)
        if file.version != span.last and not force:
            raise FileChanged(
                f"'{file.path}' was changed since, in version {file.version} by {file.author_name}; "
                'nothing was taken back. Look at it; with --force (over HTTP "force": true) that goes too.',
                version=file.version,
            )
        found.append(Undone(file, version_row(connection, file.id, span.first - 1)))
    return [one for one in found if not _is_as_before(one)]


def _is_as_before(one: Undone) -> bool:
    file, before = one.file, one.before
    if before is None or before.action == "deleted":
        return file.deleted_at is not None
    return file.deleted_at is None and (file.path, file.digest) == (before.path, before.digest)


def _set_aside(connection: Connection, files: list[Any]) -> None:
    """Give files keys that no path has."""
    for ids in batches(file.id for file in files):
        connection.execute(update(FileRow).where(FileRow.id.in_(ids)).values(path_key="//" + FileRow.id))


def _after(connection: Connection, prepared: Preparations, one: Undone) -> Next:
    file, before = one.file, one.before
    if before is None or before.action == "deleted":
        path = file.path if before is None else before.path
        return Next(
            action="deleted",
            path=path,
            digest=file.digest,
            size=file.size,
            content_id=file.content_id,
            there=False,
        )
    restored = file.digest != before.digest
    action: Action = "undeleted" if file.deleted_at is not None else "restored" if restored else "renamed"
    return Next(
        action=action,
        path=before.path,
        digest=before.digest,
        size=before.size,
        content_id=content_again(connection, prepared, before, before.path),
        restored_from=before.number if restored else None,
    )
