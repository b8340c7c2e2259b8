"""The promises of identity records, for any implementation of `jackfield.contracts.identity_records`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.contracts.identity import ApiKey, AuditEntry, Invitation, Role, Scope, Session, Team, User
from jackfield.contracts.identity_records import ROLES
from jackfield.contracts.records import StateStore
from jackfield.errors import Conflict, KeyNotFound, NameTaken, TeamNotFound, UserNotFound
from jackfield.identifiers import new_identifier
from jackfield.testing.contract_suites.records_made import NOON
from jackfield.testing.contract_suites.store_fixtures import StateStoreFixtures, examples

scopes: st.SearchStrategy[Scope] = st.sampled_from(("inference", "read", "admin"))
rates = st.none() | st.integers(1, 2**31 - 1)


def a_user(email: str = "", *, role: Role = "member", team_id: str | None = None) -> User:
    """Somebody new."""
    identifier = new_identifier("user")
    return User(
        id=identifier,
        email=email or f"{identifier}@example.org",
        name="Ann",
        role=role,
        created_at=NOON,
        team_id=team_id,
    )


def a_key(user: User) -> ApiKey:
    """A key of a user's."""
    return ApiKey(
        id=new_identifier("key"),
        user_id=user.id,
        name="notebook",
        hint="sk-jf-ab",
        scopes=("inference", "read"),
        created_at=NOON,
    )


def a_session(user: User, *, expires_at: datetime | None = None) -> Session:
    """A signed-in browser of a user's."""
    expires_at = expires_at or datetime.now(UTC) + timedelta(hours=1)
    identifier = new_identifier("session")
    return Session(id=identifier, user_id=user.id, csrf="c", created_at=NOON, expires_at=expires_at)


def an_invitation(email: str = "new@example.org", *, team_id: str | None = None) -> Invitation:
    """An invitation by an admin."""
    return Invitation(
        id=new_identifier("inv"),
        email=email,
        role="member",
        invited_by="user_1",
        created_at=NOON,
        expires_at=NOON + timedelta(days=3),
        team_id=team_id,
    )


