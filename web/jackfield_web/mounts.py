"""Plugins' ASGI apps under paths of this server, behind the same guards as everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import unquote

import structlog
from litestar import Litestar
from litestar.exceptions import NotFoundException
from litestar.handlers import ASGIRouteHandler, asgi
from litestar.types import Receive, Scope, Send

from jackfield.contracts.mounts import ASGIApp
from jackfield.errors import JackfieldError
from jackfield.workbench import Workbench

log = structlog.get_logger()


@asynccontextmanager
async def mounts_open(app: Litestar, workbench: Workbench) -> AsyncIterator[None]:
    """Every registered mount, served until the block is left; one whose plugin cannot build it is left out."""
    shelf = workbench.plugins.registry.mounts
    async with AsyncExitStack() as opened:
        for name in shelf.names():
            try:
                mount = shelf.get(name)
            except JackfieldError as error:
                log.warning("a plugin's mount is left out", mount=name, reason=error.message)
                continue
            app.register(_route(mount.path, await opened.enter_async_context(mount.app(workbench))))
        yield


def _route(path: str, mounted: ASGIApp) -> ASGIRouteHandler:
    @asgi(path, is_mount=True, copy_scope=True)
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        whole = unquote(scope["raw_path"].decode("latin-1"))
        if whole != path and not whole.startswith(f"{path}/"):
            raise NotFoundException  # Litestar mounts also take paths that only begin alike
        scope["path"] = whole
        scope["root_path"] = scope.get("root_path", "") + path
        await mounted(scope, receive, send)

    return handle
