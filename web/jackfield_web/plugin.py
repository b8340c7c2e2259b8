"""Registers the web door."""

from __future__ import annotations

from jackfield.contracts.doors import ServingDoor
from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl


@hookimpl
def jackfield_doors() -> list[Provided[ServingDoor]]:
    """The HTTP server."""
    return [Provided("web", _web_door, "the OpenAI API over HTTP")]


def _web_door() -> ServingDoor:
    from jackfield_web.door import WebDoor

    return WebDoor()
