"""How many tokens to draft: as many as make the most tokens a second, none where that would not pay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from operator import mul

import msgspec

from jackfield.decoding.lookahead.drafter import Draft
from jackfield.decoding.lookahead.step_costs import StepCosts

WORTHWHILE = 1.1
"""Expected gain below which nothing is drafted: chances and costs are estimates."""

LEAST_CHANCE = 0.05
"""Tokens less likely to be reached than this are not considered."""

TILE = 4
"""Matrix kernels take rows in tiles, so above this many only multiples of it are considered; fewer sizes to learn."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step before anything is drafted.

    `base_rows` draw a token each, `spare_rows` more fit the batch, prefill takes `beside` seconds more; `most_slower`
    is how many times longer drafts may make it, since others wait for it too.
    """

    base_rows: int
    spare_rows: int
    beside: float = 0.0
    most_slower: float = float("inf")


def draft_lengths(drafts: Mapping[int, Draft], step: Step, costs: StepCosts) -> dict[int, int]:
    """How many tokens of each draft to verify; those that get none are left out.

    A further token of a draft is worth the chance that it and all before it are accepted. The most valuable go first,
    whosever they are, up to the size at which the step yields the most tokens a second.
    """
    alone = _seconds(step.base_rows, step, costs)
    if alone is None:
        return {}
    gains = _gains(drafts)[: step.spare_rows]
    best_rate, best = WORTHWHILE * step.base_rows / alone, 0
    expected = float(step.base_rows)
    for count, (gain, _) in enumerate(gains, start=1):
        expected += gain
        rows = step.base_rows + count
        if not costs.within_reach(rows):
            break
        if rows > TILE and rows % TILE:
            continue
        seconds = _seconds(rows, step, costs)
        if seconds is not None and seconds <= alone * step.most_slower and expected / seconds > best_rate:
            best_rate, best = expected / seconds, count
    return dict(Counter(key for _, key in gains[:best]))


def paid_length(chance: float, sequences: int, most: int, guessing: float, step: Step, costs: StepCosts) -> int:
    """How many tokens to guess for each of some sequences where one more for all takes `guessing` seconds; 0: none."""
    alone = _seconds(step.base_rows, step, costs)
    if alone is None or sequences == 0:
        return 0
    best_rate, best = WORTHWHILE * step.base_rows / alone, 0
    expected, reached = float(step.base_rows), 1.0
    for length in range(1, min(most, step.spare_rows // sequences) + 1):
        reached *= chance
        expected += sequences * reached
        seconds = _seconds(step.base_rows + sequences * length, step, costs)
        if seconds is None or seconds > alone * step.most_slower:
            continue
        rate = expected / (seconds + guessing * length)
        if rate > best_rate:
            best_rate, best = rate, length
    return best


def expected_saving(drafts: Mapping[int, Draft], lengths: Mapping[int, int], step: Step, costs: StepCosts) -> float:
    """Seconds that verifying these drafts, among others in `lengths`, should save; negative where it loses."""
    alone = _seconds(step.base_rows, step, costs)
    with_all = _seconds(step.base_rows + sum(lengths.values()), step, costs)
    others = sum(length for key, length in lengths.items() if key not in drafts)
    without = _seconds(step.base_rows + others, step, costs)
    if alone is None or with_all is None or without is None:
        return 0.0
    gained = sum(sum(reaching_chances(draft.chances)[: lengths.get(key, 0)]) for key, draft in drafts.items())
    return gained * alone / step.base_rows - (with_all - without)


def reaching_chances(chances: Sequence[float]) -> list[float]:
    """For each token of a draft the chance that it and all before it are accepted."""
    return list(accumulate(chances, mul))


def _gains(drafts: Mapping[int, Draft]) -> list[tuple[float, int]]:
    gains = [
        (gain, key) for key, draft in drafts.items() for gain in reaching_chances(draft.chances) if gain >= LEAST_CHANCE
    ]
    gains.sort(reverse=True)
    return gains


def _seconds(rows: int, step: Step, costs: StepCosts) -> float | None:
    seconds = costs.seconds(rows)
    return None if seconds is None else seconds + step.beside
