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
from jackfield.errors import JackfieldError, NameTaken
from jackfield.workbench import Workbench
from jackfield_web.identity.rights import needs

log = structlog.get_logger()


@asynccontextmanager
async def mounts_open(app: Litestar, workbench: Workbench) -> AsyncIterator[None]:
    """Every registered mount, served until the block is left; one that fails is left out, and the log says why."""
    shelf = workbench.plugins.registry.mounts
    async with AsyncExitStack() as opened:
        for name in shelf.names():
            try:
                mount = shelf.get(name)
                _refuse_taken(mount.path, app)
                app.register(_route(mount.path, await opened.enter_async_context(mount.app(workbench))))
            except JackfieldError as error:
                log.warning("a plugin's mount is left out", mount=name, reason=error.message)
            except Exception as error:
                log.error("a plugin's mount is left out", mount=name, plugin=shelf.owner(name), exc_info=error)
        yield


def _refuse_taken(path: str, app: Litestar) -> None:
    """Raises NameTaken where the server has something at a path or below it, which a mount would hide."""
    taken = [route.path for route in app.routes if f"{route.path}/".startswith(f"{path}/")]
    if taken:
        raise NameTaken(
            f"A plugin wants to serve '{path}', where the server has '{taken[0]}'; it must take another path."
        )


def _route(path: str, mounted: ASGIApp) -> ASGIRouteHandler:
    @asgi(path, is_mount=True, copy_scope=True, opt=needs("inference"))
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        whole = unquote(scope["raw_path"].decode("latin-1"))
        if whole != path and not whole.startswith(f"{path}/"):
            raise NotFoundException  # Litestar mounts also take paths that only begin alike
        scope["path"] = whole
        scope["root_path"] = scope.get("root_path", "") + path
        await mounted(scope, receive, send)

    return handle
