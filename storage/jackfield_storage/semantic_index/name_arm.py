"""Files by what they are called: a path that was typed, or a few words that are all in the path."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec
from sqlalchemy import Connection, bindparam, text

from jackfield_storage.semantic_index.search_words import words_of

MOST = 2_000
"""Files that are looked at."""
TOLD_APART = 20
"""Files that a name may find: what names more of them equally well tells nothing."""
FEW_WORDS = 3
"""Words that may be a name; more are a question, and its words in paths are chance."""

_LIKE = text("""
    SELECT id, path_key FROM files WHERE deleted_at IS NULL AND collection_id IN :collections
    AND path_key LIKE :first ESCAPE '!' AND path_key LIKE :second ESCAPE '!' AND path_key LIKE :third ESCAPE '!'
    LIMIT :most
""").bindparams(bindparam("collections", expanding=True))

_TYPED_PATH = re.compile(r"[^\s\"'“”„«»<>|,;:()\[\]?!]+\.[^\W_]{1,8}(?![^\W_])")
"""Something with an ending, such as reports/budget.xlsx."""


class Named(msgspec.Struct, frozen=True):
    """Files by id, best first; `path_typed` says that their path was, and not words that are in it."""

    files: tuple[str, ...] = ()
    path_typed: bool = False


def named(connection: Connection, typed: str, words: Sequence[str], collection_ids: Sequence[str]) -> Named:
    """Files whose path ends in one that was typed, else those that are called by these words."""
    for path in _TYPED_PATH.findall(typed.casefold()):
        ended = [one for one in _like(connection, [path], collection_ids) if f"/{one[1]}".endswith(f"/{path}")]
        if ended:
            return Named(_told_apart(ended, len), path_typed=True)
    if len(words) > FEW_WORDS:
        return Named()
    about = [one for one in _like(connection, words, collection_ids) if _has_each(one[1], words)]
    return Named(_told_apart(about, lambda key: _beside(key, words)))


def _like(connection: Connection, pieces: Sequence[str], collection_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Ids of files and their paths without regard to case."""
    patterns = ["%" + re.sub("([!%_])", r"!\1", piece) + "%" for piece in pieces] + ["%"] * FEW_WORDS
    first, second, third = patterns[:FEW_WORDS]
    given = {"first": first, "second": second, "third": third, "collections": list(collection_ids), "most": MOST}
    return [(row.id, row.path_key) for row in connection.execute(_LIKE, given)]


def _has_each(path: str, words: Sequence[str]) -> bool:
    """Whether each word begins one of a path's."""
    parts = words_of(path)
    return all(any(part.startswith(word) for part in parts) for word in words)


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
