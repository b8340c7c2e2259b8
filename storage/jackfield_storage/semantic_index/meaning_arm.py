"""Passages by what they mean: those whose vectors are nearest to the query's."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from jackfield.contracts.files import VectorIndexFactory
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.full_text import Scope
from jackfield_storage.semantic_index.vector_caches import CollectionVectors, VectorCaches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Nearest(msgspec.Struct, frozen=True):
    """Cosine similarities by passage, best first, and how many passages could not be compared yet."""

    similarities: dict[int, float] = {}
    waiting: int = 0


class MeaningArm:
    """Holds vectors, and reads them in a thread of its own, so that a fill never holds up those of the database."""

    def __init__(self, database: Database, factory: VectorIndexFactory) -> None:
        self._database = database
        self._caches = VectorCaches(factory)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vectors")

    async def held(self, model: str, scope: Scope) -> list[CollectionVectors]:
        """The vectors of each collection, as the database has them now."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._held, model, scope)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)

    def _held(self, model: str, scope: Scope) -> list[CollectionVectors]:
        with self._database.looking() as connection:
            self._caches.follow(connection, model)
            return [self._caches.of(connection, collection_id) for collection_id in scope.collection_ids]


def nearest(held: Sequence[CollectionVectors], vector: NDArray[np.float32], scope: Scope, depth: int) -> Nearest:
    """Up to `depth` passages of what is held. Blocking, and for any thread."""
    similar: dict[int, float] = {}
    for one in held:
        similar.update(one.nearest(vector, depth, scope.passages))
    best = sorted(similar.items(), key=lambda found: (-found[1], found[0]))[:depth]
    return Nearest(dict(best), sum(len(one.waiting) for one in held))
