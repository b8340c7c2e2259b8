"""Whose doing a change is, and of which file."""

from __future__ import annotations

import msgspec

from jackfield.contracts.files import Actor


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a version, why, and what it belongs together with."""

    actor: Actor
    reason: str = ""
    change: str = ""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Which file is changed, by whom, and which version it must be at, if any."""

    collection: str
    path: str
    step: Step
    expected: int | None = None
