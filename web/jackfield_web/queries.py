"""What a request says beside its body and nobody reads: an answer that left it out would be to another question."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter, QueryParameter

from jackfield.errors import InvalidRequest, UnknownParameter
from jackfield_web.guards import SAFE_METHODS

WHERE = ("/api/files", "/api/memory", "/shared/")
"""Addresses of our own; other clients and providers of sign-in add parameters to theirs that nobody need know."""

CONDITIONS = ("If-Match", "If-None-Match")

Connection = ASGIConnection[Any, Any, Any, Any]


async def refuse_unread(connection: Connection, handler: BaseRouteHandler) -> None:
    """Raises UnknownParameter or InvalidRequest for parameters that nobody knows, or that are said twice, and for
    conditions on a change that takes none.
    """
    if not connection.scope["path"].startswith(WHERE):
        return
    if connection.scope["query_string"]:
        _check_query(connection.scope["query_string"], _declared(handler, QueryParameter))
    if isinstance(connection, Request) and connection.method not in SAFE_METHODS:
        _check_conditions(connection, _declared(handler, HeaderParameter))


def _check_query(query: bytes, known: list[str]) -> None:
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("The address has a parameter that is not UTF-8 text.") from error
    for name, times in Counter(name for name, _ in parse_qsl(query.decode(), keep_blank_values=True)).items():
        if name not in known:
            takes = f"known are {', '.join(sorted(known))}" if known else "this address takes none"
            raise UnknownParameter(f"Unknown parameter '{name[:100]}'; {takes}.", parameter=name[:100])
        if times > 1:
            raise InvalidRequest(f"Parameter '{name}' is there {times} times; say it once.", parameter=name)


def _check_conditions(connection: Connection, known: list[str]) -> None:
    for name in CONDITIONS:
        if name.lower() in connection.headers and name.lower() not in known:
            raise InvalidRequest(f"This change takes no '{name}'; leave the header out.")


def _declared(handler: BaseRouteHandler, kind: type[QueryParameter | HeaderParameter]) -> list[str]:
    """The names of a route's own parameters of one kind."""
    fields = handler.parsed_fn_signature.parameters.items()
    said = ((name, field.kwarg_definition) for name, field in fields)
    return [definition.name or name for name, definition in said if isinstance(definition, kind)]
