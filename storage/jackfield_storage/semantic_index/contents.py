"""Writing contents down: their passages, where they hold them, and the vectors that were made for them."""

from __future__ import annotations

from sqlalchemy import Connection, text

from jackfield_storage.blob_uses import keep
from jackfield_storage.semantic_index.liveness import text_came
from jackfield_storage.semantic_index.prepared import Passage, Prepared
from jackfield_storage.semantic_index.turn import take_turn
from jackfield_storage.semantic_index.unspaced_scripts import has_signs, spaced

_FIND = text("SELECT id, state FROM contents WHERE digest = :digest AND extractor = :extractor")
_ADD = text(
    "INSERT INTO contents (digest, extractor, size, filename, state, error, text_digest, attempts) "
    "VALUES (:digest, :extractor, :size, :filename, :state, :error, :text_digest, 0) RETURNING id"
)
_SETTLE = text(
    "UPDATE contents SET state = :state, error = :error, text_digest = :text_digest, leased_until = NULL "
    "WHERE id = :content"
)
_SETTLE_AGAIN = text(
    "UPDATE contents SET state = 'indexed', error = NULL, leased_until = NULL "
    "WHERE id = :content AND EXISTS (SELECT 1 FROM chunks WHERE content_id = :content)"
)
"""One that was to be read by a newer extractor, which this process has not: as it reads it, its passages are there."""
_ADD_PASSAGE = text(
    "INSERT INTO passages (key, heading, text, spaced, live) VALUES (:key, :heading, :text, :spaced, 0) "
    "ON CONFLICT (key) DO NOTHING"
)
_ADD_CHUNK = text(
    'INSERT INTO chunks (content_id, number, passage_id, start, "end") '
    "VALUES (:content, :number, (SELECT id FROM passages WHERE key = :key), :start, :end)"
)
_ADD_VECTOR = text(
    "INSERT INTO passage_vectors (passage_id, model, vector) "
    "SELECT id, :model, :vector FROM passages WHERE key = :key ON CONFLICT (passage_id, model) DO NOTHING"
)
_TELL = text(
    "INSERT INTO index_changes (collection_id, passage_id) SELECT collection_id, passage_id FROM collection_passages "
    "WHERE passage_id = (SELECT id FROM passages WHERE key = :key)"
)


def entered(connection: Connection, prepared: Prepared) -> int:
    """The number of a content, which is written down unless it is there; one that waited is settled if it is now known.

    To be called before the file's row is written, in the same transaction.
    """
    take_turn(connection)
    keep(connection, (prepared.text_digest,))
    named = {"digest": prepared.digest, "extractor": prepared.extractor}
    found = connection.execute(_FIND, named).one_or_none()
    outcome = {"state": prepared.state, "error": prepared.error, "text_digest": prepared.text_digest}
    if found is None:
        content_id = connection.execute(
            _ADD, {**named, **outcome, "size": prepared.size, "filename": prepared.filename}
        ).scalar_one()
    elif found.state == "pending" and prepared.state != "pending":
        content_id = found.id
        if connection.execute(_SETTLE_AGAIN, {"content": content_id}).rowcount:
            return int(content_id)
        connection.execute(_SETTLE, {**outcome, "content": content_id})
    else:
        return int(found.id)
    _add_passages(connection, content_id, prepared)
    if found is not None:
        text_came(connection, content_id)
    return int(content_id)


def add_vectors(connection: Connection, model: str, vectors: dict[str, bytes]) -> None:
    """Write down vectors of passages by their keys, and tell those who follow the feed."""
    if vectors:
        take_turn(connection)
        rows = [{"key": key, "model": model, "vector": vector} for key, vector in sorted(vectors.items())]
        connection.execute(_ADD_VECTOR, rows)
        connection.execute(_TELL, [{"key": row["key"]} for row in rows])


def _add_passages(connection: Connection, content_id: int, prepared: Prepared) -> None:
    passages = prepared.passages
    if not passages:
        return
    connection.execute(
        _ADD_PASSAGE,
        [{"key": one.key, "heading": one.heading, "text": one.text, "spaced": _spaced(one)} for one in passages],
    )
    connection.execute(
        _ADD_CHUNK,
        [
            {"content": content_id, "number": number, "key": one.key, "start": one.start, "end": one.end}
            for number, one in enumerate(passages)
        ],
    )
    if prepared.model is not None:
        add_vectors(connection, prepared.model, prepared.vectors)


def _spaced(passage: Passage) -> str | None:
    """What full text takes where it cannot take heading and text as they stand."""
    words = f"{passage.heading}\n{passage.text}"
    return spaced(words) if has_signs(words) else None
