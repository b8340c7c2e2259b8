"""Prompts read one after the other through a KV cache, with nothing of the decode loop around it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.engine import TokenBatch, TokenEngine
from jackfield.decoding.kv_cache import KVCache
from jackfield.decoding.saved_prefixes import SavedPrefixes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a prompt took in seconds, how much of it was cached, and the logits after it, (n_vocab,)."""

    cached: int
    placing: float
    evaluating: float
    logits: NDArray[np.float32]

    @property
    def seconds(self) -> float:
        """From the prompt to the logits."""
        return self.placing + self.evaluating


class CachedReader:
    """A cache over an engine; each prompt that was read stays for those that begin with it."""

    def __init__(self, engine: TokenEngine, saved: SavedPrefixes) -> None:
        self._engine = engine
        self._cache = KVCache(engine, saved)

    def read(self, prompt: Sequence[int]) -> Reading:
        """Evaluate what is not cached of a prompt, in batches as large as the engine takes."""
        began = time.perf_counter()
        place = self._cache.place(prompt)
        placed = time.perf_counter()
        row = 0
        for start in range(place.cached, len(prompt), self._engine.limits.batch_tokens):
            part = prompt[start : start + self._engine.limits.batch_tokens]
            batch = TokenBatch()
            for position, token in enumerate(part, start):
                row = batch.add(token, position=position, sequence=place.slot, logits=position == len(prompt) - 1)
            self._engine.evaluate(batch)
            self._cache.grew(place.slot, part)
        logits = self._engine.logits(row).copy()
        evaluated = time.perf_counter()
        self._cache.keep(place.slot)
        return Reading(cached=place.cached, placing=placed - began, evaluating=evaluated - placed, logits=logits)
