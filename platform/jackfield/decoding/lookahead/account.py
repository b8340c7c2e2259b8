"""Whether a drafter that takes time earns it back."""

from __future__ import annotations

TRIALS = 4
"""Guesses that a drafter is given before it is judged."""

MEMORY = 12
"""Guesses over which what they earned is averaged."""

TRIAL_SHARE = 0.01
"""Of the time, what goes into finding out whether a drafter that did not earn its time has come to."""


class Account:
    """What a drafter's guesses took and what they are expected to save, in seconds; it rests while it loses."""

    def __init__(self) -> None:
        self._guesses = 0
        self._balance = 0.0
        self._rests_until = 0.0

    @property
    def pays(self) -> bool:
        """Whether guessing has lately saved more than it took, or was not tried enough."""
        return self._guesses < TRIALS or self._balance >= 0

    def may_try(self, now: float) -> bool:
        """Whether a guess that is not expected to pay may be made."""
        return now >= self._rests_until

    def enter(self, *, spent: float, saved: float, now: float) -> None:
        """A guess was made, and what it found will be verified."""
        self._guesses += 1
        self._balance += (saved - spent - self._balance) / min(self._guesses, MEMORY)
        self.rest(spent=spent, now=now)

    def rest(self, *, spent: float, now: float) -> None:
        """Time was spent, on reading or guessing: the next trial may come when that is a small part of all."""
        self._rests_until = now + spent / TRIAL_SHARE
