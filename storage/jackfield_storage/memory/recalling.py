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
MOST_KNOWN = 50_000
"""Vectors that are kept in memory, of 1.5 kB each."""

Key = tuple[str, str, int]
"""Model, unit and version."""


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
    """Vectors by unit and version: what has not changed is read once, while there are no more than `most`."""

    def __init__(self, database: Database, *, most: int = MOST_KNOWN) -> None:
        self._database = database
        self._most = most
        self._known: dict[Key, NDArray[np.float32]] = {}

    async def vectors(
        self, model: str, units: Sequence[MemoryUnit], embedder: Embedder
    ) -> dict[str, NDArray[np.float32]]:
        """Each unit's vector; those that were made by another model, or never, are made now and kept here."""
        keys = {unit.id: (model, unit.id, unit.version) for unit in units}
        held = {key: self._known[key] for key in keys.values() if key in self._known}
        missing = [unit for unit in units if keys[unit.id] not in held]
        for start in range(0, len(missing), BATCH):
            held |= await self._read(model, missing[start : start + BATCH])
        without = [unit for unit in missing if keys[unit.id] not in held]
        for start in range(0, len(without), BATCH):
            batch = without[start : start + BATCH]
            made = await embedder.embed([unit.text for unit in batch])
            held |= {keys[unit.id]: vector for unit, vector in zip(batch, made, strict=True)}
        if len(self._known) + len(held) > self._most:
            self._known = {}  # with those of units that were forgotten or changed since
        self._known |= held
        return {unit.id: held[keys[unit.id]] for unit in units}

    async def _read(self, model: str, units: Sequence[MemoryUnit]) -> dict[Key, NDArray[np.float32]]:
        versions = {unit.id: unit.version for unit in units}
        chosen = select(MemoryVectorRow).where(MemoryVectorRow.model == model, MemoryVectorRow.memory_id.in_(versions))
        return {
            (model, row.memory_id, versions[row.memory_id]): np.frombuffer(row.vector, dtype="<f2").astype(np.float32)
            for row in await self._database.rows(chosen)
        }
