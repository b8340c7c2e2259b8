"""Each collection's vectors in memory, filled from the database and kept up to date from the feed of changes.

All of it blocks. The caches belong to one thread, that of `MeaningArm`; any may search what they hold.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Row, bindparam, text

from jackfield.contracts.files import VectorIndex, VectorIndexFactory
from jackfield_storage.vectors.stored import loaded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_CACHES = 64
"""Collections whose vectors are held at once; the one that was not searched for longest goes first."""
PIECE = 5_000
"""Vectors that are read at a time."""

_FEED = "SELECT (SELECT min(id) FROM index_changes), (SELECT max(id) FROM index_changes)"
_CHANGES = text("SELECT id, collection_id, passage_id FROM index_changes WHERE id > :after ORDER BY id LIMIT :most")
_ALL = text("""
    SELECT held.passage_id, vector FROM collection_passages AS held
    LEFT JOIN passage_vectors ON passage_vectors.passage_id = held.passage_id AND model = :model
    WHERE held.collection_id = :collection AND held.passage_id > :after ORDER BY held.passage_id LIMIT :most
""")
_SOME = text("""
    SELECT held.passage_id, vector FROM collection_passages AS held
    LEFT JOIN passage_vectors ON passage_vectors.passage_id = held.passage_id AND model = :model
    WHERE held.collection_id = :collection AND held.passage_id IN :passages
""").bindparams(bindparam("passages", expanding=True))


class VectorCaches:
    """Vector indexes by collection, for one model at a time: another's are dropped when the first search uses it."""

    def __init__(self, factory: VectorIndexFactory) -> None:
        self._factory = factory
        self._model = ""
        self._seen = 0
        self._indexes: OrderedDict[str, CollectionVectors] = OrderedDict()

    def follow(self, connection: Connection, model: str) -> None:
        """Bring what is held up to what the connection's transaction sees."""
        oldest, newest = (number or 0 for number in connection.exec_driver_sql(_FEED).one())
        pruned = oldest > self._seen + 1
        if model != self._model or pruned or newest < self._seen:
            self._indexes.clear()
            self._model = model
        if not self._indexes:
            # Read before any vectors are: what changes in between is looked at twice, and nothing never.
            self._seen = newest
        while self._seen < newest and (changes := self._changes(connection)):
            touched: dict[str, set[int]] = {}
            for change in changes:
                if change.collection_id in self._indexes:
                    touched.setdefault(change.collection_id, set()).add(change.passage_id)
            for collection_id, passages in touched.items():
                self._look_again(connection, collection_id, passages)
            self._seen = changes[-1].id

    def _changes(self, connection: Connection) -> Sequence[Row[tuple[int, str, int]]]:
        return connection.execute(_CHANGES, {"after": self._seen, "most": PIECE}).all()

    def of(self, connection: Connection, collection_id: str) -> CollectionVectors:
        """A collection's vectors, to be asked for after `follow`."""
        if collection_id not in self._indexes:
            held = CollectionVectors(self._factory)
            self._fill(connection, collection_id, held)
            self._indexes[collection_id] = held
            if len(self._indexes) > MOST_CACHES:
                self._indexes.popitem(last=False)
        self._indexes.move_to_end(collection_id)
        return self._indexes[collection_id]

    def _fill(self, connection: Connection, collection_id: str, held: CollectionVectors) -> None:
        given = {"model": self._model, "collection": collection_id, "after": 0, "most": PIECE}
        while rows := connection.execute(_ALL, given).all():
            held.put(rows)
            given["after"] = rows[-1].passage_id

    def _look_again(self, connection: Connection, collection_id: str, passages: set[int]) -> None:
        given = {"model": self._model, "collection": collection_id, "passages": sorted(passages)}
        held = self._indexes[collection_id]
        rows = connection.execute(_SOME, given).all()
        # Those that stay are replaced and not dropped: a search in another thread is to miss none of them.
        held.drop(passages - {row.passage_id for row in rows if row.vector is not None})
        held.put(rows)


class CollectionVectors:
    """One collection's: an index of those that are there, and the passages whose vectors have not been made yet."""

    def __init__(self, factory: VectorIndexFactory) -> None:
        self._factory = factory
        self._index: VectorIndex | None = None
        self._in_use = threading.Lock()
        self.waiting: set[int] = set()

    def nearest(
        self, vector: NDArray[np.float32], limit: int, among: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """Passages with their similarities, best first; `among` are those that may be found."""
        with self._in_use:
            return [] if self._index is None else self._index.search(vector, limit, among)

    def put(self, rows: Sequence[Row[tuple[int, bytes | None]]]) -> None:
        """Passages with their vectors, None where there is none yet."""
        self.waiting.update(row.passage_id for row in rows if row.vector is None)
        made = [row for row in rows if row.vector is not None]
        self.waiting.difference_update(row.passage_id for row in made)
        if made:
            vectors = loaded([row.vector for row in made])
            with self._in_use:
                if self._index is None:
                    self._index = self._factory.open(vectors.shape[1])
                self._index.add([row.passage_id for row in made], vectors)

    def drop(self, passages: set[int]) -> None:
        """Forget passages."""
        self.waiting -= passages
        with self._in_use:
            if self._index is not None:
                self._index.remove(sorted(passages))
