"""Whose doing a change is, and of which file."""

from __future__ import annotations

import msgspec

from jackfield.contracts.files import Actor
from jackfield.errors import InvalidRequest


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a version, why, and what it belongs together with."""

    actor: Actor
    reason: str = ""
    change: str = ""

    def __post_init__(self) -> None:
        """Raises InvalidRequest for what SQLite would keep and PostgreSQL could not, nor a backup bring there."""
        for name, said in (("reason", self.reason), ("change", self.change)):
            if "\0" in said:
                raise InvalidRequest(f"'{name}' has a NUL character; leave it out.", parameter=name)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which file is changed, by whom, and which version it must be at, if any."""

    collection: str
    path: str
    step: Step
    expected: int | None = None
