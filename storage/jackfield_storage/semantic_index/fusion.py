"""One ranking out of several: reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), and that by evidence.

Ranks alone take an arm that found nothing for as good as one that found it all: beside a rare reference that is
typed in full, what is merely nearest in meaning has half of the first places, and beside a paraphrase whatever shares
a common word has. So each place counts as much as it tells, from 0 to 1: how much of what was typed a passage has,
and how near it is.
"""

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


def fused_by_evidence(rankings: Sequence[Mapping[T, float]]) -> dict[T, float]:
    """Scores by places, of rankings best first with what each place tells; one alone keeps its own order."""
    some = [ranking for ranking in rankings if ranking]
    if len(some) < 2:
        return fused([(places_of(ranking), 1.0) for ranking in some])
    scores: dict[T, float] = {}
    for ranking in some:
        for one, place in places_of(ranking).items():
            scores[one] = scores.get(one, 0.0) + max(ranking[one], 0.0) / len(some) * (K + 1) / (K + place)
    return scores
