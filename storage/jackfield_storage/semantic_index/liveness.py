"""Which passages are found: those of the newest versions of files that are there, counted with every change."""

from __future__ import annotations

from sqlalchemy import Connection, TextClause, text

from jackfield_storage.semantic_index.turn import take_turn

_DIFFERENCE = (
    "SELECT passage_id FROM chunks WHERE content_id = :{these} "
    "EXCEPT SELECT passage_id FROM chunks WHERE content_id = :{those}"
)
_COME = _DIFFERENCE.format(these="after", those="before")
_GONE = _DIFFERENCE.format(these="before", those="after")

_GAINS = tuple(
    text(statement)
    for statement in (
        # Those that come: the feed first, while the table still says what the collection had.
        f"INSERT INTO index_changes (collection_id, passage_id) SELECT :collection, passage_id FROM ({_COME}) AS come "
        "WHERE NOT EXISTS (SELECT 1 FROM collection_passages AS held "
        "WHERE held.collection_id = :collection AND held.passage_id = come.passage_id)",
        f"UPDATE passages SET live = live + :files WHERE id IN ({_COME})",
        "INSERT INTO collection_passages (collection_id, passage_id, uses) "
        f"SELECT :collection, passage_id, :files FROM ({_COME}) AS come WHERE true "
        "ON CONFLICT (collection_id, passage_id) DO UPDATE SET uses = collection_passages.uses + excluded.uses",
    )
)
_LOSSES = tuple(
    text(statement)
    for statement in (
        f"UPDATE passages SET live = live - 1 WHERE id IN ({_GONE})",
        "INSERT INTO index_changes (collection_id, passage_id) SELECT collection_id, passage_id "
        f"FROM collection_passages WHERE collection_id = :collection AND uses = 1 AND passage_id IN ({_GONE})",
        f"DELETE FROM collection_passages WHERE collection_id = :collection AND uses = 1 AND passage_id IN ({_GONE})",
        f"UPDATE collection_passages SET uses = uses - 1 WHERE collection_id = :collection AND passage_id IN ({_GONE})",
    )
)
_HOLDERS = text(
    "SELECT collection_id, count(*) FROM files WHERE content_id = :content AND deleted_at IS NULL GROUP BY 1"
)


def moved(connection: Connection, collection_id: str, before: int | None, after: int | None) -> None:
    """Count that a file of a collection, which held the content `before`, now holds `after`; None is none.

    To be called once for each file whose newest version has another content, or that comes or goes, after its row is
    written and in the same transaction.
    """
    if before == after:
        return
    take_turn(connection)
    # No content has the number 0, which is compared with where there is none.
    given = {"collection": collection_id, "before": before or 0, "after": after or 0}
    if after is not None:
        _execute(connection, _GAINS, {**given, "files": 1})
    if before is not None:
        _execute(connection, _LOSSES, given)


def text_came(connection: Connection, content_id: int) -> None:
    """Count a content's passages, which have just been written, for every file that has waited for them."""
    for collection_id, files in connection.execute(_HOLDERS, {"content": content_id}).all():
        given = {"collection": collection_id, "before": 0, "after": content_id, "files": files}
        _execute(connection, _GAINS, given)


def _execute(connection: Connection, statements: tuple[TextClause, ...], given: dict[str, str | int]) -> None:
    for statement in statements:
        names = statement.compile().params.keys() & given.keys()
        connection.execute(statement, {name: given[name] for name in names})
