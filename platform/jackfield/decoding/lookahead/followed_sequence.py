"""What a draft model keeps for one sequence that it guesses for."""

from __future__ import annotations

from collections.abc import Sequence

from jackfield.decoding.lookahead.hit_rates import HitRates


class FollowedSequence:
    """A sequence's live tokens, those that the draft model holds of them, and its last guesses."""

    def __init__(self, tokens: Sequence[int], sureness_rates: HitRates, overall_rates: HitRates) -> None:
        self.tokens = tokens
        self.held: list[int] = []
        self.slot: int | None = None
        self.last_used = 0
        self.given_up = False
        self.sureness_rates = sureness_rates
        self.overall_rates = overall_rates
        self._agreed = 0
        self._guesses: list[tuple[int, int]] = []
        self._guessed_from = 0

    @property
    def missing(self) -> int:
        """Tokens still to be read."""
        return len(self.tokens) - len(self.held)

    def num_agreed(self) -> int:
        """How many of the held tokens are the sequence's own; at least its newest is left to be read."""
        agreed, most = self._agreed, min(len(self.held), len(self.tokens) - 1)
        while agreed < most and self.held[agreed] == self.tokens[agreed]:
            agreed += 1
        self._agreed = min(agreed, most)
        return self._agreed

    def drop(self, length: int) -> None:
        """Count held tokens after the first `length` as gone."""
        del self.held[length:]
        self._agreed = min(self._agreed, length)

    def begin_guessing(self) -> None:
        """What is guessed from now on follows the newest token."""
        self._guesses = []
        self._guessed_from = len(self.tokens)

    def guess(self, token: int, sureness: int) -> float:
        """Note a guess; the chance that it comes true if those before it do."""
        self._guesses.append((token, sureness))
        return self.sureness_rates.chance(sureness)

    def learn(self) -> None:
        """Compare the last guesses with what was written, as far as it is known and up to the first that failed."""
        for (token, sureness), written in zip(self._guesses, self.tokens[self._guessed_from :], strict=False):
            hit = token == written
            self.sureness_rates.observe(sureness, hit)
            self.overall_rates.observe(0, hit)
            if not hit:
                break
        self._guesses = []
