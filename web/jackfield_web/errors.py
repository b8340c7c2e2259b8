"""The one place where errors become HTTP: a status, headers, and OpenAI's `{"error": {…}}` body."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from jackfield.errors import (
    RETRY_AFTER,
    BlobDamaged,
    BudgetExceeded,
    CallDenied,
    Conflict,
    DiskFull,
    FileLocked,
    FileUnreadable,
    InvalidRequest,
    JackfieldError,
    LimitReached,
    ModelTooLarge,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    NothingRegistered,
    QuotaReached,
    StateUnavailable,
    StorageFull,
    ToolFailure,
    ToolTimeout,
    Unavailable,
    error_from_code,
)
from jackfield.events import Failed
from jackfield.identifiers import new_identifier

log = structlog.get_logger()

STATUSES: dict[type[JackfieldError], int] = {
    JackfieldError: 500,
    InvalidRequest: 400,
    NotFound: 404,
    Conflict: 409,
    NotAuthenticated: 401,
    NotAllowed: 403,
    QuotaReached: 429,
    CallDenied: 403,
    LimitReached: 422,
    ToolFailure: 502,
    ToolTimeout: 504,
    Unavailable: 503,
    NothingRegistered: 501,
    StateUnavailable: 503,
    DiskFull: 507,
    StorageFull: 507,
    FileLocked: 423,
    FileUnreadable: 422,
    BlobDamaged: 500,
    ModelTooLarge: 507,
}
"""The status of each branch of the error tree; a class that is not named has that of the nearest above it.

A run's own limit is no 429: what it says is not that the same request may pass later.
"""

ONCE = frozenset({409, 502, 504})
"""Statuses that clients would try again of their own accord, and so do twice what tools did or what was stopped."""

BLAME = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
"""OpenAI's classes of error, where they are not simply a request's fault."""

discreet: ContextVar[bool] = ContextVar("discreet", default=False)
"""Whether whoever asks is not to learn where the database lies: they need not be who runs this server."""

ERROR_CODE = "error_code"
"""Under which a request's state holds the code of its error."""

HTTP_CODES = {
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
    499: "client_gone",
}
"""The codes of what Litestar refuses before a handler runs."""


class ErrorDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence, OpenAI's class of error, the parameter at fault, and a code that programs match on."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ErrorBody(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    error: ErrorDetail


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error as HTTP."""

    status: int
    body: ErrorBody
    headers: dict[str, str] = {}


class ClientGone(HTTPException):
    """The client hung up, so nobody reads the answer."""

    status_code = 499
    detail = "The client closed the connection."


def problem_of(error: Exception) -> Problem:
    """Any error as HTTP; one that nobody expected is logged, and the client gets the log entry's id."""
    if isinstance(error, JackfieldError):
        return _expected(error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _refused(error)
    return _unexpected(error)


def error_of(failure: Failed) -> JackfieldError:
    """The error that a run's `Failed` event tells of, in the class that has its code."""
    return error_from_code(failure.code, failure.message, parameter=failure.parameter, retry_after=failure.retry_after)


def error_response(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    """Litestar's handler for every exception; figures find its code in the request's state."""
    problem = problem_of(error)
    request.scope["state"][ERROR_CODE] = problem.body.error.code
    return Response(problem.body, status_code=problem.status, headers=problem.headers)


def _expected(error: JackfieldError) -> Problem:
    status = next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)
    retry_after = getattr(error, "retry_after", RETRY_AFTER)
    if status == 500:
        log.error("request failed", code=error.code, reason=error.message)
    return Problem(
        status=status,
        body=_body(status, _told(error), parameter=error.parameter, code=error.code),
        headers=_challenge(status) | _retrying(status, retry_after, once=isinstance(error, BudgetExceeded)),
    )


def _told(error: JackfieldError) -> str:
    """The sentence for whoever asks; where that is not the whole one, the log has it."""
    if not (discreet.get() and isinstance(error, StateUnavailable) and error.told):
        return error.message
    log.error("the database failed", code=error.code, reason=error.message)
    return error.told


def _challenge(status: int) -> dict[str, str]:
    """How to say who one is, for whoever was not recognised."""
    return {"www-authenticate": 'Bearer realm="jackfield"'} if status == 401 else {}


def _retrying(status: int, retry_after: int | None, *, once: bool) -> dict[str, str]:
    """Headers on trying again; `x-should-retry` is what OpenAI's clients obey.

    A budget's next day or month is told, but is nothing to wait for with a request at hand.
    """
    headers = {"x-should-retry": "false"} if once or status in ONCE else {}
    if status in (429, 503) and retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return headers


def _refused(error: HTTPException) -> Problem:
    status = error.status_code
    return Problem(
        status=status,
        body=_body(
            status, _sentence(error), code=HTTP_CODES.get(status, "invalid_request"), parameter=_parameter(error)
        ),
        headers=dict(error.headers or {}),
    )


def _sentence(error: HTTPException) -> str:
    match error:
        case ValidationException(extra=[{"message": message, **place}, *_]):
            return f"Parameter '{place.get('key', 'request')}': {message}."
        case HTTPException(status_code=404):
            return "There is nothing at this address; GET /openapi.json lists what there is."
        case HTTPException(status_code=405):
            allowed = (error.headers or {}).get("allow", "other methods")
            return f"This address does not take this method; it takes {allowed}."
        case HTTPException(status_code=413):
            return "The request's body is too large; 32 MiB is the most that is read."
    return error.detail


def _parameter(error: HTTPException) -> str | None:
    """The one at fault, where Litestar says which."""
    match error:
        case ValidationException(extra=[{"key": str(key)}, *_]):
            return key
    return None


def _unexpected(error: Exception) -> Problem:
    identifier = new_identifier("error")
    log.error("request failed unexpectedly", error=identifier, exc_info=error)
    message = f"The server failed at this request; its log tells more under {identifier}."
    return Problem(status=500, body=_body(500, message, code="internal_error"))


def _body(status: int, message: str, *, code: str, parameter: str | None = None) -> ErrorBody:
    kind = "server_error" if status >= 500 else BLAME.get(status, "invalid_request_error")
    if code == BudgetExceeded.code:
        kind = code
    return ErrorBody(ErrorDetail(message=message, type=kind, param=parameter, code=code))
