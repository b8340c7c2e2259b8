"""The database's own full text: which passages hold a word, on SQLite by FTS5 and on PostgreSQL by a GIN index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec
from sqlalchemy import Connection

from jackfield_storage.semantic_index.unspaced_scripts import spaced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Scope(msgspec.Struct, frozen=True):
    """Where is searched: collections by id, `everywhere` where there are no others; perhaps in some passages only."""

    collection_ids: tuple[str, ...]
    everywhere: bool
    passages: list[int] | None = None


class FullText(Protocol):
    """Finds passages by their words. Words are letters and digits only."""

    def holding(
        self, connection: Connection, terms: Sequence[Sequence[str]], scope: Scope, most: int
    ) -> list[NDArray[np.int64]]:
        """For each term, which is one word or several in a row, up to `most` live passages that hold it."""
        ...

    def holding_all(self, connection: Connection, words: Sequence[str], scope: Scope, most: int) -> NDArray[np.int64]:
        """Up to `most` live passages that hold each of some words."""
        ...


def full_text(connection: Connection) -> FullText:
    """That of the database that a connection is to."""
    return PostgresFullText() if connection.dialect.name == "postgresql" else SqliteFullText()


class SqliteFullText:
    """FTS5, which finds rows in the order of their numbers.

    They come as one text, for a row of Python's takes ten times as long as one of SQLite's.
    """

    def holding(
        self, connection: Connection, terms: Sequence[Sequence[str]], scope: Scope, most: int
    ) -> list[NDArray[np.int64]]:
        return [self._matching(connection, _fts_phrase(term), scope, most) for term in terms]

    def holding_all(self, connection: Connection, words: Sequence[str], scope: Scope, most: int) -> NDArray[np.int64]:
        return self._matching(connection, " AND ".join(_fts_phrase([word]) for word in words), scope, most)

    def _matching(self, connection: Connection, expression: str, scope: Scope, most: int) -> NDArray[np.int64]:
        given: tuple[str | int, ...]
        if scope.everywhere:
            statement, given = _FTS_EVERYWHERE, (expression, most)
        else:
            statement, given = _FTS_WITHIN, (expression, _json(scope.collection_ids), most)
        return _numbers(connection.exec_driver_sql(statement, given).scalar())


_FTS_EVERYWHERE = """
    SELECT group_concat(rowid) FROM (SELECT rowid FROM passage_words WHERE passage_words MATCH ? LIMIT ?)
"""
_FTS_WITHIN = """
    SELECT group_concat(rowid) FROM (
        SELECT passage_words.rowid FROM passage_words WHERE passage_words MATCH ? AND EXISTS (
            SELECT 1 FROM collection_passages AS held
            WHERE held.collection_id IN (SELECT value FROM json_each(?)) AND held.passage_id = passage_words.rowid
        ) LIMIT ?
    )
"""


class PostgresFullText:
    """`tsvector` under a GIN index; one statement finds every term."""

    def holding(
        self, connection: Connection, terms: Sequence[Sequence[str]], scope: Scope, most: int
    ) -> list[NDArray[np.int64]]:
        words = [spaced(" ".join(term)) for term in terms]
        if scope.everywhere:
            found = connection.exec_driver_sql(_TS_EACH, (words, most))
        else:
            found = connection.exec_driver_sql(_TS_EACH_WITHIN, (words, list(scope.collection_ids), most))
        return [_ordered(row[0]) for row in found]

    def holding_all(self, connection: Connection, words: Sequence[str], scope: Scope, most: int) -> NDArray[np.int64]:
        given = (spaced(" ".join(words)), scope.everywhere, list(scope.collection_ids), most)
        return _ordered(connection.exec_driver_sql(_TS_ALL, given).scalar())


_TS_EACH = """
    SELECT found.ids FROM unnest(%s::text[]) WITH ORDINALITY AS term (words, place) CROSS JOIN LATERAL (
        SELECT string_agg(one.passage_id::text, ',') AS ids FROM (
            SELECT passage_id FROM passage_words
            WHERE passage_words.words @@ phraseto_tsquery('english', plain_words(term.words)) LIMIT %s
        ) AS one
    ) AS found ORDER BY term.place
"""
_TS_EACH_WITHIN = """
    SELECT found.ids FROM unnest(%s::text[]) WITH ORDINALITY AS term (words, place) CROSS JOIN LATERAL (
        SELECT string_agg(one.passage_id::text, ',') AS ids FROM (
            SELECT passage_words.passage_id FROM passage_words
            JOIN collection_passages AS held ON held.passage_id = passage_words.passage_id
            WHERE passage_words.words @@ phraseto_tsquery('english', plain_words(term.words))
            AND held.collection_id = ANY(%s) LIMIT %s
        ) AS one
    ) AS found ORDER BY term.place
"""
"""Joined, for of EXISTS the planner makes a list of the whole collection first."""
_TS_ALL = """
    SELECT string_agg(one.passage_id::text, ',') FROM (
        SELECT passage_id FROM passage_words
        WHERE words @@ plainto_tsquery('english', plain_words(%s)) AND (%s OR EXISTS (
            SELECT 1 FROM collection_passages AS held
            WHERE held.collection_id = ANY(%s) AND held.passage_id = passage_words.passage_id
        )) LIMIT %s
    ) AS one
"""


def _fts_phrase(words: Sequence[str]) -> str:
    return '"' + spaced(" ".join(words)) + '"'


def _json(texts: Sequence[str]) -> str:
    return msgspec.json.encode(texts).decode()


def _ordered(listed: str | None) -> NDArray[np.int64]:
    """As `_numbers`, each once and in order."""
    import numpy as np

    return np.unique(_numbers(listed))


def _numbers(listed: str | None) -> NDArray[np.int64]:
    """Numbers that are parted by commas; None is none."""
    import numpy as np

    return np.fromstring(listed or "", dtype=np.int64, sep=",")
