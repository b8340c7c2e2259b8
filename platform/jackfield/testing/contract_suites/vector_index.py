"""A vector index's promises, for any implementation of `jackfield.contracts.files.VectorIndex`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.contracts.files import VectorIndex, VectorIndexFactory
from jackfield.testing.contract_suites.store_fixtures import examples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table = dict[int, NDArray[np.float32]]

DIMENSIONS = 8
CLOSE = 2e-3
"""What a similarity may be off: vectors may be kept in 16 bits."""

STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "remove"]), st.lists(st.integers(1, 40), max_size=6), st.integers(0, 1000)),
    max_size=25,
)


def unit_vectors(number: int, seed: int) -> NDArray[np.float32]:
    """Random ones, (number, DIMENSIONS)."""
    import numpy as np

    vectors = np.random.default_rng(seed).standard_normal((number, DIMENSIONS)).astype(np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


class VectorIndexContract:
    """Override `factory`."""

    @pytest.fixture
    def factory(self) -> VectorIndexFactory:
        """Whose indexes are tested."""
        raise NotImplementedError("override `factory` with a fixture that gives a vector index factory")

    @pytest.fixture
    def index(self, factory: VectorIndexFactory) -> VectorIndex:
        """An empty one."""
        return factory.open(DIMENSIONS)

    def test_an_empty_index_finds_nothing(self, index: VectorIndex) -> None:
        assert (len(index), index.search(unit_vectors(1, 0)[0], 5)) == (0, [])
        index.remove([1, 2])
        index.add([], unit_vectors(0, 0))
        assert len(index) == 0

    def test_the_nearest_come_first_with_their_similarities(self, index: VectorIndex) -> None:
        vectors = unit_vectors(50, 1)
        index.add(list(range(100, 150)), vectors)
        query = unit_vectors(1, 2)[0]
        right = sorted(((float(vector @ query), 100 + at) for at, vector in enumerate(vectors)), reverse=True)
        found = index.search(query, 5)
        assert [identifier for identifier, _ in found] == [identifier for _, identifier in right[:5]]
        assert [similarity for _, similarity in found] == pytest.approx([value for value, _ in right[:5]], abs=CLOSE)

    def test_more_are_asked_for_than_there_are(self, index: VectorIndex) -> None:
        index.add([7, 8], unit_vectors(2, 3))
        assert {identifier for identifier, _ in index.search(unit_vectors(1, 4)[0], 100)} == {7, 8}
        assert index.search(unit_vectors(1, 4)[0], 0) == []

    def test_large_identifiers_are_kept(self, index: VectorIndex) -> None:
        index.add([2**40 + 1], unit_vectors(1, 5))
        assert [identifier for identifier, _ in index.search(unit_vectors(1, 5)[0], 1)] == [2**40 + 1]

    def test_only_those_named_are_looked_at_and_none_of_them_is_missed(self, index: VectorIndex) -> None:
        vectors = unit_vectors(60, 6)
        index.add(list(range(60)), vectors)
        among = [3, 59, 17, 1000]
        found = index.search(vectors[0], 10, among)
        assert {identifier for identifier, _ in found} == {3, 17, 59}
        assert [similarity for _, similarity in found] == sorted((value for _, value in found), reverse=True)
        assert index.search(vectors[0], 10, []) == []

    @examples
    @given(steps=STEPS)
    def test_after_any_changes_it_is_what_a_table_would_be(
        self, factory: VectorIndexFactory, steps: list[tuple[str, list[int], int]]
    ) -> None:
        index = factory.open(DIMENSIONS)
        table: Table = {}
        for step, identifiers, seed in steps:
            if step == "add":
                vectors = unit_vectors(len(identifiers), seed)
                index.add(identifiers, vectors)
                table.update(zip(identifiers, vectors, strict=True))
            else:
                index.remove(identifiers)
                table = {one: vector for one, vector in table.items() if one not in identifiers}
        assert len(index) == len(table)
        found = dict(index.search(unit_vectors(1, 7)[0], 100, list(table)))
        right = {one: float(vector @ unit_vectors(1, 7)[0]) for one, vector in table.items()}
        assert found == pytest.approx(right, abs=CLOSE)
