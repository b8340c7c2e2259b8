"""What is made of the rights that routes declare: none is registered without, and the OpenAPI document tells."""

from __future__ import annotations

from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute

from jackfield_web.documentation import REFUSED, UNRECOGNISED
from jackfield_web.identity.rights import declared

SECURITY = ("bearer", "apiKey", "session")
"""The names of the ways to say who one is, as the OpenAPI document describes them."""


class DeclaredRights(ReceiveRoutePlugin):
    """Refuses routes that declare nothing, and has the OpenAPI document say which take a key."""

    def receive_route(self, route: BaseRoute) -> None:
        """Called for each route when it is registered."""
        for handler in _handlers(route):
            right = declared(handler)
            if isinstance(handler, HTTPRouteHandler) and right is not None:
                handler.security = [{name: []} for name in SECURITY]
                handler.responses = {**UNRECOGNISED, **REFUSED, **(handler.responses or {})}


def _handlers(route: BaseRoute) -> list[BaseRouteHandler]:
    """A route's own; the one that Litestar adds, to say which methods there are, is for everybody."""
    if isinstance(route, HTTPRoute):
        return [handler for handler in route.route_handlers if handler.http_methods != {"OPTIONS"}]
    return [route.route_handler] if isinstance(route, ASGIRoute) else []
