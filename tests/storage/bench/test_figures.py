"""What is made of single searches, and a whole small bench on a store of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("faiss")

from jackfield.plugin_host import BUILT_IN, LoadPolicy, PluginHost
from jackfield.settings import load_settings
from jackfield_storage.bench.figures import Answered, arm_of
from jackfield_storage.bench.known_vectors import ShelvedEmbedder, VectorShelf
from jackfield_storage.bench.measuring import SizePlan, size_figures
from jackfield_storage.bench.rollbacks import rollback_figures
from jackfield_storage.bench.store_under_test import StoreUnderTest, store_under_test


async def vectors_by_words(texts: Sequence[str]) -> Any:
    """A direction for each word: what shares words is near."""
    vectors = np.zeros((len(texts), 64), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        for word in text.lower().split():
            row[hashlib.sha256(word.encode()).digest()[0] % 64] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def embedder(tmp_path: Path) -> Any:
    shelf = VectorShelf(tmp_path / "vectors.db", "words")
    yield ShelvedEmbedder("words", vectors_by_words, shelf)
    shelf.close()


@pytest.fixture
def open_store(tmp_path: Path) -> Any:
    plugins = PluginHost(LoadPolicy(only=frozenset({BUILT_IN}))).load()
    settings = load_settings()

    def opened(name: str, embedder: ShelvedEmbedder) -> AbstractAsyncContextManager[StoreUnderTest]:
        return store_under_test(name, tmp_path, "", embedder, settings, plugins)

    return opened


def test_precision_counts_the_first_five_files_and_no_more_than_there_could_be() -> None:
    assert Answered("mixed", {"a"}, ["a", "b", "c"], 0.1).precision == 1
    assert Answered("mixed", {"a", "b"}, ["c", "a"], 0.1).precision == 0.5
    assert Answered("mixed", set("abcdefgh"), ["a", "x", "b", "y", "c", "d"], 0.1).precision == 0.6
    assert Answered("mixed", {"f"}, list("abcdef"), 0.1).precision == 0


def test_an_arm_has_its_precision_by_kind_and_its_times() -> None:
    arm = arm_of([Answered("mixed", {"a"}, ["a"], 0.010), Answered("keyword", {"a"}, ["b"], 0.030)])
    assert (arm.precision, arm.by_kind) == (0.5, {"keyword": 0.0, "mixed": 1.0})
    assert (arm.p50_ms, arm.worst_ms) == (20.0, 30.0)


async def test_a_small_bench_measures_everything_and_leaves_only_its_vectors(
    tmp_path: Path, embedder: Any, open_store: Any
) -> None:
    plan = SizePlan(questions=20, seed=3, work=tmp_path, chroma=None)
    measure = partial(size_figures, 40, plan, embedder, open_store, lambda stage, done, of: None)
    first = await measure()
    assert (first.files, first.indexing.embedded) == (40, first.indexing.distinct_passages)
    assert first.keyword.by_kind["keyword"] == 1
    assert 0 < first.hybrid.precision <= 1
    assert first.space.database > 100_000
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    again = await measure()
    assert again.indexing.embedded == 0
    assert again.hybrid.by_kind == first.hybrid.by_kind
    assert again.keyword.precision == first.keyword.precision


async def test_rollbacks_are_exact_and_seen_by_the_next_search(embedder: Any, open_store: Any) -> None:
    async with open_store("rollbacks", embedder) as tested:
        figures = await rollback_figures(tested, 3, seed=1)
    assert (figures.rollbacks, figures.exact, figures.found) == (9, 9, 9)
