"""The workbench, opened for one piece of a command's work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from jackfield.cli.session import Session
from jackfield.workbench import Workbench

T = TypeVar("T")


def with_workbench(session: Session, work: Callable[[Workbench], Awaitable[T]]) -> T:
    """Open the workbench, do something with it, close it."""
    from jackfield.wiring import open_workbench

    async def done() -> T:
        async with open_workbench(session.settings, session.plugins) as workbench:
            return await work(workbench)

    return asyncio.run(done())
