"""Somebody with a key and a budget who asks a team server, and what the database says of it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import msgspec
import psycopg

from jackfield.contracts.budgets import Budget
from jackfield.contracts.identity import Holder
from jackfield.contracts.records import StateStore
from jackfield.contracts.runs import RunRecord
from jackfield.events import RunEvent
from jackfield.identity.audit import COMMAND_LINE
from jackfield.identity.desk import opened_identity
from jackfield.identity.keys import KeyWish, NewKey
from jackfield.plugin_host import loaded_host
from jackfield.settings import Settings, load_settings
from jackfield.testing.run_follower import RunFollower
from jackfield.testing.team import Team
from jackfield.wiring import open_store

T = TypeVar("T")

SETUP_TOKEN = "a token of these tests"  # noqa: S105 - guards nothing but a test's database
PRICE = (2.0, 10.0)
"""Of a million tokens of the model "counter", read and written."""
IDENTITY = {
    "JACKFIELD_IDENTITY__ENABLED": "true",
    "JACKFIELD_IDENTITY__SETUP_TOKEN": SETUP_TOKEN,
    "JACKFIELD_MODELS__PRICES": msgspec.json.encode({"counter": PRICE}).decode(),
}
"""What switches identity on in every process of a team."""
USE = """
    SELECT sum(requests), sum(tokens), sum(money), sum(reserved_tokens), sum(reserved_money)
    FROM budget_use WHERE kind = 'key' AND holder_id = %s AND length("window") = 10
"""
"""All days together, for a test may run over midnight."""


class Use(msgspec.Struct, frozen=True):
    """What a key's runs came to, and what is still set aside for them; money in millionths."""

    requests: int
    tokens: int
    money: int
    reserved_tokens: int = 0
    reserved_money: int = 0


class Asker:
    """Somebody with a key and a budget."""

    def __init__(self, team: Team, key: NewKey) -> None:
        self._team = team
        self._key = key
        self.secret = key.secret
        self.headers = {"authorization": f"Bearer {key.secret}"}

    async def start(self, *bodies: dict[str, Any], address: str = "") -> list[RunFollower]:
        """Runs that have begun, each with a client that is yet to follow it."""
        address = address or self._team.url
        async with httpx.AsyncClient(base_url=address, headers=self.headers, timeout=60) as client:
            answers = await asyncio.gather(*(client.post("/api/runs", json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {201}, {answer.text for answer in answers}
        return [RunFollower(address, answer.json()["id"], secret=self.secret) for answer in answers]

    def use(self) -> Use:
        """What is booked on the key."""
        with psycopg.connect(self._team.postgres.url) as connection:
            (open_reservations,) = connection.execute("SELECT count(*) FROM reservations").fetchone() or (0,)
            assert open_reservations == 0
            row = connection.execute(USE, [self._key.key.id]).fetchone()
        assert row is not None
        return Use(*(int(value or 0) for value in row))

    async def ended(self, *, within: float) -> tuple[RunRecord, ...]:
        """All runs on the key, once each has ended; raises TimeoutError."""
        user_id = self._key.key.user_id
        async with asyncio.timeout(within):
            while True:
                runs = await with_store(self._team, lambda store: store.runs.recent(limit=1000, user_id=user_id))
                if all(run.finished_at for run in runs):
                    return runs
                await asyncio.sleep(0.5)

    async def stored(self, run_id: str) -> tuple[RunEvent, ...]:
        """A run's events on record."""
        return await with_store(self._team, lambda store: store.runs.events(run_id))


def settings_of(team: Team) -> Settings:
    """As the team's processes have them."""
    identity = {"enabled": True, "setup_token": SETUP_TOKEN}
    return load_settings(home=team.installation.home, database_url=team.postgres.url, identity=identity)


async def with_store(team: Team, work: Callable[[StateStore], Awaitable[T]]) -> T:
    """What work gives with the team's database."""
    async with open_store(settings_of(team), loaded_host()) as store:
        return await work(store)


async def new_asker(team: Team, name: str) -> Asker:
    """A member with a key whose budgets have room for every test."""

    async def made(store: StateStore) -> NewKey:
        identity = await opened_identity(store, settings_of(team))
        assert identity is not None
        email = f"{name}@example.org"
        user = await identity.users.add(COMMAND_LINE, email=email, name=name, role="member", password=None)
        key = await identity.keys.make(COMMAND_LINE, user, KeyWish(name=name))
        await store.budgets.put(
            Budget(holder=Holder("key", key.key.id), period="day", tokens=1_000_000, money=50_000_000)
        )
        return key

    return Asker(team, await with_store(team, made))
