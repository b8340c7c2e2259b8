"""Files by what they are called: a path that was typed, or a few words that are all in the path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Connection, String, bindparam, text

from jackfield.files.paths import path_key
from jackfield_storage.semantic_index.search_words import words_of

MOST = 500
"""Files that are looked at."""
TOLD_APART = 20
"""Files that a name may find: what names more of them equally well tells nothing."""
FEW_WORDS = 3
"""Words that may be a name; more are a question, and its words in paths are chance."""

_SQLITE = text("""
    SELECT files.id, files.path FROM file_words
    CROSS JOIN file_names ON file_names.number = file_words.rowid CROSS JOIN files ON files.id = file_names.file_id
    WHERE file_words MATCH :words AND files.collection_id IN :collections LIMIT :most
""").bindparams(bindparam("collections", expanding=True, type_=String()))
_POSTGRES = text("""
    SELECT files.id, files.path FROM file_words JOIN files ON files.id = file_words.file_id
    WHERE words @@ plainto_tsquery('english', plain_words(:words)) AND files.collection_id IN :collections LIMIT :most
""").bindparams(bindparam("collections", expanding=True, type_=String()))

_TYPED_PATH = re.compile(r"[^\s\"'“”„«»<>|,;:()\[\]?!]+\.[^\W_]{1,8}(?![^\W_])")
"""Something with an ending, such as reports/budget.xlsx."""


class Named(msgspec.Struct, frozen=True):
    """Files by id, best first; `path_typed` says that their path was, and not words that are in it."""

    files: tuple[str, ...] = ()
    path_typed: bool = False


def named(connection: Connection, typed: str, words: Sequence[str], collection_ids: Sequence[str]) -> Named:
    """Files whose path ends in one that was typed, else those that are called by these words."""
    for path in map(path_key, _TYPED_PATH.findall(typed)):
        ended = [one for one in _with_words(connection, words_of(path), collection_ids) if _ends(one[1], path)]
        if ended:
            return Named(_told_apart(ended, len), path_typed=True)
    if len(words) > FEW_WORDS:
        return Named()
    about = _with_words(connection, words, collection_ids)
    return Named(_told_apart(about, lambda path: _beside(path, words)))


def _with_words(connection: Connection, words: Sequence[str], collection_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Files that have each of some words in their paths, by id and path."""
    on_postgres = connection.dialect.name == "postgresql"
    given = " ".join(words) if on_postgres else " AND ".join(f'"{word}"' for word in words)
    parameters = {"words": given, "collections": list(collection_ids), "most": MOST}
    return [(row.id, row.path) for row in connection.execute(_POSTGRES if on_postgres else _SQLITE, parameters)]


def _ends(path: str, typed: str) -> bool:
    return f"/{path_key(path)}".endswith(f"/{typed}")


def _beside(path: str, words: Sequence[str]) -> int:
    """How many of the words of a file's own name were not asked for; its ending is none of them."""
    own = words_of(path.rpartition("/")[2].partition(".")[0])
    return sum(not any(part.startswith(word) for word in words) for part in own)


def _told_apart(files: list[tuple[str, str]], rank: Callable[[str], int]) -> tuple[str, ...]:
    """By rank, and those of one rank all or none."""
    told: list[str] = []
    ordered = sorted(files, key=lambda one: (rank(one[1]), one[1]))
    for _, equals in groupby(ordered, key=lambda one: rank(one[1])):
        ids = [file_id for file_id, _ in equals]
        if len(told) + len(ids) > TOLD_APART:
            break
        told += ids
    return tuple(told)
