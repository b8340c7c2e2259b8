"""Every registered vector index keeps the contract's promises, while it is small and when it has outgrown that."""

from __future__ import annotations

import pytest

from jackfield.contracts.files import VectorIndex, VectorIndexFactory
from jackfield.plugin_host import PluginHost
from jackfield.testing.contract_suites.vector_index import VectorIndexContract
from jackfield.testing.file_store_parts import ExactVectorIndexes
from jackfield_storage.vectors.faiss_index import FaissIndex

REGISTRY = PluginHost().load().registry


class TestRegisteredVectorIndexes(VectorIndexContract):
    """The suite, over all of them."""

    @pytest.fixture(params=REGISTRY.vector_indexes.names())
    def factory(self, request: pytest.FixtureRequest) -> VectorIndexFactory:
        """Each of them."""
        return REGISTRY.vector_indexes.get(request.param)


class TestExactVectors(VectorIndexContract):
    """The suite, over the one that tests use."""

    @pytest.fixture
    def factory(self) -> VectorIndexFactory:
        """It."""
        return ExactVectorIndexes()


class SmallLists:
    """FAISS as it is beyond a size that is never reached by these tests."""

    def open(self, dimensions: int) -> VectorIndex:
        """In lists from the third vector on, all of which are searched."""
        return FaissIndex(dimensions, large=2, probed=1)


class TestVectorsInLists(VectorIndexContract):
    """The suite, over FAISS with lists."""

    @pytest.fixture
    def factory(self) -> VectorIndexFactory:
        """With lists."""
        return SmallLists()


def test_an_index_that_grows_large_still_finds_what_it_was_given() -> None:
    import numpy as np

    index = FaissIndex(32, large=500)
    centres = np.random.default_rng(0).standard_normal((40, 32))
    vectors = (centres[np.arange(2_000) % 40] + np.random.default_rng(1).standard_normal((2_000, 32)) / 2).astype("f")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for start in range(0, 2_000, 100):
        index.add(list(range(start, start + 100)), vectors[start : start + 100])
    index.remove(list(range(0, 2_000, 2)))
    assert len(index) == 1_000
    nearest = [index.search(vectors[at], 1)[0][0] for at in range(1, 2_000, 2)]
    assert nearest == list(range(1, 2_000, 2))
