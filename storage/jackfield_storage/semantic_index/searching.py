"""A search: both arms at once, one ranking of passages, and the files that hold them."""

from __future__ import annotations

import asyncio

import msgspec
from sqlalchemy import Connection, String, bindparam, text

from jackfield.contracts.files import Embedder, FileStoreParts, Found, Query, SearchResult
from jackfield.errors import CollectionNotFound, InvalidRequest, ModelError, Unavailable
from jackfield.files.paths import checked_folder
from jackfield_storage.engine import Database
from jackfield_storage.semantic_index.full_text import Scope
from jackfield_storage.semantic_index.holders import Within, passages_within
from jackfield_storage.semantic_index.keyword_arm import KeywordArm
from jackfield_storage.semantic_index.meaning_arm import MeaningArm
from jackfield_storage.semantic_index.name_arm import Named, named
from jackfield_storage.semantic_index.ranking import Rankings, found_passages
from jackfield_storage.semantic_index.search_words import SearchWords, search_words

MOST_FOUND = 200
"""The largest limit."""
DEPTH = 64
"""Places of an arm that are ranked, at least."""

_COLLECTIONS = text("""
    SELECT id, name, (SELECT count(*) FROM collections) AS number,
        EXISTS (SELECT 1 FROM contents WHERE state = 'pending') AS pending
    FROM collections WHERE name IN :names
""").bindparams(bindparam("names", expanding=True, type_=String()))

CLOSE = 0.3
"""The least that the best passage scores which has anything to do with the query."""
SAID = 60
"""Characters of a query that a notice says back."""

_UNREAD = "Some files have not been read yet and are found by their names only."


class Asked(msgspec.Struct, frozen=True):
    """A query with what it names looked up; `unread` says that some files wait to be indexed."""

    query: Query
    words: SearchWords
    within: Within
    scope: Scope
    names: dict[str, str]
    unread: bool


class Similar(msgspec.Struct, frozen=True):
    """What the meaning arm found; `notice` says that it could not look, or not at everything."""

    similarities: dict[int, float]
    notice: str = ""
    looked: bool = True


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
        asked = await self._database.look(lambda connection: _looked_up(connection, query, words, under))
        if not asked.names:
            return SearchResult(found=(), mode=query.mode)
        return await self._found(asked, max(DEPTH, 3 * query.limit))

    async def close(self) -> None:
        """Let the thread of the vectors end."""
        await self._meaning.close()

    async def _found(self, asked: Asked, depth: int) -> SearchResult:
        by_words = asyncio.create_task(self._by_words(asked, depth))
        try:
            similar = await self._by_meaning(asked, depth)
            passages, files = await by_words
        finally:
            by_words.cancel()
            await asyncio.gather(by_words, return_exceptions=True)
        rankings = Rankings(passages, similar.similarities, files, asked.words)
        found = await self._database.look(
            lambda connection: found_passages(connection, asked.query, asked.within, asked.names, rankings)
        )
        notices = [_far(asked.query.text, found), similar.notice, _UNREAD if asked.unread else ""]
        mode = asked.query.mode if similar.looked else "keyword"
        return SearchResult(found=found, mode=mode, notice=" ".join(filter(None, notices)))

    async def _by_words(self, asked: Asked, depth: int) -> tuple[dict[int, float], Named]:
        """Passages in their order with what they hold of the words, and files by what they are called."""
        if asked.query.mode == "meaning" and await self._embedder.key() is not None:
            return {}, Named()

        def ranked(connection: Connection) -> tuple[dict[int, float], Named]:
            passages = self._keywords.ranked(connection, asked.words, asked.scope, depth)
            return passages, named(connection, asked.query.text, asked.words.words, asked.within.collection_ids)

        return await self._database.look(ranked)

    async def _by_meaning(self, asked: Asked, depth: int) -> Similar:
        if asked.query.mode == "keyword":
            return Similar({})
        model = await self._embedder.key()
        if model is None:
            return Similar({}, "No embedding model is installed, so files are found by words only.", looked=False)
        try:
            vectors = await self._embedder.embed([asked.query.text])
        except (Unavailable, ModelError) as error:
            return Similar({}, f"Files are found by words only: {error.message}", looked=False)
        nearest = await self._meaning.ranked(model, vectors[0], asked.scope, depth)
        few = f"{nearest.waiting} passages have no vector yet and are found by words only."
        return Similar(nearest.similarities, few if nearest.waiting else "")


def _far(typed: str, found: tuple[Found, ...]) -> str:
    """What is to be said where the nearest passages are not near."""
    if not found or max(one.score for one in found) >= CLOSE:
        return ""
    said = " ".join(typed.split())
    said = said if len(said) <= SAID else f"{said[: SAID - 1]}…"
    return f"Nothing here is close to '{said}'; even the nearest are far from it."


def _looked_up(connection: Connection, query: Query, words: SearchWords, under: str) -> Asked:
    rows = connection.execute(_COLLECTIONS, {"names": list(query.collections)}).all()
    names = {row.id: row.name for row in rows}
    if missing := set(query.collections) - set(names.values()):
        raise CollectionNotFound(f"There is no collection '{min(missing)}'.")
    within = Within(tuple(names), under)
    everywhere = bool(rows) and rows[0].number == len(rows)
    return Asked(
        query=query,
        words=words,
        within=within,
        scope=Scope(within.collection_ids, everywhere, passages_within(connection, within) if under else None),
        names=names,
        unread=any(row.pending for row in rows),
    )
