"""Spherical k-means: unit vectors into groups of near ones, the same for the same vectors each time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

MOST_GROUPS = 12
STARTS = 4
"""Beginnings that are tried for each number of groups; the one with the nearest members counts."""
ROUNDS = 50
COMPARED = 1_500
"""Vectors of which the silhouette is taken: it compares each with each."""


def unit(vectors: Vectors) -> Vectors:
    """Rows of length 1; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths == 0, 1, lengths), dtype=np.float32)


def clustered(vectors: Vectors, count: int | None = None) -> tuple[NDArray[np.int64], float | None]:
    """Each row's group, (n,), and how well they part: the mean silhouette, -1 to 1; None for less than two groups.

    Without a `count` it is the number of groups, from 2 to 12, that part best.
    """
    vectors = unit(vectors)
    most = min(MOST_GROUPS if count is None else count, len(vectors))
    if most < 2 or (count is None and len(vectors) < 3):
        return np.zeros(len(vectors), dtype=np.int64), None
    if count is not None:
        groups = _best_of_starts(vectors, most)
        return groups, silhouette(vectors, groups)
    tried = [_best_of_starts(vectors, number) for number in range(2, min(most, len(vectors) - 1) + 1)]
    scored = [(silhouette(vectors, groups), -index) for index, groups in enumerate(tried)]
    score, negated = max(scored)
    return tried[-negated], score


def silhouette(vectors: Vectors, groups: NDArray[np.int64]) -> float:
    """How much nearer the members of a group are to each other than to the next one, on average; -1 to 1."""
    if len(vectors) > COMPARED:
        chosen = np.linspace(0, len(vectors) - 1, COMPARED).astype(np.int64)
        vectors, groups = vectors[chosen], groups[chosen]
    names = np.unique(groups)
    if len(names) < 2:
        return -1.0
    distances = 1 - vectors @ vectors.T
    means = np.stack([distances[:, groups == name].mean(axis=1) for name in names], axis=1)
    sizes = np.array([(groups == name).sum() for name in names])
    own = np.searchsorted(names, groups)
    rows = np.arange(len(vectors))
    own_size = sizes[own]
    inner = means[rows, own] * own_size / np.maximum(own_size - 1, 1)
    outer = means.copy()
    outer[rows, own] = np.inf
    nearest = outer.min(axis=1)
    score = np.where(own_size > 1, (nearest - inner) / np.maximum(np.maximum(nearest, inner), 1e-9), 0)
    return float(score.mean())


def _best_of_starts(vectors: Vectors, count: int) -> NDArray[np.int64]:
    tried = [_kmeans(vectors, count, seed) for seed in range(STARTS)]
    return max(tried, key=lambda found: found[1])[0]


def _kmeans(vectors: Vectors, count: int, seed: int) -> tuple[NDArray[np.int64], float]:
    """Groups, and the sum of each vector's similarity to its group's middle."""
    middles = _spread(vectors, count, np.random.default_rng(seed))
    groups = np.full(len(vectors), -1, dtype=np.int64)
    for _ in range(ROUNDS):
        nearest = np.argmax(vectors @ middles.T, axis=1)
        if np.array_equal(nearest, groups):
            break
        groups = nearest
        sums = np.stack([vectors[groups == group].sum(axis=0) for group in range(count)])
        empty = np.linalg.norm(sums, axis=1) == 0
        middles = np.where(empty[:, None], middles, unit(sums.astype(np.float32)))
    return groups, float((vectors * middles[groups]).sum())


def _spread(vectors: Vectors, count: int, random: np.random.Generator) -> Vectors:
    """Beginnings that are likely to be far from each other (k-means++)."""
    chosen = [int(random.integers(len(vectors)))]
    for _ in range(1, count):
        distance = np.clip(1 - (vectors @ vectors[chosen].T).max(axis=1), 0, None).astype(np.float64)
        distance[chosen] = 0
        total = distance.sum()
        odds = distance / total if total > 0 else np.full(len(vectors), 1 / len(vectors))
        chosen.append(int(random.choice(len(vectors), p=odds)))
    return vectors[chosen]
