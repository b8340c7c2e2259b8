"""The adapters that an engine holds in memory for the sequences of a loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jackfield.contracts.engine import AdaptableEngine, TokenEngine
from jackfield.errors import UnsupportedParameter

if TYPE_CHECKING:
    from jackfield.decoding.sequence import DecodingSequence

MOST_IDLE = 8
"""Adapters that stay for the next request though nobody uses them; the least lately used goes first."""


class LoadedAdapters:
    """Loads adapters when they are needed. Only the loop's thread uses it."""

    def __init__(self, engine: TokenEngine) -> None:
        self._engine = engine
        self._loaded: dict[str, None] = {}

    def make_ready(self, sequence: DecodingSequence, running: Iterable[DecodingSequence]) -> None:
        """Load a sequence's adapter, if it has one; raises what the engine raises, or UnsupportedParameter."""
        adapter = sequence.request.adapter
        if adapter is None:
            return
        engine = adaptable(self._engine)
        engine.load_adapter(adapter)
        self._loaded.pop(adapter.key, None)
        self._loaded[adapter.key] = None
        used = {adapter.key, *(other.family for other in running)}
        idle = [key for key in self._loaded if key not in used]
        for key in idle[: max(len(idle) - MOST_IDLE, 0)]:
            engine.unload_adapter(key)
            del self._loaded[key]


def adaptable(engine: TokenEngine) -> AdaptableEngine:
    """The engine itself; raises UnsupportedParameter where it takes no adapters."""
    if not isinstance(engine, AdaptableEngine):
        raise UnsupportedParameter(
            f"The engine of model '{engine.model.name}' takes no adapters; ask without one.", parameter="adapter"
        )
    return engine
