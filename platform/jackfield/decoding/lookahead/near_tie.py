"""Whether a greedy choice hung by a thread."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WITHIN = 0.3
"""Logits: a lead differs by less in 95 of 100 tokens between a row of eight and one alone (SmolLM2 Q4_1; two cores)."""


def margin(logits: NDArray[np.float32]) -> float:
    """By how much the best logit leads the second best, of at least two."""
    second, best = np.partition(logits, -2)[-2:]
    return float(best - second)


def near_tie(logits: NDArray[np.float32], within: float = WITHIN) -> bool:
    """Whether the two best logits are so close that evaluating in another batch may swap them."""
    return margin(logits) < within
