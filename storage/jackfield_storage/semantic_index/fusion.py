"""One ranking out of several: reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

T = TypeVar("T", int, str)

K = 60
"""How little the first places count more than those behind them."""


def places_of(ranking: Iterable[T]) -> dict[T, int]:
    """Places from 1."""
    return {one: place for place, one in enumerate(ranking, start=1)}


def fused(rankings: Sequence[tuple[Mapping[T, int], float]], *, of: float | None = None) -> dict[T, float]:
    """Scores by places, each ranking with its weight; `of` is what the weights sum up to where not all are given here.

    The first place of every ranking makes 1.
    """
    whole = of or sum(weight for places, weight in rankings if places) or 1.0
    scores: dict[T, float] = {}
    for places, weight in rankings:
        for one, place in places.items():
            scores[one] = scores.get(one, 0.0) + weight / whole * (K + 1) / (K + place)
    return scores
