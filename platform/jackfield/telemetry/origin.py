"""Where a run came from: the request's id, and its place in a trace; both travel with the run's record."""

from __future__ import annotations

import re
from contextvars import ContextVar

import msgspec

from jackfield.identifiers import new_identifier

WELL_FORMED_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
WELL_FORMED_PARENT = re.compile(r"[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Origin(msgspec.Struct, frozen=True):
    """A request: its id, and its span as W3C's `traceparent`, empty where nothing is traced."""

    request_id: str = ""
    traceparent: str = ""

    def __str__(self) -> str:
        """As it is kept in `RunRecord.trace`."""
        return f"{self.traceparent} {self.request_id}"


NOWHERE = Origin()

current_origin: ContextVar[Origin] = ContextVar("current_origin", default=NOWHERE)
"""The request that is being answered, in whatever task works for it."""


def carried_origin() -> str | None:
    """The current request as a run's record carries it, None where there is none."""
    origin = current_origin.get()
    return str(origin) if origin.request_id or origin.traceparent else None


def read_origin(trace: str | None) -> Origin:
    """The request that a record tells of; also a bare `traceparent` is read."""
    parent, _, request_id = (trace or "").partition(" ")
    return Origin(request_id, trusted_parent(parent))


def request_id_of(offered: str | None) -> str:
    """The id that a client gave its request, if it is well-formed, else a new one."""
    return offered if offered and WELL_FORMED_ID.fullmatch(offered) else new_identifier("req")


def trusted_parent(offered: str | None) -> str:
    """A well-formed `traceparent`, else an empty one."""
    return offered if offered and WELL_FORMED_PARENT.fullmatch(offered) and offered[:2] != "ff" else ""
