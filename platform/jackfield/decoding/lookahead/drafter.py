"""What guesses a sequence's next tokens, whatever it guesses from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class Draft(msgspec.Struct):
    """Tokens that may follow a sequence's newest, and for each the chance that it does if those before it did."""

    tokens: list[int]
    chances: list[float]


class Drafter(Protocol):
    """Guesses for several sequences at once, and learns from what they come to hold how good its guesses are.

    It verifies nothing, and only the decode loop's thread uses it.
    """

    def follow(self, key: int, tokens: Sequence[int], references: Sequence[Sequence[int]]) -> None:
        """Begin to guess for a sequence. `tokens` is its live list, which only grows, and is only read here."""
        ...

    def catch_up(self) -> None:
        """Do a bounded part of what is left to read before guessing, where reading costs next to nothing."""
        ...

    def seconds(self, sequences: int) -> float:
        """What guessing one more token for that many sequences takes; 0 where it is not worth counting."""
        ...

    def expected_chance(self, key: int) -> float:
        """The chance that a guess for this sequence comes true, in general."""
        ...

    def drafts(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        """Guesses by key, none longer than wanted; a sequence without a guess is left out."""
        ...

    def forget(self, key: int) -> None:
        """Free what is kept for a sequence; one that is not followed is no error."""
        ...

    def close(self) -> None:
        """Free everything; a second call does nothing."""
        ...
