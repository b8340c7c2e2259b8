"""How often guesses of each kind came true, lately, and so how likely the next one is."""

from __future__ import annotations

from collections.abc import Sequence

MEMORY = 30
"""Guesses of a kind after which an old one counts a third of a new one."""

PRIOR_WEIGHT = 2.0
"""Guesses that what is believed beforehand counts for."""

FIRST_GUESSES = 8
"""Guesses of a kind by which one who shares a belief changes it."""


class HitRates:
    """Decayed hit counts by kind of guess, beside a belief that carries until there are enough.

    The belief is a list of chances, or rates that others share: they learn from the first few guesses of each, which
    is what they are asked about, so that one long copy does not make everybody believe in copies.
    """

    def __init__(self, belief: Sequence[float] | HitRates, *, memory: float = MEMORY) -> None:
        self._belief = belief
        kinds = belief.num_kinds if isinstance(belief, HitRates) else len(belief)
        self._fading = 1 - 1 / memory
        self._hits = [0.0] * kinds
        self._guesses = [0.0] * kinds

    @property
    def num_kinds(self) -> int:
        """Kinds of guesses, numbered from 0."""
        return len(self._hits)

    def observe(self, kind: int, hit: bool) -> None:
        """Count one guess, if it is one of the first also in what is believed."""
        if isinstance(self._belief, HitRates) and self._guesses[kind] < FIRST_GUESSES:
            self._belief.observe(kind, hit)
        self._hits[kind] = self._hits[kind] * self._fading + hit
        self._guesses[kind] = self._guesses[kind] * self._fading + 1

    def chance(self, kind: int) -> float:
        """How likely a guess of this kind is to come true, from 0 to 1."""
        belief = self._belief.chance(kind) if isinstance(self._belief, HitRates) else self._belief[kind]
        return (self._hits[kind] + PRIOR_WEIGHT * belief) / (self._guesses[kind] + PRIOR_WEIGHT)
