"""Ranking units for a question, over vectors that are kept in memory for as long as they hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from jackfield.contracts.files import Embedder
from jackfield.contracts.memory import MemoryUnit, Recalled
from jackfield_storage.engine import Database
from jackfield_storage.memory.scoring import bears, score, shared_words, words_of
from jackfield_storage.tables import MemoryVectorRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 500
"""Units that are looked up at a time."""


def ranked(
    query: str, units: Sequence[MemoryUnit], similarities: Mapping[str, float], now: datetime
) -> tuple[Recalled, ...]:
    """The units that bear on a question, best first."""
    asked = words_of(query)
    found = []
    for unit in units:
        similarity, shared = similarities.get(unit.id), shared_words(asked, unit.text)
        if bears(similarity, shared):
            found.append(Recalled(unit=unit, score=score(unit, similarity, shared, now), similarity=similarity))
    return tuple(sorted(found, key=lambda recalled: (-recalled.score, recalled.unit.id)))


class VectorCache:
    """Vectors by unit and version: what has not changed is read once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str, int], NDArray[np.float32]] = {}

    async def vectors(
        self, model: str, units: Sequence[MemoryUnit], embedder: Embedder
    ) -> dict[str, NDArray[np.float32]]:
        """Each unit's vector; those that were made by another model, or never, are made now and kept here."""
        keys = {unit.id: (model, unit.id, unit.version) for unit in units}
        missing = [unit for unit in units if keys[unit.id] not in self._known]
        for start in range(0, len(missing), BATCH):
            await self._read(model, missing[start : start + BATCH])
        without = [unit for unit in missing if keys[unit.id] not in self._known]
        for start in range(0, len(without), BATCH):
            batch = without[start : start + BATCH]
            made = await embedder.embed([unit.text for unit in batch])
            self._known |= {keys[unit.id]: vector for unit, vector in zip(batch, made, strict=True)}
        return {unit.id: self._known[keys[unit.id]] for unit in units}

    async def _read(self, model: str, units: Sequence[MemoryUnit]) -> None:
        versions = {unit.id: unit.version for unit in units}
        chosen = select(MemoryVectorRow).where(MemoryVectorRow.model == model, MemoryVectorRow.memory_id.in_(versions))
        for row in await self._database.rows(chosen):
            vector = np.frombuffer(row.vector, dtype="<f2").astype(np.float32)
            self._known[(model, row.memory_id, versions[row.memory_id])] = vector
