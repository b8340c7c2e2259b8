"""`jackfield budgets`, each command in a process of its own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jackfield.contracts.records import sqlite_url
from jackfield.identity.users import new_user
from jackfield.plugin_host import loaded_host
from jackfield.settings import load_settings
from jackfield.testing.installation import Installation
from jackfield.wiring import open_store

pytestmark = pytest.mark.slow


async def _ann(machine: Installation) -> str:
    settings = load_settings(home=machine.home, database_url=sqlite_url(machine.home))
    async with open_store(settings, loaded_host()) as store:
        user = new_user("ann@example.org", "Ann", "member")
        await store.identity.users.add(user)
        return user.id


def _said(machine: Installation, *arguments: str) -> Any:
    done = machine.run("budgets", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_budget_is_set_listed_looked_at_and_lifted(machine: Installation) -> None:
    user = asyncio.run(_ann(machine))
    made = _said(machine, "set", "user:ann@example.org", "--period", "day", "--tokens", "5000", "--money", "12.5")
    assert made == {
        "holder": {"kind": "user", "id": user},
        "period": "day",
        "tokens": 5000,
        "money": 12_500_000,
    }
    assert _said(machine, "list") == [made]
    listed = machine.run("budgets", "list").stdout.splitlines()
    assert listed == ["HOLDER\tPERIOD\tTOKENS\tMONEY", f"user:{user}\tday\t5,000\t12.50"]
    day, month = _said(machine, "usage")
    assert (day["most_tokens"], day["requests"], month["most_tokens"]) == (5000, 0, None)
    assert "5,000 tokens, 12.50" in machine.run("budgets", "usage", f"user:{user}").stdout
    removed = machine.run("budgets", "remove", f"user:{user}", "--period", "day")
    assert (removed.returncode, _said(machine, "list")) == (0, [])
    assert machine.run("budgets", "remove", f"user:{user}", "--period", "day").returncode == 4


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("set", "user:nobody", "--tokens", "5"), 4, "There is no user 'nobody'"),
        (("set", "user:nobody"), 2, "A budget limits 'tokens', 'money' or both"),
        (("set", "ann", "--tokens", "5"), 2, "names nobody"),
        (("set", "key:k", "--money", "0.0000001"), 2, "at most six decimal places"),
        (("set", "key:k", "--money", "NaN"), 2, "is no amount"),
        (("usage", "key:k", "--window", "2026-13"), 2, "expected a day such as"),
    ],
)
def test_what_makes_no_sense_is_said(
    machine: Installation, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    done = machine.run("budgets", *arguments)
    assert (done.returncode, sentence in done.stderr) == (status, True), done.stderr
