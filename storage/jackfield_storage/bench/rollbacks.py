"""Rollbacks, timed and checked: the bytes that were there, found by the very next search, from however long ago."""

from __future__ import annotations

import random
import time

from jackfield.contracts.files import Point, Query
from jackfield.decoding.bench.figures import percentile
from jackfield_storage.bench.corpus_words import CODE_WORDS
from jackfield_storage.bench.figures import Rollbacks, milliseconds
from jackfield_storage.bench.store_under_test import ACTOR, COLLECTION, StoreUnderTest

DEPTHS = (5, 10, 20, 40)
FILES = 3
"""Of each number of versions."""
LINES = 4


async def rollback_figures(tested: StoreUnderTest, versions: int, seed: int) -> Rollbacks:
    """Write files of so many versions, and roll each back to every one of them in an order of chance."""
    chance = random.Random(f"rollbacks {seed} {versions}")  # noqa: S311 - an order, no secret
    seconds: list[float] = []
    exact = found = 0
    for number in range(FILES):
        path = f"rollbacks/{versions}-{number}.txt"
        contents = [_content(chance, f"{versions}x{number}x{version}") for version in range(versions)]
        for content in contents:
            await tested.write(path, content)
        for version in chance.sample(range(1, versions + 1), versions):
            began = time.perf_counter()
            await tested.store.files.rollback(COLLECTION, path, Point(number=version), actor=ACTOR)
            seconds.append(time.perf_counter() - began)
            exact += await _bytes(tested, path) == contents[version - 1]
            found += await _found(tested, path, contents[version - 1], contents)
    return Rollbacks(
        versions=versions,
        rollbacks=len(seconds),
        p50_ms=milliseconds(percentile(seconds, 0.5)),
        p95_ms=milliseconds(percentile(seconds, 0.95)),
        exact=exact,
        found=found,
    )


def _content(chance: random.Random, sign: str) -> bytes:
    """A text of its own, with a word that no other version has at its start."""
    lines = [f"marker{sign} " + " ".join(chance.sample(CODE_WORDS, 9)) for _ in range(LINES)]
    return "\n\n".join(lines).encode()


def _marker(content: bytes) -> str:
    return content.split(b" ", 1)[0].decode()


async def _bytes(tested: StoreUnderTest, path: str) -> bytes:
    opened = await tested.store.files.read(COLLECTION, path)
    return b"".join([piece async for piece in opened.pieces])


async def _found(tested: StoreUnderTest, path: str, restored: bytes, contents: list[bytes]) -> bool:
    """Whether a search finds what was restored, and nothing of what it replaced."""
    others = [content for content in contents if content != restored]
    now = await _paths(tested, _marker(restored))
    before = await _paths(tested, _marker(others[-1]))
    return path in now and path not in before


async def _paths(tested: StoreUnderTest, text: str) -> set[str]:
    query = Query(text=text, collections=(COLLECTION,), mode="keyword", under="rollbacks")
    return {found.path for found in (await tested.store.index.search(query)).found}
