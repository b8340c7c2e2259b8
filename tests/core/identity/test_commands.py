"""`jackfield users`, `teams` and `keys`: straight on the database, whose secrets they print once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jackfield.identity.secrets import is_key_secret
from jackfield.testing.installation import Installation

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery\n"


@pytest.fixture
def machine(tmp_path: Path) -> Installation:
    """A machine with one admin, ada@example.org; passwords are cheap there."""
    machine = Installation(tmp_path)
    machine.environment["JACKFIELD_IDENTITY__PASSWORD_MEMORY_MB"] = "1"
    added = machine.run(
        "users", "add", "ada@example.org", "--role", "admin", "--password-stdin", "--json", typed=PASSWORD
    )
    assert added.returncode == 0, added.stderr
    assert json.loads(added.stdout)["name"] == "ada"
    return machine


def listed(machine: Installation, *command: str) -> list[Any]:
    found: list[Any] = json.loads(machine.run(*command, "--json").stdout)
    return found


def test_a_users_life(machine: Installation) -> None:
    assert machine.run("teams", "add", "blue").returncode == 0
    invited = machine.run("users", "invite", "eve@example.org", "--team", "blue")
    assert (invited.returncode, len(invited.stdout.strip())) == (0, 43)
    added = machine.run("users", "add", "bob@example.org", "--no-password", "--team", "blue")
    assert (added.returncode, added.stdout) == (0, "")
    assert machine.run("users", "role", "bob@example.org", "viewer").returncode == 0
    assert machine.run("users", "disable", "bob@example.org").returncode == 0
    assert machine.run("users", "password", "bob@example.org", "--password-stdin", typed=PASSWORD).returncode == 0
    bob, ada = listed(machine, "users", "list")
    assert (bob["role"], bob["active"], ada["role"]) == ("viewer", False, "admin")
    assert bob["team_id"] == listed(machine, "teams", "list")[0]["id"]
    assert machine.run("users", "team", "bob@example.org").returncode == 0
    assert machine.run("users", "enable", bob["id"]).returncode == 0
    rows = [line.split("\t") for line in machine.run("users", "list").stdout.splitlines()]
    assert rows[1][1:6] == ["bob@example.org", "bob", "viewer", "active", ""]
    assert machine.run("users", "remove", "bob@example.org").returncode == 0
    assert machine.run("teams", "rename", "blue", "red").returncode == 0
    assert machine.run("teams", "remove", "red").returncode == 0
    assert len(listed(machine, "users", "list")) == 1


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (("users", "role", "ada@example.org", "member"), 5, "admin"),
        (("users", "remove", "nobody@example.org"), 4, "nobody@example.org"),
        (("users", "add", "ADA@example.org", "--no-password"), 5, "ADA@example.org"),
        (("users", "add", "no address", "--no-password"), 2, "no e-mail address"),
        (("users", "add", "x@example.org"), 2, "--password-stdin"),
        (("teams", "remove", "none"), 4, "jackfield teams list"),
        (("keys", "revoke", "none"), 4, "none"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_sentence(
    machine: Installation, command: tuple[str, ...], status: int, said: str
) -> None:
    refused = machine.run(*command)
    assert (refused.returncode, refused.stdout) == (status, "")
    assert said in refused.stderr


def test_a_key_is_for_what_its_owner_may_do(machine: Installation) -> None:
    for role in ("viewer", "member"):
        added = machine.run("users", "add", f"{role}@example.org", "--no-password", "--role", role)
        assert added.returncode == 0, added.stderr
        made = machine.run("keys", "create", f"{role}@example.org")
        assert made.returncode == 0, made.stderr
    assert [key["scopes"] for key in listed(machine, "keys", "list")] == [["inference", "read"], ["read"]]
    managing = machine.run("keys", "create", "member@example.org", "--scope", "admin")
    assert (managing.returncode, "its owner's own keys" in managing.stderr) == (0, True)
    refused = machine.run("keys", "create", "viewer@example.org", "--scope", "inference")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "viewer's key cannot have the scope 'inference'" in refused.stderr


def test_a_key_for_a_model_that_is_not_installed_is_made_with_a_word_about_it(machine: Installation) -> None:
    made = machine.run("keys", "create", "ada@example.org", "--model", "nosuch")
    assert made.returncode == 0
    assert is_key_secret(made.stdout.strip())
    assert "No model 'nosuch' is installed" in made.stderr


def test_a_keys_life(machine: Installation) -> None:
    made = machine.run("keys", "create", "ada@example.org", "--scope", "read", "--model", "small", "--days", "2")
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert is_key_secret(secret)
    (key,) = listed(machine, "keys", "list", "--user", "ada@example.org")
    assert (key["scopes"], key["models"]) == (["read"], ["small"])
    shown = machine.run("keys", "show", key["id"])
    assert secret not in shown.stdout
    assert "holds until" in shown.stdout
    assert machine.run("keys", "revoke", key["id"]).returncode == 0
    assert "revoked" in machine.run("keys", "list").stdout
