"""Files for one piece of a command's work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from jackfield.cli.session import Session
from jackfield.cli.with_workbench import with_workbench
from jackfield.contracts.files import Level
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection

T = TypeVar("T")


def with_library(session: Session, work: Callable[[Library], Awaitable[T]]) -> T:
    """Open the library of whoever is at this machine, do something with it, close it."""
    return with_workbench(session, lambda workbench: work(workbench.library()))


def with_collection(
    session: Session, name: str | None, level: Level, work: Callable[[OpenCollection], Awaitable[T]]
) -> T:
    """Do something in a collection, opened for what it takes."""

    async def done(library: Library) -> T:
        return await work(await library.opened(name, level))

    return with_library(session, done)
