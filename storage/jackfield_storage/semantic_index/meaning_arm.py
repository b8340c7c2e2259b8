"""Passages by what they mean: those whose vectors are nearest to the query's."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.files import VectorIndexFactory
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.full_text import Scope
from jackfield_storage.semantic_index.vector_caches import VectorCaches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Nearest(msgspec.Struct, frozen=True):
    """Cosine similarities by passage, best first, and how many passages could not be compared yet."""

    similarities: dict[int, float]
    waiting: int


class MeaningArm:
    """Searches vectors in a thread of its own, one search at a time, so that a fill never holds up the database's."""

    def __init__(self, database: Database, factory: VectorIndexFactory) -> None:
        self._database = database
        self._caches = VectorCaches(factory)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vectors")

    async def ranked(self, model: str, vector: NDArray[np.float32], scope: Scope, depth: int) -> Nearest:
        """Up to `depth` passages."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._ranked, model, vector, scope, depth)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _ranked(self, model: str, vector: NDArray[np.float32], scope: Scope, depth: int) -> Nearest:
        similar: dict[int, float] = {}
        waiting = 0
        with self._database.looking() as connection:
            self._caches.follow(connection, model)
            for collection_id in scope.collection_ids:
                held = self._caches.of(connection, collection_id)
                waiting += len(held.waiting)
                if held.index is not None:
                    similar.update(held.index.search(vector, depth, scope.passages))
        best = sorted(similar.items(), key=lambda found: (-found[1], found[0]))[:depth]
        return Nearest(dict(best), waiting)
