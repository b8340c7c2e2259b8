"""What the commands about models share: the catalogue, opened for one piece of work, and the choice of the default."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from jackfield.cli.output import say
from jackfield.cli.session import Session
from jackfield.settings_file import write_setting

if TYPE_CHECKING:
    from jackfield.models.catalog import ModelCatalog

T = TypeVar("T")

DEFAULT_VARIABLE = "JACKFIELD_DEFAULT_MODEL"


def with_catalog(session: Session, work: Callable[[ModelCatalog], Awaitable[T]]) -> T:
    """Open the catalogue, do something with it, close it."""
    from jackfield.wiring import open_catalog

    async def done() -> T:
        async with open_catalog(session.settings, session.plugins) as catalog:
            return await work(catalog)

    return asyncio.run(done())


def make_default(name: str) -> None:
    """Write the choice to the settings file, and say so."""
    path = write_setting(("default_model",), name)
    say(f"'{name}' is the default model from now on (kept in {path}).")
    overriding = os.environ.get(DEFAULT_VARIABLE)
    if overriding and overriding != name:
        say(f"As long as {DEFAULT_VARIABLE} is set, '{overriding}' is the default all the same.")
