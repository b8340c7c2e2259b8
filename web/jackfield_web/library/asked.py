"""What routes about semantic files have in common: where a file is, which version is meant, which one is expected."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response
from litestar.di import NamedDependency, Provide
from litestar.params import HeaderParameter, QueryParameter

from jackfield.contracts.files import Point, Written
from jackfield.contracts.identity import Principal
from jackfield.errors import FileChanged, FileNotThere, InvalidRequest, JackfieldError
from jackfield.files.library import Library
from jackfield.files.open_collection import OpenCollection
from jackfield.identity.audit import Actor, AuditLog
from jackfield.workbench import Workbench
from jackfield_web.documentation import BAD_BODY, BAD_PARAMETER, LIBRARY_ERRORS
from jackfield_web.errors import ERROR_CODE, ErrorBody, problem_of
from jackfield_web.identity.recognise import address_of

MOST_VERSIONS = 2**31 - 1

Path = Annotated[str, QueryParameter(description="The file's path in the collection.", min_length=1)]
Under = Annotated[str, QueryParameter(description="Only files below this path; a whole folder, or one file.")]
Deleted = Annotated[bool, QueryParameter(description="Look among deleted files instead.")]
Reason = Annotated[str, QueryParameter(description="Why, for the history.", max_length=2000)]
Change = Annotated[
    str, QueryParameter(description="A name for what is done; changes of one name are undone together.", max_length=200)
]
Version = Annotated[
    int | None, QueryParameter(description="Which version; the newest if left out.", ge=1, le=MOST_VERSIONS)
]
At = Annotated[
    str | None,
    QueryParameter(
        description="The version that was the newest at this time, in ISO 8601; without a zone it is UTC.",
        schema_extra={"format": "date-time"},
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="if-match", description='Change nothing unless this is the newest version, such as `"3"`; `*`: any.'
    ),
]
IfNoneMatch = Annotated[
    str | None, HeaderParameter(name="if-none-match", description="`*`: change nothing if there is such a file.")
]

READ = LIBRARY_ERRORS
ASKED = LIBRARY_ERRORS | BAD_PARAMETER
SENT = LIBRARY_ERRORS | BAD_BODY
"""What these routes can end with, with no body and with one."""

TAGGED = 16
"""Signs of a digest that are part of a tag."""

_TAG = re.compile(rf'(?:W/)?"(\d{{1,9}})(?:-[0-9a-f]{{{TAGGED}}})?"')


def library_dependency(workbench: NamedDependency[Workbench], principal: NamedDependency[Principal]) -> Library:
    """The dependency `library`: semantic files as whoever asks sees them."""
    return workbench.library(principal)


class Notes:
    """Puts acts of administration into the audit log, where there is one."""

    def __init__(self, audit: AuditLog | None, actor: Actor) -> None:
        self._audit = audit
        self._actor = actor

    async def note(self, action: str, target: str, **detail: Any) -> None:
        """Once it is done; the action is a noun and a verb."""
        if self._audit:
            await self._audit.note(self._actor, action, target, **detail)


def notes_dependency(request: Request[Any, Any, Any], principal: NamedDependency[Principal]) -> Notes:
    """The dependency `notes`."""
    identity = request.app.state.workbench.identity
    return Notes(identity.audit if identity else None, Actor.of(principal, address_of(request)))


LIBRARY = {"library": Provide(library_dependency, sync_to_thread=False)}
ADMINISTERED = {**LIBRARY, "notes": Provide(notes_dependency, sync_to_thread=False)}


def point_of(version: int | None, at: str | datetime | None) -> Point:
    """Which version is meant; raises InvalidRequest where both are said, or the time is none."""
    if version is not None and at is not None:
        raise InvalidRequest("Say which version by 'version' or by 'at', not by both.", parameter="at")
    return Point(number=version, at=instant(at, "at") if isinstance(at, str) else at)


def instant(text: str, parameter: str) -> datetime:
    """A time in ISO 8601; raises InvalidRequest."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"'{parameter}' is '{text[:100]}'; a time in ISO 8601 is expected, such as 2026-11-21T14:00:00Z.",
            parameter=parameter,
        ) from error


def etag(version: int, digest: str) -> str:
    """How a version is called in headers: by its bytes too, since another file may have come to a path."""
    return f'"{version}-{digest[:TAGGED]}"'


def told(written: Written) -> Response[Written]:
    """What a change made, with the version in a header too."""
    return Response(written, headers={"etag": etag(written.file.version, written.file.digest)})


def tagged_version(tag: str, header: str) -> int:
    """The version that a header's entity tag names; raises InvalidRequest."""
    found = _TAG.fullmatch(tag.strip())
    if found is None:
        raise InvalidRequest(
            f"The header '{header}' is '{tag[:100]}'; one version in quotes is expected, such as \"3\", or *."
        )
    return int(found[1])


async def expected_version(
    collection: OpenCollection, path: str, if_match: str | None, if_none_match: str | None = None
) -> int | None:
    """The version that a change may replace, 0 for none, None for any; raises InvalidRequest or FileNotThere."""
    if if_match is not None and if_none_match is not None:
        raise InvalidRequest("Send 'If-Match' or 'If-None-Match', not both.")
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise InvalidRequest("To change a file, 'If-None-Match' can only be *: there must be no such file.")
        return 0
    if if_match is None:
        return None
    if if_match.strip() == "*":
        return (await collection.look(path)).version
    expected = tagged_version(if_match, "If-Match")
    return expected if "-" not in if_match else await _still(collection, path, if_match, expected)


async def _still(collection: OpenCollection, path: str, tag: str, expected: int) -> int:
    """The version that a tag names with its bytes; raises FileChanged where it is another file's."""
    file = await collection.look(path)
    if etag(file.version, file.digest) != tag.strip().removeprefix("W/"):
        raise FileChanged(f"'{path}' is not what you read: it is at version {file.version} now.", version=file.version)
    return expected


def precondition_failed(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    """Where a header named the version that was expected, another one is 412 and not 409."""
    conditional = "if-match" in request.headers or "if-none-match" in request.headers
    problem = problem_of(error)
    request.scope["state"][ERROR_CODE] = problem.body.error.code
    missing = isinstance(error, FileNotThere) and request.headers.get("if-match", "").strip() == "*"
    status = 412 if conditional and (missing or isinstance(error, FileChanged)) else problem.status
    headers = dict(problem.headers)
    if isinstance(error, FileChanged) and error.version:
        headers["etag"] = f'"{error.version}"'
    return Response(problem.body, status_code=status, headers=headers)


CONDITIONAL: dict[int | type[Exception], Any] = {JackfieldError: precondition_failed}
"""The exception handlers of controllers whose changes take those headers."""
