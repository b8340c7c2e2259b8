"""Registers with a hook that does not exist."""

from __future__ import annotations

from jackfield.contracts.registration import Provided
from jackfield.contracts.tools import Tool
from jackfield.hookspecs import hookimpl


@hookimpl
def jackfield_tolls() -> list[Provided[Tool]]:
    """Meant to be `jackfield_tools`."""
    return []
