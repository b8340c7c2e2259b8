"""Registers the web door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.doors import ServingDoor
from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    import click


@hookimpl
def jackfield_doors() -> list[Provided[ServingDoor]]:
    """The HTTP server."""
    return [Provided("web", _web_door, "the OpenAI API over HTTP")]


def _web_door() -> ServingDoor:
    from jackfield_web.door import WebDoor

    return WebDoor()


@hookimpl
def jackfield_commands() -> list[Provided[click.Command]]:
    """`jackfield bench gateway`."""
    return [Provided("bench gateway", _bench, "What the API itself costs a request.")]


def _bench() -> click.Command:
    from jackfield_web.bench.command import command

    return command
