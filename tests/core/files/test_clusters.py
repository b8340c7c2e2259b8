"""Groups of near vectors."""

from __future__ import annotations

import numpy as np
import pytest

from jackfield.files.clusters import clustered, silhouette, unit
from jackfield.files.telling_words import telling_words


def _around(*middles: tuple[float, ...], each: int = 8) -> np.ndarray:
    random = np.random.default_rng(3)
    rows = [np.array(middle) + random.normal(0, 0.05, len(middle)) for middle in middles for _ in range(each)]
    return np.array(rows, dtype=np.float32)


def test_as_many_groups_as_part_best() -> None:
    vectors = _around((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0))
    groups, parted = clustered(vectors)
    assert len(set(groups)) == 3
    assert all(len(set(groups[start : start + 8])) == 1 for start in (0, 8, 16))
    assert parted is not None
    assert parted > 0.8


def test_the_same_each_time_and_as_many_as_asked_for() -> None:
    vectors = _around((1, 0), (0, 1), each=10)
    first, _ = clustered(vectors, 4)
    again, _ = clustered(vectors, 4)
    assert np.array_equal(first, again)
    assert len(set(first)) <= 4


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_files_are_one_group(count: int) -> None:
    groups, parted = clustered(np.ones((count, 3), dtype=np.float32))
    assert len(groups) == count
    assert parted is None
    assert not groups.any()


def test_silhouette_is_that_of_its_definition() -> None:
    vectors = unit(_around((1, 0.2), (0.1, 1), each=5))
    groups = np.repeat([0, 1], 5)
    distances = 1 - vectors @ vectors.T
    scores = []
    for row in range(10):
        own = [distances[row, other] for other in range(10) if groups[other] == groups[row] and other != row]
        others = [distances[row, other] for other in range(10) if groups[other] != groups[row]]
        inner, outer = np.mean(own), np.mean(others)
        scores.append((outer - inner) / max(inner, outer))
    assert silhouette(vectors, groups) == pytest.approx(np.mean(scores), abs=1e-5)


def test_words_that_tell_a_group_from_the_others() -> None:
    groups = [
        ["the goal of the football match", "a football goal in the last minute"],
        ["a goal of the budget is to save money", "money and budget"],
    ]
    first, second = telling_words(groups, most=1)
    assert first == ("football",)
    assert second[0] in ("budget", "money")
