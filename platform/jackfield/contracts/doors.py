"""Doors: the ways in (a web server, a terminal interface)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from jackfield.workbench import Workbench


class Listen(msgspec.Struct, frozen=True, kw_only=True):
    """Where a door that serves is to listen."""

    host: str
    port: int


class ServingDoor(Protocol):
    """Serves a workbench until it is told to stop; it opens nothing of its own but what it serves."""

    def serve(
        self,
        open_workbench: Callable[[], AbstractAsyncContextManager[Workbench]],
        listen: Listen,
        *,
        on_ready: Callable[[Listen], None],
    ) -> None:
        """Block until SIGINT or SIGTERM; raises PortInUse.

        `on_ready` fires once connections are accepted, with the port that was really taken.
        """
        ...
