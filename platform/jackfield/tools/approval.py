"""Which calls are run unasked, and which wait for somebody's approval."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from jackfield.contracts.guards import Guard, Plan
from jackfield.contracts.runs import ToolUse
from jackfield.contracts.tools import Permission, ToolDescription
from jackfield.events import PendingCall
from jackfield.messages import Call, Span

log = structlog.get_logger()

DOES: dict[Permission, str] = {
    "read": "reads",
    "write": "writes",
    "network": "reaches the network",
    "execute": "executes code",
}


class Approval:
    """The rules of one run: permissions that were given, and guards that watch what causes a call.

    A permission given in advance, even for all calls, is no answer to a guard: text that came from a tool could
    otherwise do whatever the run may.
    """

    def __init__(self, use: ToolUse, allowed: Sequence[Permission], guards: Sequence[Guard]) -> None:
        self._granted = use.approval == "grant"
        self._allowed = frozenset(("read", *allowed, *use.allowed))
        self._guards = tuple(guards)

    def permits(self, tool: ToolDescription) -> bool:
        """Whether calls of a tool need nobody's permission."""
        return self._granted or tool.permission in self._allowed

    async def pending(
        self, call: Call, tool: ToolDescription, *, caused_by: Sequence[Span], plan: Plan
    ) -> PendingCall | None:
        """A call that must wait for a person, with why; None where it need not."""
        for guard in self._guards:
            verdict = await guard.call(call, tool, caused_by=caused_by, plan=plan)
            if not verdict.passes:
                log.info("a guard holds a call back", guard=guard.name, tool=call.tool, reason=verdict.reason)
                return PendingCall(call=call, reason=verdict.reason, guarded=True)
        if not self.permits(tool):
            reason = f"'{call.tool}' {DOES[tool.permission]}, which nobody has permitted in this run."
            return PendingCall(call=call, reason=reason)
        return None
