"""What a step costs by its number of rows, learned from the steps themselves."""

from __future__ import annotations

import statistics
from bisect import bisect_left, insort
from collections import deque
from math import inf

PROVEN = 2
"""Steps of one size from which its cost counts as known: two in a row are seldom slowed by something else."""

MANY = 5
"""Steps of one size from which their median is taken."""

SIZE_MEMORY = 15
PACE_MEMORY = 5
"""Steps remembered for one size, and for how slow the machine is just now."""

REACH = 4
"""How many times larger than the largest size known another may be to be tried."""

UNKNOWN_SLOPE = 0.4
"""What a further row is taken to cost, in parts of a one-row step, until two sizes were seen."""

SHORTEST = 1e-7
"""Seconds; no step takes less, whatever a coarse clock says."""

LEAST_PART = 0.1
"""Of the smallest known size's cost, below which no smaller size is taken to be."""

FORGOTTEN_AFTER = 1000
"""Steps after which a size that did not occur again is forgotten, and so may be tried afresh."""


class StepCosts:
    """Relative costs of steps by size, and the machine's present pace.

    A long context or a busy machine slows steps of all sizes; the pace takes that up, so that a step of one row and
    one of sixteen stay comparable even if they were never seen side by side. Single slow steps are kept out.
    """

    def __init__(self) -> None:
        self._samples: dict[int, deque[float]] = {}
        self._relative: dict[int, float] = {}
        self._proven: list[int] = []
        self._last_seen: dict[int, int] = {}
        self._paces: deque[float] = deque(maxlen=PACE_MEMORY)
        self._pace = 0.0
        self._steps = 0

    def observe(self, rows: int, seconds: float) -> None:
        """Learn from a step whose rows all had logits."""
        seconds = max(seconds, SHORTEST)
        self._steps += 1
        samples = self._samples.setdefault(rows, deque(maxlen=SIZE_MEMORY))
        if rows in self._proven or not self._paces:
            self._paces.append(seconds / self._relative.get(rows, 1.0))
            self._pace = statistics.median(self._paces)
        samples.append(seconds / self._pace)
        # What disturbs a step slows it, so of the first few the quickest tells most.
        self._relative[rows] = statistics.median(samples) if len(samples) >= MANY else min(samples)
        self._last_seen[rows] = self._steps
        if len(samples) == PROVEN and rows not in self._proven:
            insort(self._proven, rows)
        if self._steps % FORGOTTEN_AFTER == 0:
            self._forget_the_unseen()

    def knows(self, rows: int) -> bool:
        """Whether steps of this size were seen often enough."""
        return rows in self._proven

    def within_reach(self, rows: int) -> bool:
        """Whether what is known bears on this size: from one row to sixteen is too far to guess."""
        return bool(self._proven) and rows <= REACH * self._proven[-1]

    def seconds(self, rows: int) -> float | None:
        """Expected time of a step; None until one size is known.

        Sizes that are not known lie on a line between those that are. A first measurement counts only where it is
        better than that: one slow step must not keep a good size from being tried again.
        """
        if not self._proven or rows < 1:
            return None
        relative = self._relative.get(rows, inf)
        return self._pace * (relative if rows in self._proven else min(relative, self._on_line(rows)))

    def _on_line(self, rows: int) -> float:
        proven, relative = self._proven, self._relative
        place = bisect_left(proven, rows)
        if 0 < place < len(proven):
            below, above = proven[place - 1], proven[place]
            low, high = relative[below], relative[above]
            return low + (high - low) * (rows - below) / (above - below)
        nearest = proven[0] if place == 0 else proven[-1]
        return max(relative[nearest] + self._slope() * (rows - nearest), relative[nearest] * LEAST_PART)

    def _slope(self) -> float:
        """Relative cost of a row more, over all sizes known."""
        first, last = self._proven[0], self._proven[-1]
        low, high = self._relative[first], self._relative[last]
        if first == last:
            return UNKNOWN_SLOPE * low / (1 + UNKNOWN_SLOPE * (first - 1))
        return max((high - low) / (last - first), 0.0)

    def _forget_the_unseen(self) -> None:
        for rows, seen in list(self._last_seen.items()):
            if self._steps - seen >= FORGOTTEN_AFTER:
                del self._samples[rows], self._relative[rows], self._last_seen[rows]
        self._proven = [rows for rows in self._proven if rows in self._relative]
