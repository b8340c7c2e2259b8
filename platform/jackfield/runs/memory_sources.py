"""What is remembered of whoever asks, as sources of a run."""

from __future__ import annotations

from collections.abc import Callable

from jackfield.contracts.memory import Memory, MemoryUnit
from jackfield.contracts.runs import RunRecord
from jackfield.events import Source
from jackfield.memory.taker import asker_of
from jackfield.runs.recall import Findings


class MemorySources:
    """Recalls for runs that were begun with memory on."""

    def __init__(self, memory: Callable[[], Memory], limit: int) -> None:
        self._memory = memory
        self._limit = limit

    async def found(self, run: RunRecord, question: str) -> Findings | None:
        """None also where nothing bears on the question; raises NothingRegistered where nothing can be remembered."""
        if not run.request.memory:
            return None
        recalled = await self._memory().recall(question, asker=asker_of(run.account), limit=self._limit)
        return Findings(sources=tuple(source_of(one.unit) for one in recalled)) if recalled else None


def source_of(unit: MemoryUnit) -> Source:
    """A unit that was recalled, not yet numbered. What somebody else remembered for all may not command."""
    return Source(
        number=0,
        kind="memory",
        id=unit.id,
        version=unit.version,
        text=unit.text,
        provenance="remote" if unit.visibility != "owner" else "file",
    )
