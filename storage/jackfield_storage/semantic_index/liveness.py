"""Which passages are found: those of the newest versions of files that are there, counted with every change."""

from __future__ import annotations

from sqlalchemy import Connection, text

from jackfield_storage.semantic_index.turn import take_turn

# The feed is written while collection_passages still says what the collection had.
_FEED_COME = text("""
    WITH come AS (
        SELECT passage_id FROM chunks WHERE content_id = :after
        EXCEPT SELECT passage_id FROM chunks WHERE content_id = :before
    )
    INSERT INTO index_changes (collection_id, passage_id)
    SELECT :collection, passage_id FROM come WHERE NOT EXISTS (
        SELECT 1 FROM collection_passages AS held
        WHERE held.collection_id = :collection AND held.passage_id = come.passage_id
    )
""")
_LIVE_COME = text("""
    UPDATE passages SET live = live + :files WHERE id IN (
        SELECT passage_id FROM chunks WHERE content_id = :after
        EXCEPT SELECT passage_id FROM chunks WHERE content_id = :before
    )
""")
_USES_COME = text("""
    WITH come AS (
        SELECT passage_id FROM chunks WHERE content_id = :after
        EXCEPT SELECT passage_id FROM chunks WHERE content_id = :before
    )
    INSERT INTO collection_passages (collection_id, passage_id, uses)
    SELECT :collection, passage_id, :files FROM come WHERE true
    ON CONFLICT (collection_id, passage_id) DO UPDATE SET uses = collection_passages.uses + excluded.uses
""")
_LIVE_GONE = text("""
    UPDATE passages SET live = live - 1 WHERE id IN (
        SELECT passage_id FROM chunks WHERE content_id = :before
        EXCEPT SELECT passage_id FROM chunks WHERE content_id = :after
    )
""")
_FEED_GONE = text("""
    INSERT INTO index_changes (collection_id, passage_id)
    SELECT collection_id, passage_id FROM collection_passages
    WHERE collection_id = :collection AND uses = 1 AND passage_id IN (
        SELECT passage_id FROM chunks WHERE content_id = :before
        EXCEPT SELECT passage_id FROM chunks WHERE content_id = :after
    )
""")
_USES_GONE = text("""
    UPDATE collection_passages SET uses = uses - 1
    WHERE collection_id = :collection AND passage_id IN (
        SELECT passage_id FROM chunks WHERE content_id = :before
        EXCEPT SELECT passage_id FROM chunks WHERE content_id = :after
    )
""")
_USED_NO_MORE = text("""
    DELETE FROM collection_passages
    WHERE collection_id = :collection AND uses <= 0 AND passage_id IN (
        SELECT passage_id FROM chunks WHERE content_id = :before
    )
""")
_HOLDERS = text("""
    SELECT collection_id, count(*) AS files FROM files
    WHERE content_id = :content AND deleted_at IS NULL GROUP BY collection_id
""")


def moved(connection: Connection, collection_id: str, before: int | None, after: int | None) -> None:
    """Count that a file of a collection, which held the content `before`, now holds `after`; None is none.

    To be called in the transaction of each change that gives a file another content, or lets it come or go.
    """
    if before == after:
        return
    take_turn(connection)
    # No content has the number 0, which stands for none.
    contents = {"before": before or 0, "after": after or 0}
    if after is not None:
        _come(connection, collection_id, contents, files=1)
    if before is not None:
        _go(connection, collection_id, contents)


def text_came(connection: Connection, content_id: int) -> None:
    """Count a content's passages, which have just been written, for every file that has waited for them."""
    for holder in connection.execute(_HOLDERS, {"content": content_id}).all():
        contents = {"before": 0, "after": content_id}
        _come(connection, holder.collection_id, contents, files=holder.files)


def _come(connection: Connection, collection_id: str, contents: dict[str, int], *, files: int) -> None:
    collection = {"collection": collection_id}
    connection.execute(_FEED_COME, {**contents, **collection})
    connection.execute(_LIVE_COME, {**contents, "files": files})
    connection.execute(_USES_COME, {**contents, **collection, "files": files})


def _go(connection: Connection, collection_id: str, contents: dict[str, int]) -> None:
    here = {**contents, "collection": collection_id}
    connection.execute(_LIVE_GONE, contents)
    connection.execute(_FEED_GONE, here)
    connection.execute(_USES_GONE, here)
    connection.execute(_USED_NO_MORE, {"collection": collection_id, "before": contents["before"]})
