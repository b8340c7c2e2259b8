"""A client of semantic files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import httpx
import pytest

from jackfield.contracts.identity import Role, Scope, User
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.keys import KeyWish
from jackfield.workbench import Workbench

MAIN = "/api/files/collections/main"


class FilesClient:
    """Asks about the files of one collection."""

    def __init__(self, client: httpx.AsyncClient, collection: str = MAIN) -> None:
        self.client = client
        self.at = collection

    async def write(self, path: str, content: bytes | str, **headers: str) -> httpx.Response:
        """A new version."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = content.encode() if isinstance(content, str) else content
        return await self.client.put(f"{self.at}/content", params={"path": path}, content=content, headers=named)

    async def read(self, path: str, **params: Any) -> httpx.Response:
        """A version's bytes."""
        return await self.client.get(f"{self.at}/content", params={"path": path, **params})

    async def get(self, what: str, **params: Any) -> httpx.Response:
        """Anything else that is told."""
        return await self.client.get(f"{self.at}/{what}", params=params)

    async def post(self, what: str, **body: Any) -> httpx.Response:
        """Anything else that is done."""
        return await self.client.post(f"{self.at}/{what}", json=body)


@pytest.fixture
def files(library_served: Any) -> FilesClient:
    """The default collection, on this machine."""
    return FilesClient(library_served.client)


@pytest.fixture
def files_of() -> Callable[..., FilesClient]:
    """The files that a client sees."""
    return FilesClient


class LibraryTeam:
    """A server that asks who one is, its users by their roles, and clients with keys of theirs."""

    def __init__(self, workbench: Workbench, app: Any, stack: AsyncExitStack) -> None:
        assert workbench.identity is not None
        self.workbench = workbench
        self.identity = workbench.identity
        self.users: dict[str, User] = {}
        self._app = app
        self._stack = stack

    async def add(self, name: str, role: Role, team: str | None = None) -> None:
        """A user."""
        team_id = (await self.identity.teams.add(COMMAND_LINE, team)).id if team else None
        self.users[name] = await self.identity.users.add(
            COMMAND_LINE, email=f"{name}@example.org", name=name, role=role, password=None, team_id=team_id
        )

    async def client(self, name: str | None, *scopes: Scope) -> httpx.AsyncClient:
        """Whoever has a key of a user's, or none."""
        headers = {}
        if name:
            wish = KeyWish(name="test", scopes=scopes or ("inference", "read", "admin"))
            key = await self.identity.keys.make(COMMAND_LINE, self.users[name], wish)
            headers["x-api-key"] = key.secret
        transport = httpx.ASGITransport(self._app, client=("203.0.113.9", 4242))
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)
        return await self._stack.enter_async_context(client)

    async def files(self, name: str, collection: str, *scopes: Scope) -> FilesClient:
        """A collection as somebody sees it."""
        return FilesClient(await self.client(name, *scopes), f"/api/files/collections/{collection}")


@pytest.fixture
async def library_team(library_workbench: Any, shared_app: Any) -> AsyncIterator[LibraryTeam]:
    """An admin, two members of whom one has a team, and a viewer."""
    identity = {"enabled": True, "password_memory_mb": 1}
    async with library_workbench(identity=identity) as workbench, AsyncExitStack() as stack:
        with shared_app.over(workbench) as shared:
            team = LibraryTeam(workbench, shared.app, stack)
            for name, role, of in (
                ("ada", "admin", None),
                ("bo", "member", None),
                ("cy", "member", "blue"),
                ("vi", "viewer", None),
            ):
                await team.add(name, cast("Role", role), of)
            yield team
