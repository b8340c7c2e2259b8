"""Errors as Anthropic words them: `{"type": "error", "error": {"type", "message"}, "request_id"}`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response

from jackfield.identifiers import new_identifier
from jackfield.telemetry.origin import current_origin
from jackfield_web.errors import problem_of

OVERLOADED = 529
"""What Anthropic's service answers where it has no room, and its clients have a class for."""

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}
"""Anthropic's class of error for each status that has one of its own."""


class MessageErrorDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The code that programs match on, and the parameter at fault."""

    error_code: str | None
    parameter: str | None


class MessageErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """Anthropic's class of error, and a sentence."""

    type: str
    message: str
    details: MessageErrorDetails


class MessageError(msgspec.Struct, frozen=True, kw_only=True, tag="error", tag_field="type"):
    """The body of every answer of this address that is an error."""

    error: MessageErrorDetail
    request_id: str


class MessageProblem(msgspec.Struct, frozen=True, kw_only=True):
    """An error as HTTP."""

    status: int
    body: MessageError
    headers: dict[str, str]


def message_problem(error: Exception) -> MessageProblem:
    """Any error in Anthropic's words, with the status that its clients know it by."""
    problem = problem_of(error)
    fault = problem.body.error
    status = OVERLOADED if fault.code == "overloaded" else problem.status
    observed = current_origin.get().request_id  # its header is set for every answer of these routes
    request_id = observed or new_identifier("req")
    detail = MessageErrorDetail(
        type=TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error"),
        message=fault.message,
        details=MessageErrorDetails(error_code=fault.code, parameter=fault.param),
    )
    return MessageProblem(
        status=status,
        body=MessageError(error=detail, request_id=request_id),
        headers=problem.headers if observed else {**problem.headers, "request-id": request_id},
    )


def message_error_response(_: Request[Any, Any, Any], error: Exception) -> Response[MessageError]:
    """Litestar's handler for every exception of these routes."""
    problem = message_problem(error)
    return Response(problem.body, status_code=problem.status, headers=problem.headers)
