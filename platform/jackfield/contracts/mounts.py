"""Mounts: ASGI apps of plugins, under a path of the HTTP server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jackfield.workbench import Workbench

ASGIApp = Callable[[Any, Any, Any], Awaitable[None]]
"""Takes a scope, and how to receive and send, as the ASGI standard has them."""


class Mount(Protocol):
    """What is served at `path` and below it; the server's own checks of host, origin and key come first.

    As ASGI has it, a scope's `path` is the whole path and its `root_path` ends with the mount's.
    """

    path: str

    def app(self, workbench: Workbench) -> AbstractAsyncContextManager[ASGIApp]:
        """The app, open for as long as the server is; entered once, and left when all requests have ended."""
        ...
