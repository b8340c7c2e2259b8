"""The passages of some files with their vectors, as they are grouped by."""

from __future__ import annotations

from sqlalchemy import Connection, text

from jackfield.contracts.files import PassageVectors
from jackfield.errors import InvalidRequest, ModelNotFound
from jackfield.files.paths import checked_folder
from jackfield_storage.semantic_files.heads import collection_named
from jackfield_storage.semantic_index.holders import Within
from jackfield_storage.vectors.stored import loaded

_PASSAGES = text("""
    SELECT files.path, passages.text, passage_vectors.vector FROM files
    JOIN chunks ON chunks.content_id = files.content_id
    JOIN passages ON passages.id = chunks.passage_id
    JOIN passage_vectors ON passage_vectors.passage_id = passages.id AND passage_vectors.model = :model
    WHERE files.collection_id = :collection AND files.deleted_at IS NULL
    AND (:under = '' OR files.path = :under OR (files.path > :first AND files.path < :last))
    ORDER BY files.path, chunks.number LIMIT :most
""")


def vectors_of_files(
    connection: Connection, model: str | None, collection: str, *, under: str, most: int
) -> PassageVectors:
    """In the order of paths. Raises CollectionNotFound, ModelNotFound, InvalidRequest beyond `most`."""
    collection_id = collection_named(connection, collection).id
    if model is None:
        raise ModelNotFound(
            "No embedding model is installed, and files are grouped by meaning with one: "
            "`jackfield models pull embeddings` brings it; or group by words."
        )
    below = Within((collection_id,), checked_folder(under)).bounds
    rows = connection.execute(_PASSAGES, {**below, "collection": collection_id, "model": model, "most": most + 1}).all()
    if len(rows) > most:
        raise InvalidRequest(
            f"There are more than {most:,} passages there, which is as many as can be grouped; name a folder of it.",
            parameter="under",
        )
    return PassageVectors(
        paths=tuple(row.path for row in rows),
        texts=tuple(row.text for row in rows),
        vectors=loaded([row.vector for row in rows]),
    )
