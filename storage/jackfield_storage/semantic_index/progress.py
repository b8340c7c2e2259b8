"""How far indexing is."""

from __future__ import annotations

from sqlalchemy import Connection, text

from jackfield.contracts.files import IndexProgress
from jackfield_storage.semantic_files.heads import collection_named

NO_MODEL = "No embedding model is installed, so files are found by words only."

_STATES = text("""
    SELECT contents.state, count(*) AS number FROM contents WHERE id IN (
        SELECT content_id FROM files WHERE deleted_at IS NULL AND (:collection = '' OR collection_id = :collection)
    ) GROUP BY contents.state
""")
_PASSAGES = text("""
    SELECT count(*) AS number, count(vector.passage_id) AS made
    FROM passages LEFT JOIN passage_vectors AS vector ON vector.passage_id = passages.id AND vector.model = :model
    WHERE passages.live > 0 AND (:collection = '' OR EXISTS (
        SELECT 1 FROM collection_passages AS held
        WHERE held.collection_id = :collection AND held.passage_id = passages.id
    ))
""")


def progress_of(connection: Connection, model: str | None, collection: str | None = None) -> IndexProgress:
    """Of one collection, by name, or of all; without a model no vectors are wanted. Raises CollectionNotFound."""
    collection_id = "" if collection is None else collection_named(connection, collection).id
    states = {row.state: row.number for row in connection.execute(_STATES, {"collection": collection_id})}
    passages = connection.execute(_PASSAGES, {"collection": collection_id, "model": model or ""}).one()
    return IndexProgress(
        contents=sum(states.values()),
        contents_done=sum(states.get(state, 0) for state in ("indexed", "empty", "skipped")),
        passages=passages.number,
        passages_done=passages.number if model is None else passages.made,
        failed=states.get("failed", 0),
        notice=NO_MODEL if model is None else "",
    )
