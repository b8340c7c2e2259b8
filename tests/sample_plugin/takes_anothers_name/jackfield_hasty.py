"""Offers a tool of its own, and an executor under the name of Jackfield's."""

from __future__ import annotations

from typing import NoReturn

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl


def build() -> NoReturn:
    """Never reached: the name is taken."""
    raise AssertionError("an object whose registration was refused must not be built")


@hookimpl
def jackfield_tools() -> list[Provided[object]]:
    """Withdrawn with the rest of the plugin."""
    return [Provided("hasty_tool", build)]


@hookimpl
def jackfield_executors() -> list[Provided[object]]:
    """`inline` is the platform's."""
    return [Provided("inline", build)]