@pytest.mark.asyncio
class UserRecordsContract(StateStoreFixtures):
    """Users and teams."""

    @pytest.fixture
    async def admin(self, store: StateStore) -> User:
        """The first user."""
        user = a_user("root@example.org", role="admin")
        await store.identity.users.add_first(user, password_hash="argon2-of-it")  # noqa: S106
        return user

    async def test_a_user_comes_back_by_identifier_and_by_address(self, store: StateStore) -> None:
        users, user = store.identity.users, a_user("Ann@Example.org")
        await users.add(user)
        assert await users.get(user.id) == user
        assert await users.by_email("ann@EXAMPLE.org") == user
        assert await users.password_hash(user.id) is None
        assert await users.get("user_0") is None
        assert await users.by_email("bob@example.org") is None
        assert await users.password_hash("user_0") is None

    async def test_an_address_is_taken_once_whatever_its_case(self, store: StateStore) -> None:
        users, other = store.identity.users, a_user()
        await users.add(a_user("ann@example.org"))
        await users.add(other)
        with pytest.raises(NameTaken, match="ANN@example"):
            await users.add(a_user("ANN@example.org"))
        with pytest.raises(NameTaken):
            await users.change(replace(other, email="Ann@example.org"))
        assert await users.count() == 2

    async def test_of_many_first_users_one_is(self, store: StateStore, other_store: StateStore) -> None:
        outcomes = await asyncio.gather(
            *(
                (store, other_store)[at % 2].identity.users.add_first(a_user(role="admin"), password_hash="h")  # noqa: S106
                for at in range(8)
            ),
            return_exceptions=True,
        )
        assert sum(outcome is None for outcome in outcomes) == 1
        assert all(isinstance(outcome, Conflict) for outcome in outcomes if outcome is not None)
        assert await store.identity.users.count() == 1

    async def test_a_user_is_changed_but_for_password_and_beginning(self, store: StateStore, admin: User) -> None:
        users = store.identity.users
        await users.add(a_user(role="admin"))
        changed = replace(admin, email="chief@example.org", name="Chief", role="viewer", active=False)
        await users.change(replace(changed, created_at=NOON + timedelta(days=1)))
        assert await users.get(admin.id) == changed
        assert await users.password_hash(admin.id) == "argon2-of-it"
        await users.set_password(admin.id, "another")
        assert await users.password_hash(admin.id) == "another"
        with pytest.raises(UserNotFound):
            await users.change(a_user())
        with pytest.raises(UserNotFound):
            await users.set_password("user_0", "another")

    async def test_the_last_active_admin_stays(self, store: StateStore, admin: User) -> None:
        users = store.identity.users
        await users.add(replace(a_user(role="admin"), active=False))
        for lesser in (replace(admin, role="member"), replace(admin, active=False)):
            with pytest.raises(Conflict):
                await users.change(lesser)
        with pytest.raises(Conflict):
            await users.remove(admin.id)
        assert await users.get(admin.id) == admin
        await users.change(replace(admin, name="Renamed"))
        assert not await users.remove("user_0")

    async def test_of_two_last_admins_who_leave_at_once_one_stays(
        self, store: StateStore, other_store: StateStore, admin: User
    ) -> None:
        other = a_user(role="admin")
        await store.identity.users.add(other)
        outcomes = await asyncio.gather(
            store.identity.users.change(replace(admin, role="member")),
            other_store.identity.users.remove(other.id),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1

    async def test_removing_a_user_takes_keys_and_sessions_along(self, store: StateStore, admin: User) -> None:
        user = a_user()
        await store.identity.users.add(user)
        key, session = a_key(user), a_session(user)
        await store.identity.keys.add(key, secret_hash="h1")  # noqa: S106
        await store.identity.sessions.add(session)
        assert await store.identity.users.remove(user.id)
        assert not await store.identity.users.remove(user.id)
        assert await store.identity.keys.get(key.id) is None
        assert await store.identity.keys.by_hash("h1") is None
        assert await store.identity.sessions.get(session.id) is None

    async def test_users_by_the_page(self, store: StateStore) -> None:
        users = store.identity.users
        for number in range(5):
            await users.add(replace(a_user(), id=f"user_{number}"))
        assert [user.id for user in await users.page(limit=2)] == ["user_4", "user_3"]
        assert [user.id for user in await users.page(limit=2, before="user_3")] == ["user_2", "user_1"]
        assert [user.id for user in await users.page(before="user_1")] == ["user_0"]

    async def test_teams_are_named_once_and_left_by_all_when_they_go(self, store: StateStore) -> None:
        teams = store.identity.teams
        one, other = [Team(id=f"team_{name}", name=name, created_at=NOON) for name in ("a", "b")]
        await teams.add(one)
        await teams.add(other)
        with pytest.raises(NameTaken):
            await teams.add(replace(one, id="team_c"))
        with pytest.raises(NameTaken):
            await teams.change(replace(other, name="a"))
        await teams.change(replace(other, name="c"))
        assert await teams.page() == (replace(other, name="c"), one)
        assert await teams.page(before="team_b") == (one,)
        with pytest.raises(TeamNotFound):
            await teams.change(replace(one, id="team_0"))
        member, invitation = a_user(team_id=one.id), an_invitation(team_id=one.id)
        await store.identity.users.add(member)
        await store.identity.invitations.add(invitation, token_hash="t1")  # noqa: S106
        assert await teams.remove(one.id)
        assert not await teams.remove(one.id)
        assert await teams.get(one.id) is None
        assert await store.identity.users.get(member.id) == replace(member, team_id=None)
        assert await store.identity.invitations.by_hash("t1") == replace(invitation, team_id=None)

    async def test_nobody_is_in_a_team_that_is_not_there(self, store: StateStore) -> None:
        user = a_user()
        await store.identity.users.add(user)
        with pytest.raises(TeamNotFound):
            await store.identity.users.add(a_user(team_id="team_0"))
        with pytest.raises(TeamNotFound):
            await store.identity.users.change(replace(user, team_id="team_0"))
        with pytest.raises(TeamNotFound):
            await store.identity.invitations.add(an_invitation(team_id="team_0"), token_hash="t1")  # noqa: S106


@pytest.mark.asyncio
class CredentialRecordsContract(StateStoreFixtures):
    """Keys, sessions, invitations and the audit log."""

    @pytest.fixture
    async def user(self, store: StateStore) -> User:
        """Somebody on record."""
        user = a_user()
        await store.identity.users.add(user)
        return user

    @examples
    @given(
        held=st.lists(scopes, max_size=3).map(tuple),
        models=st.lists(st.text(), max_size=3).map(tuple),
        requests=rates,
        tokens=rates,
    )
    async def test_a_key_comes_back_with_its_owner(
        self,
        store: StateStore,
        held: tuple[Scope, ...],
        models: tuple[str, ...],
        requests: int | None,
        tokens: int | None,
    ) -> None:
        user = a_user()
        await store.identity.users.add(user)
        limits = {"scopes": held, "models": models, "requests_per_minute": requests, "tokens_per_minute": tokens}
        key = replace(a_key(user), **limits, expires_at=NOON + timedelta(days=1))
        await store.identity.keys.add(key, secret_hash=f"hash of {key.id}")
        assert await store.identity.keys.by_hash(f"hash of {key.id}") == (key, user)
        assert await store.identity.keys.get(key.id) == key

    async def test_keys_of_the_unknown_and_of_nobody(self, store: StateStore) -> None:
        assert await store.identity.keys.by_hash("nothing") is None
        assert await store.identity.keys.get("key_0") is None
        with pytest.raises(UserNotFound):
            await store.identity.keys.add(a_key(a_user()), secret_hash="h")  # noqa: S106
        with pytest.raises(KeyNotFound):
            await store.identity.keys.change(a_key(a_user()))
        await store.identity.keys.used("key_0", NOON)

    async def test_a_key_is_changed_and_its_use_noted(self, store: StateStore, user: User) -> None:
        key = a_key(user)
        await store.identity.keys.add(key, secret_hash="h")  # noqa: S106
        await store.identity.keys.used(key.id, NOON)
        revoked = replace(key, name="old", models=("starter",), last_used_at=NOON, revoked_at=NOON)
        await store.identity.keys.change(replace(revoked, user_id="user_0"))
        assert await store.identity.keys.by_hash("h") == (revoked, user)

    async def test_keys_of_a_user_by_the_page(self, store: StateStore, user: User) -> None:
        other = a_user()
        await store.identity.users.add(other)
        for number in range(6):
            key = replace(a_key((user, other)[number % 2]), id=f"key_{number}")
            await store.identity.keys.add(key, secret_hash=f"h{number}")
        keys = store.identity.keys
        assert [key.id for key in await keys.page(limit=2)] == ["key_5", "key_4"]
        assert [key.id for key in await keys.page(user_id=user.id, before="key_4")] == ["key_2", "key_0"]

    async def test_a_session_is_known_until_it_expires(self, store: StateStore, user: User) -> None:
        sessions = store.identity.sessions
        lasting, over = a_session(user), a_session(user, expires_at=NOON)
        await sessions.add(lasting)
        await sessions.add(over)
        assert await sessions.get(lasting.id) == (lasting, user)
        assert await sessions.get(over.id) is None
        assert await sessions.get("session_0") is None
        assert await sessions.prune(before=NOON + timedelta(seconds=1)) == 1
        assert await sessions.prune(before=NOON + timedelta(seconds=1)) == 0
        assert await sessions.remove(lasting.id)
        assert not await sessions.remove(lasting.id)
        with pytest.raises(UserNotFound):
            await sessions.add(a_session(a_user()))

    async def test_signing_out_everywhere_leaves_others_signed_in(self, store: StateStore, user: User) -> None:
        other = a_user()
        await store.identity.users.add(other)
        kept = a_session(other)
        for session in (a_session(user), a_session(user), kept):
            await store.identity.sessions.add(session)
        assert await store.identity.sessions.remove_all(user.id) == 2
        assert await store.identity.sessions.get(kept.id) == (kept, other)

    async def test_an_invitation_is_accepted_once(self, store: StateStore, other_store: StateStore) -> None:
        invitation = an_invitation()
        await store.identity.invitations.add(invitation, token_hash="t")  # noqa: S106
        assert await store.identity.invitations.by_hash("t") == invitation
        assert await store.identity.invitations.by_hash("u") is None
        outcomes = await asyncio.gather(
            *(
                keeper.identity.invitations.accept(invitation.id, a_user(), password_hash="p", at=NOON)  # noqa: S106
                for keeper in (store, other_store) * 3
            ),
            return_exceptions=True,
        )
        assert sum(outcome is None for outcome in outcomes) == 1
        assert all(isinstance(outcome, Conflict) for outcome in outcomes if outcome is not None)
        assert await store.identity.users.count() == 1
        (added,) = await store.identity.users.page()
        assert await store.identity.users.password_hash(added.id) == "p"
        assert await store.identity.invitations.by_hash("t") == replace(invitation, accepted_at=NOON)
        assert await store.identity.invitations.page() == ()

    async def test_an_address_that_is_taken_leaves_the_invitation_unused(self, store: StateStore, user: User) -> None:
        invitation = an_invitation(user.email)
        await store.identity.invitations.add(invitation, token_hash="t")  # noqa: S106
        with pytest.raises(NameTaken):
            await store.identity.invitations.accept(invitation.id, a_user(user.email), password_hash=None, at=NOON)
        assert await store.identity.invitations.page() == (invitation,)
        assert await store.identity.invitations.remove(invitation.id)
        assert not await store.identity.invitations.remove(invitation.id)
        with pytest.raises(Conflict):
            await store.identity.invitations.accept(invitation.id, a_user(), password_hash=None, at=NOON)

    async def test_the_audit_log_is_found_by_actor_and_beginning_of_action(self, store: StateStore) -> None:
        acts = (("user_1", "key.create"), ("user_2", "key.revoke"), ("user_1", "user.change"), ("user_1", "Key.create"))
        entries = [
            AuditEntry(
                id=f"audit_{at}", at=NOON, actor=actor, action=action, target="x", detail={"at": [at]}, address="::1"
            )
            for at, (actor, action) in enumerate(acts)
        ]
        for entry in entries:
            await store.identity.audit.add(entry)
        audit = store.identity.audit
        assert await audit.page() == tuple(reversed(entries))
        assert await audit.page(action="key.") == (entries[1], entries[0])
        assert await audit.page(actor="user_1", limit=2) == (entries[3], entries[2])
        assert await audit.page(actor="user_1", before="audit_2") == (entries[0],)
        assert await audit.page(action="k%") == ()

    @pytest.mark.parametrize("role", ROLES)
    async def test_every_role_comes_back(self, store: StateStore, role: Role) -> None:
        user = a_user(role=role)
        await store.identity.users.add(user)
        assert await store.identity.users.get(user.id) == user
