"""What runs that work in steps may be told: how far to go, what is granted, how calls are written."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from jackfield.contracts.runs import RunLimits
from jackfield.contracts.tools import CallMode, Permission

ServerTools = Annotated[list[str], Meta(description="Names of tools that are run here; GET /api/tools lists them.")]
Allowed = Annotated[
    list[Permission], Meta(description="Calls that need these run unasked; others wait for /api/runs/{id}/approve.")
]
Protocol = Annotated[str, Meta(description="How calls are written and recognised; what settings name if left out.")]
Mode = Annotated[CallMode, Meta(description="Whether calls wait for each other, run side by side, or while it writes.")]
AgentName = Annotated[str, Meta(description="The policy over the run, such as a loop over tools.")]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a run that works in steps is stopped, with the error `limit_reached`."""

    steps: Annotated[int, Meta(ge=1, description="Model answers; 32 if left out.")] | None = None
    tokens: Annotated[int, Meta(ge=1, description="Tokens written.")] | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None
    spend: Annotated[float, Meta(ge=0, description="Money.")] | None = None


def run_limits(limits: Limits | None) -> RunLimits:
    """The limits that a request sets, over the platform's own."""
    given = {} if limits is None else msgspec.structs.asdict(limits)
    return msgspec.structs.replace(RunLimits(), **{name: value for name, value in given.items() if value is not None})
