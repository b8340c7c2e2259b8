"""Who a key belongs to, how long that is taken for granted, and what another process changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from jackfield.contracts.identity import ApiKey, Principal
from jackfield.contracts.identity_records import IdentityRecords
from jackfield.errors import ModelNotFound, NotAllowed, NotAuthenticated
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.desk import Identity
from jackfield.identity.keys import KeyWish, NewKey
from jackfield.identity.recognition import KEPT_SECONDS, Recognition
from jackfield.identity.roles import RIGHTS, may, require, require_model
from jackfield.settings import IdentitySettings
from jackfield.testing.memory_store import InMemoryStateStore


class Hand:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def records() -> IdentityRecords:
    """Nobody yet."""
    return InMemoryStateStore().identity


@pytest.fixture
def desk(records: IdentityRecords, tmp_path: Path) -> Identity:
    """The process in which things are changed."""
    return Identity(records, IdentitySettings(enabled=True, password_memory_mb=1), tmp_path)


async def made(desk: Identity, **wishes: object) -> NewKey:
    user = await desk.users.add(COMMAND_LINE, email="ada@example.org", name="Ada", role="member", password=None)
    return await desk.keys.make(COMMAND_LINE, user, KeyWish(name="x", **wishes))  # type: ignore[arg-type]


async def test_another_processs_change_is_seen_within_two_seconds(records: IdentityRecords, desk: Identity) -> None:
    clock = Hand()
    elsewhere = Recognition(records, clock=clock)
    key = await made(desk, models=("small",), requests_per_minute=5)
    principal = await elsewhere.key(key.secret)
    assert (principal.models, principal.requests_per_minute) == (("small",), 5)
    assert principal.client == key.key.id
    await desk.keys.revoke(COMMAND_LINE, key.key.id)
    assert await elsewhere.key(key.secret) == principal
    clock.now += KEPT_SECONDS
    with pytest.raises(NotAuthenticated):
        await elsewhere.key(key.secret)
    with pytest.raises(NotAuthenticated):
        await desk.principal_of_key(key.secret)


async def test_the_last_use_is_noted_once_a_minute(records: IdentityRecords, desk: Identity) -> None:
    clock = Hand()
    recognition = Recognition(records, clock=clock)
    key = await made(desk)

    async def last_used() -> datetime | None:
        stored = await records.keys.get(key.key.id)
        assert stored is not None
        return stored.last_used_at

    await recognition.key(key.secret)
    first = await last_used()
    assert first is not None
    for _ in range(3):
        clock.now += 19
        await recognition.key(key.secret)
    assert await last_used() == first
    clock.now += 19
    await recognition.key(key.secret)
    assert (await last_used() or first) > first


async def test_a_key_that_expires_while_it_is_taken_for_granted_is_refused(
    records: IdentityRecords, desk: Identity
) -> None:
    recognition = Recognition(records, clock=Hand())
    key = await made(desk)
    stored = await records.keys.get(key.key.id)
    assert isinstance(stored, ApiKey)
    await records.keys.change(msgspec.structs.replace(stored, expires_at=datetime.now(UTC)))
    with pytest.raises(NotAuthenticated):
        await recognition.key(key.secret)


async def test_a_key_never_does_more_than_its_owner_and_says_what_it_takes(desk: Identity) -> None:
    key = await made(desk, scopes=("inference", "read", "admin"))
    principal = await desk.principal_of_key(key.secret)
    assert {right for right in RIGHTS if not may(principal, right)} == {"manage", "metrics"}
    with pytest.raises(NotAllowed, match=r"ada@example\.org .*takes the role admin"):
        require(principal, "manage")
    narrow: Principal = msgspec.structs.replace(principal, models=("small",))
    require_model(narrow, "small")
    require_model(principal, "large")
    with pytest.raises(ModelNotFound, match="small"):
        require_model(narrow, "large")
