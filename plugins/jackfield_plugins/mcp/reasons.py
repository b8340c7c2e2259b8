"""Why a session with a server could not begin or ended, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
from mcp.shared.exceptions import MCPError
from mcp_types import CONNECTION_CLOSED

from jackfield_plugins.mcp.configuration import HttpServer, Server, StdioServer
from jackfield_plugins.mcp.instance import OWN_QUESTION
from jackfield_plugins.mcp.transports import Trace

LONGEST_WORDS = 400
"""Characters of a program's last words in a sentence."""


def sentence_on(server: Server, trace: Trace, error: Exception | None, *, answered: bool) -> str:
    """Why the session ended that `error` ended; None where the server just left. `answered`: it had begun."""
    causes = list(_causes(error)) if error else []
    if isinstance(server, StdioServer):
        return f"MCP server '{server.name}' {_program_failure(server, causes, answered)}{_last_words(trace)}"
    return f"MCP server '{server.name}' {_http_failure(server, trace, causes, answered)}"


def _program_failure(server: StdioServer, causes: list[Exception], answered: bool) -> str:
    match causes:
        case [TimeoutError()]:
            return f"did not answer within {server.timeout:g} s of its start."
        case [FileNotFoundError()]:
            return f"cannot be started: there is no program '{server.command}'; install it, or give its whole path."
        case [NotADirectoryError()]:
            return f'cannot be started: its "cwd", {server.cwd}, is no folder.'
        case [OSError() as error]:
            return f"cannot be started: '{server.command}': {error.strerror}."
        case [MCPError() as error] if error.code != CONNECTION_CLOSED:
            return f"refused the session: {error}."
    return "ended." if answered else "ended before it answered."


def _http_failure(server: HttpServer, trace: Trace, causes: list[Exception], answered: bool) -> str:
    if trace.refusal in (401, 403):
        return (
            f'wants to know who asks (HTTP {trace.refusal}); put what it expects under "headers", '
            'such as {"Authorization": "Bearer ${TOKEN}"}. Signing in with a browser (OAuth) is not offered.'
        )
    if trace.refusal == OWN_QUESTION:
        return "is this very Jackfield, which has those tools already; take it out of mcp.json."
    if trace.refusal is not None:
        return f"answered with HTTP {trace.refusal}; is {server.place} the address of an MCP server?"
    match causes:
        case [TimeoutError() | httpx2.TimeoutException(), *_]:
            return f"did not answer within {server.timeout:g} s."
        case [httpx2.TransportError() as error, *_]:
            return f"cannot be reached at {server.place}: {str(error).rstrip('.') or type(error).__name__}."
        case [MCPError() as error, *_] if error.code != CONNECTION_CLOSED:
            return f"refused the session: {error}."
    return "closed the connection." if answered else f"does not speak MCP at {server.place}."


def _causes(error: BaseException) -> Iterator[Exception]:
    """What task groups have wrapped."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _causes(inner)
    elif isinstance(error, Exception):
        yield error


def _last_words(trace: Trace) -> str:
    words = trace.stderr.last_words
    return f" It wrote: “{words[-LONGEST_WORDS:]}”." if words else ""
