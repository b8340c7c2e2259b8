"""A search: both arms at once, one ranking of passages, and the files that hold them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection

from jackfield.contracts.files import Embedder, FileStoreParts, Found, Query, SearchResult
from jackfield.errors import CollectionNotFound, InvalidRequest, ModelError, Unavailable
from jackfield.files.paths import checked_folder
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.full_text import Scope
from jackfield_storage.semantic_index.holders import Within, passages_within
from jackfield_storage.semantic_index.keyword_arm import KeywordArm
from jackfield_storage.semantic_index.listed import listed
from jackfield_storage.semantic_index.meaning_arm import MeaningArm, Nearest, nearest
from jackfield_storage.semantic_index.name_arm import Named, named
from jackfield_storage.semantic_index.progress import NO_MODEL
from jackfield_storage.semantic_index.ranking import Rankings, found_passages
from jackfield_storage.semantic_index.search_words import SearchWords, search_words
from jackfield_storage.semantic_index.vector_caches import CollectionVectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_FOUND = 200
"""The largest limit."""
DEPTH = 64
"""Places of an arm that are ranked, at least."""

_COLLECTIONS_SQLITE = """
    SELECT id, name, (SELECT count(*) FROM collections), EXISTS (SELECT 1 FROM contents WHERE state = 'pending')
    FROM collections WHERE name IN (SELECT value FROM json_each(?))
"""
_COLLECTIONS_POSTGRES = """
    SELECT id, name, (SELECT count(*) FROM collections), EXISTS (SELECT 1 FROM contents WHERE state = 'pending')
    FROM collections WHERE name = ANY(%s::text[])
"""

CLOSE = 0.3
"""The least that the best passage scores which has anything to do with the query."""
SAID = 60
"""Characters of a query that a notice says back."""

_UNREAD = "Some files have not been read yet and are found by their names only."


class Place(msgspec.Struct, frozen=True):
    """Where is searched, with what a query names looked up; `unread` says that some files wait to be indexed."""

    within: Within
    scope: Scope
    names: dict[str, str]
    unread: bool


class ByWords(msgspec.Struct, frozen=True):
    """Passages in their order with what they hold of the words, and files by what they are called."""

    place: Place
    passages: dict[int, float]
    files: Named


class Embedded(msgspec.Struct, frozen=True):
    """A query's vector, (dimensions,); without one, `notice` says what is missing."""

    vector: NDArray[np.float32] | None = None
    notice: str = ""


class Searcher:
    """Finds passages for queries."""

    def __init__(self, database: Database, parts: FileStoreParts) -> None:
        self._database = database
        self._embedder: Embedder = parts.embedder
        self._keywords = KeywordArm()
        self._meaning = MeaningArm(database, parts.vector_indexes)

    async def search(self, query: Query) -> SearchResult:
        """Raises CollectionNotFound, or InvalidRequest for a query without a word or a limit out of bounds."""
        words = search_words(query.text)
        if not 1 <= query.limit <= MOST_FOUND:
            raise InvalidRequest(f"A search finds 1 to {MOST_FOUND} passages, not {query.limit}.", parameter="limit")
        under = checked_folder(query.under)
        if not query.collections:
            return SearchResult(found=(), mode=query.mode)
        return await self._found(query, words, under)

    async def warm(self, collection: str) -> None:
        """Hold a collection's vectors; raises CollectionNotFound."""
        model = await self._embedder.key()
        place = await self._database.look(lambda connection: _looked_up(connection, (collection,), ""))
        if model is not None:
            await self._meaning.held(model, place.scope)

    async def close(self) -> None:
        """Let the thread of the vectors end."""
        await self._meaning.close()

    async def _found(self, query: Query, words: SearchWords, under: str) -> SearchResult:
        model = None if query.mode == "keyword" else await self._embedder.key()
        depth = max(DEPTH, 3 * query.limit)
        # Nothing takes as long as embedding: it begins first, and all that can be done meanwhile is.
        embedding = asyncio.create_task(self._embedded(query, model))
        try:
            reads = query.mode != "meaning" or model is None
            by_words = await self._database.look(lambda seen: self._by_words(seen, query, words, under, depth, reads))
            place = by_words.place
            held = [] if model is None else await self._meaning.held(model, place.scope)
            embedded = await embedding
        finally:
            embedding.cancel()
            await asyncio.gather(embedding, return_exceptions=True)
        near, found = await self._database.look(
            lambda connection: _ranked(connection, query, words, by_words, held, embedded.vector, depth)
        )
        notices = [_far(query.text, found), embedded.notice, _waiting(near), _UNREAD if place.unread else ""]
        mode = "keyword" if embedded.vector is None else query.mode
        return SearchResult(found=found, mode=mode, notice=" ".join(filter(None, notices)))

    def _by_words(
        self, connection: Connection, query: Query, words: SearchWords, under: str, depth: int, reads: bool
    ) -> ByWords:
        place = _looked_up(connection, query.collections, under)
        if not reads:
            return ByWords(place, {}, Named())
        passages = self._keywords.ranked(connection, words, place.scope, depth)
        return ByWords(place, passages, named(connection, query.text, words.typed, place.within.collection_ids))

    async def _embedded(self, query: Query, model: str | None) -> Embedded:
        if query.mode == "keyword":
            return Embedded()
        if model is None:
            return Embedded(notice=NO_MODEL)
        try:
            vectors = await self._embedder.embed([query.text])
        except (Unavailable, ModelError) as error:
            return Embedded(notice=f"Files are found by words only: {error.message}")
        return Embedded(vectors[0])


def _ranked(
    connection: Connection,
    query: Query,
    words: SearchWords,
    by_words: ByWords,
    held: Sequence[CollectionVectors],
    vector: NDArray[np.float32] | None,
    depth: int,
) -> tuple[Nearest, tuple[Found, ...]]:
    """What is near, and what is found by both arms; one turn of a thread, for each takes its time to come."""
    place = by_words.place
    near = Nearest() if vector is None else nearest(held, vector, place.scope, depth)
    rankings = Rankings(by_words.passages, near.similarities, by_words.files, words)
    return near, found_passages(connection, query, place.within, place.names, rankings)


def _far(typed: str, found: tuple[Found, ...]) -> str:
    """What is to be said where the nearest passages are not near."""
    if not found or max(one.score for one in found) >= CLOSE:
        return ""
    said = " ".join(typed.split())
    said = said if len(said) <= SAID else f"{said[: SAID - 1]}…"
    return f"Nothing here is close to '{said}'; even the nearest are far from it."


def _waiting(near: Nearest) -> str:
    few = f"{near.waiting} passages have no vector yet and are found by words only."
    return few if near.waiting else ""


def _looked_up(connection: Connection, collections: Sequence[str], under: str) -> Place:
    statement = _COLLECTIONS_POSTGRES if connection.dialect.name == "postgresql" else _COLLECTIONS_SQLITE
    rows = connection.exec_driver_sql(statement, (listed(connection, collections),)).all()
    names = {collection_id: name for collection_id, name, _, _ in rows}
    if missing := set(collections) - set(names.values()):
        raise CollectionNotFound(f"There is no collection '{min(missing)}'.")
    _, _, number, unread = rows[0]
    within = Within(tuple(names), under)
    return Place(
        within=within,
        scope=Scope(within.collection_ids, number == len(rows), passages_within(connection, within) if under else None),
        names=names,
        unread=bool(unread),
    )
