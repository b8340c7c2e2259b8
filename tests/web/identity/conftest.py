"""The app with identity switched on, an admin, a member and a viewer, and whoever asks as one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from jackfield.contracts.identity import Role, Scope, User
from jackfield.identity.audit import Actor
from jackfield.identity.desk import Identity
from jackfield.identity.keys import USUAL_SCOPES, KeyWish, NewKey
from jackfield.testing.temporary_workbench import temporary_workbench
from jackfield.workbench import Workbench

PASSWORD = "correct horse battery"
FAR_AWAY = "203.0.113.9"
TESTER = Actor(id="tester")
ROLES: tuple[Role, ...] = ("admin", "member", "viewer")


class Team:
    """A workbench with one user of each role, and clients of its app."""

    def __init__(self, workbench: Workbench, app: Any) -> None:
        assert workbench.identity is not None
        self.workbench = workbench
        self.identity: Identity = workbench.identity
        self.users: dict[Role, User] = {}
        self._app = app

    async def add_users(self) -> None:
        """One of each role."""
        for role in ROLES:
            self.users[role] = await self.identity.users.add(
                TESTER, email=f"{role}@example.org", name=role, role=role, password=PASSWORD
            )

    def client(self, *, address: str = FAR_AWAY, **headers: str) -> httpx.AsyncClient:
        """Whoever has no cookie and no key, unless the headers have one; from another machine."""
        transport = httpx.ASGITransport(self._app, client=(address, 4242))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=named)

    async def signed_in(self, role: Role) -> httpx.AsyncClient:
        """A browser of a user's, whose pages send the CSRF header."""
        return self.browser(await self.identity.sign_in.begin(self.users[role]))

    def browser(self, signed_in: Any, **headers: str) -> httpx.AsyncClient:
        """A browser with a session's cookie."""
        client = self.client(**{"x_csrf_token": signed_in.session.csrf, **headers})
        client.cookies.set("jackfield_session", signed_in.token)
        return client

    async def key(self, role: Role, *scopes: Scope, seconds: float | None = None, **wishes: Any) -> NewKey:
        """A key of a user's."""
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None
        wish = KeyWish(name="test", scopes=scopes or USUAL_SCOPES, expires_at=expires_at, **wishes)
        return await self.identity.keys.make(TESTER, self.users[role], wish)

    async def with_key(self, role: Role, *scopes: Scope, **wishes: Any) -> httpx.AsyncClient:
        """A program that has a key of a user's."""
        return self.client(authorization=f"Bearer {(await self.key(role, *scopes, **wishes)).secret}")


Teaming = Callable[..., AbstractAsyncContextManager[Team]]


@pytest.fixture
def teaming(tmp_path: Path, shared_app: Any) -> Teaming:
    """`async with teaming(**identity_settings) as team`, which has no user yet."""

    @asynccontextmanager
    async def running(**identity: Any) -> AsyncIterator[Team]:
        chosen = {"enabled": True, "password_memory_mb": 1, "setup_token": "first come", **identity}
        async with temporary_workbench(tmp_path / "home", identity=chosen) as workbench:
            with shared_app.over(workbench) as shared:
                yield Team(workbench, shared.app)

    return running


@pytest.fixture
async def team(teaming: Teaming) -> AsyncIterator[Team]:
    """One user of each role, and a model that repeats what it is told."""
    async with teaming() as team:
        await team.add_users()
        yield team
