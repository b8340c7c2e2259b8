"""Lists cost the database the same few queries, however long they are; counted on SQLite, below everything of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import event
from sqlalchemy.engine import Engine

from jackfield.contracts.records import sqlite_url
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.keys import KeyWish
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage import plugin as storage
from jackfield_storage.state_store import SqlStateStoreFactory
from jackfield_web.app import create_app

MOST = 3
LISTS = ("/api/users", "/api/teams", "/api/invitations", "/api/keys", "/api/audit", "/api/runs", "/api/budgets")
FILES = "/api/files/collections/papers"
FILE_LISTS = (
    "/api/files/collections",
    f"{FILES}/files",
    f"{FILES}/changes",
    f"{FILES}/links",
)
SETTING = ("PRAGMA", "BEGIN", "COMMIT", "ROLLBACK")


@contextmanager
def queries_counted() -> Iterator[list[str]]:
    """Every statement that any engine executes in this block, but those that set the connection up."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(SETTING):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_a_list_takes_three_queries_at_most_with_the_key_that_asks(tmp_path: Path) -> None:
    AlembicMigrator().upgrade(sqlite_url(tmp_path))
    store = await SqlStateStoreFactory().open(sqlite_url(tmp_path))
    identity = {"enabled": True, "password_memory_mb": 1}
    plugins = (("storage", storage),)
    async with temporary_workbench(tmp_path / "home", store=store, plugins=plugins, identity=identity) as workbench:
        desk = workbench.identity
        assert desk is not None
        for number in range(8):
            user = await desk.users.add(
                COMMAND_LINE, email=f"{number}@example.org", name="x", role="admin", password=None
            )
            await desk.teams.add(COMMAND_LINE, f"team {number}")
            await desk.invitations.make(COMMAND_LINE, email=f"guest{number}@example.org", role="member")
            key = await desk.keys.make(COMMAND_LINE, user, KeyWish(name="x", scopes=("admin",)))
        library = workbench.library()
        for number in range(8):
            await library.add(f"collection {number}".replace(" ", "-"))
        await library.add("papers")
        papers = await library.opened("papers", "write")
        for number in range(8):
            await papers.write(f"{number}.md", _once(b"text"))
            await papers.link(f"{number}.md")
        app = create_app(lambda: nullcontext(workbench))
        app.state.workbench = workbench
        transport: Any = httpx.ASGITransport(app)  # type: ignore[arg-type]
        headers = {"authorization": f"Bearer {key.secret}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
            for path in (*LISTS, *FILE_LISTS):
                desk._recognition.forget()
                with queries_counted() as seen:
                    answer = await client.get(path)
                assert answer.status_code == 200, (path, answer.text)
                assert len(seen) <= MOST, (path, seen)
                if path in LISTS[:5]:
                    assert len(answer.json()) >= 8
                if path in FILE_LISTS:
                    assert len(answer.json()["data"]) >= 8


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
