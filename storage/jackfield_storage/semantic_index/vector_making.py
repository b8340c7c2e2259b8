"""Vectors for the passages that are found and have none of the current model, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Connection, text

from jackfield.contracts.files import Embedder
from jackfield.errors import InvalidRequest, ModelError
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.contents import add_vectors
from jackfield_storage.semantic_index.leases import Lease
from jackfield_storage.semantic_index.preparing import embedded_text
from jackfield_storage.semantic_index.progress import vectors_missing
from jackfield_storage.vectors.stored import stored

log = structlog.get_logger(__name__)

BATCH = 64
"""Passages that are embedded and committed together."""

_MISSING = text("""
    SELECT id, key, heading, text FROM passages WHERE live > 0 AND id > :after AND NOT EXISTS (
        SELECT 1 FROM passage_vectors WHERE passage_id = passages.id AND model = :model
    ) ORDER BY id LIMIT :most
""")


class VectorMaking:
    """Goes through the passages once; made anew for each run. One process at a time makes a model's vectors."""

    def __init__(self, database: Database, embedder: Embedder, model: str) -> None:
        self._database = database
        self._embedder = embedder
        self._model = model
        self._after = 0
        self.lease = Lease(database, f"vectors:{model}")
        self.refused = 0
        """Passages that the model would not take; the next run tries them again."""

    async def batch(self) -> bool:
        """Make the next vectors; False where none are missing any more. Raises Unavailable without a model."""
        rows = await self.missing()
        if not rows:
            return False
        vectors = await self._vectors(rows)
        await self._database.commit(lambda connection: self._write(connection, vectors))
        self._after = rows[-1].id
        return True

    async def missing(self) -> Sequence[Any]:
        """The next passages without a vector."""
        return await self._database.look(self._missing)

    def _missing(self, connection: Connection) -> Sequence[Any]:
        if not vectors_missing(connection, self._model):
            return []  # counted, which takes a tenth of the time that looking at each does
        given = {"after": self._after, "model": self._model, "most": BATCH}
        return connection.execute(_MISSING, given).all()

    async def _vectors(self, rows: Sequence[Any]) -> dict[str, bytes]:
        """By key. Where a batch is refused each passage is tried alone, so that one spoils no other."""
        texts = [embedded_text(row.heading, row.text) for row in rows]
        try:
            made = await self._embedder.embed(texts)
        except (ModelError, InvalidRequest) as error:
            if len(rows) == 1:
                self.refused += 1
                log.warning("a passage could not be embedded", passage=rows[0].id, reason=str(error))
                return {}
            return {key: vector for row in rows for key, vector in (await self._vectors([row])).items()}
        return dict(zip([row.key for row in rows], stored(made), strict=True))

    def _write(self, connection: Connection, vectors: dict[str, bytes]) -> None:
        add_vectors(connection, self._model, vectors)
        self.lease.renewed(connection)
