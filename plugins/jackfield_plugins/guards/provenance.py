"""No text from a tool, a file or a remote model causes an effect by itself: the task must ask for it, or a person."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.contracts.guards import PASSES, Plan, Verdict
from jackfield.contracts.tools import ToolDescription
from jackfield.messages import Call, Span
from jackfield.tools.provenance import covers, is_tainted


class ProvenanceGuard:
    """Lets a call pass that only reads, one whose model has read nothing tainted, and one that the task asks for.

    What a task asks for is told by the model before it has read anything else (the instruction hierarchy, kept by
    construction): a planned call covers another of the same tool with the same targets.
    """

    name = "provenance"

    def span(self, span: Span) -> Verdict:
        """Anything may be read."""
        return PASSES

    async def call(self, call: Call, tool: ToolDescription, *, caused_by: Sequence[Span], plan: Plan) -> Verdict:
        """Whether the task asks for an effect, where something tainted could be what asks."""
        if tool.permission == "read" or not any(map(is_tainted, caused_by)):
            return PASSES
        if any(covers(planned, call, tool) for planned in await plan()):
            return PASSES
        return Verdict(
            passes=False,
            reason=f"'{call.tool}' was called once text from outside was read, and the task does not ask for it.",
        )
