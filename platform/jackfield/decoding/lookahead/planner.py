"""What a step drafts, for which sequences, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import msgspec

from jackfield.decoding.lookahead.account import Account
from jackfield.decoding.lookahead.draft_length import Step, draft_lengths, expected_saving, paid_length
from jackfield.decoding.lookahead.drafter import Draft, Drafter
from jackfield.decoding.lookahead.step_costs import StepCosts

LONGEST_DRAFT = 31
"""Tokens; with the newest they make 32 rows, beyond which even copying gains little."""

MOST_SLOWER = 2.0
"""How many times longer drafts may make a step that several sequences share, so that no stream pauses for another."""

TRIAL_LENGTH = 3
"""Tokens guessed to find out whether a drafter that did not earn its time has come to."""


class LookaheadStatistics(msgspec.Struct, kw_only=True):
    """What lookahead has done since it began."""

    steps: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0


class Lookahead:
    """Drafts for the sequences of one decode loop: from the first drafter that knows something worth verifying."""

    def __init__(
        self,
        drafters: Sequence[Drafter],
        *,
        longest: int = LONGEST_DRAFT,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.statistics = LookaheadStatistics()
        self.costs = StepCosts()
        self._drafters = tuple(drafters)
        self._longest = longest
        self._clock = clock
        self._followed: set[int] = set()
        self._accounts = [Account() for _ in self._drafters]

    def follow(self, key: int, tokens: Sequence[int], references: Sequence[Sequence[int]] = ()) -> None:
        """Begin with a sequence. `tokens` is its live list; if that is ever cut, follow it anew."""
        self._followed.add(key)
        for drafter in self._drafters:
            drafter.follow(key, tokens, references)

    def forget(self, key: int) -> None:
        """End with a sequence; one that is not followed is no error."""
        self._followed.discard(key)
        for drafter in self._drafters:
            drafter.forget(key)

    def plan(self, rooms: Mapping[int, int], *, spare_rows: int, prefill_rows: int = 0) -> dict[int, list[int]]:
        """Tokens to verify after the newest of each decoding sequence; those that get none are left out.

        `rooms` names every decoding sequence of the step, followed or not, and the tokens that it could still hold
        beyond the next; all drafts together take `spare_rows` at most. To be called in every step, even without
        decodes: long prompts are indexed meanwhile.
        """
        for drafter in self._drafters:
            drafter.catch_up()
        room = {key: min(most, spare_rows, self._longest) for key, most in rooms.items()}
        open_keys = {key: most for key, most in room.items() if most > 0 and key in self._followed}
        if not open_keys:
            return {}
        step = self._step(len(rooms), spare_rows, prefill_rows)
        drafts, lengths = self._worthwhile_drafts(open_keys, step)
        return {key: drafts[key].tokens[:length] for key, length in lengths.items()}

    def verified(self, drafted: int, accepted: int) -> None:
        """Count what came of one sequence's draft."""
        self.statistics.steps += 1
        self.statistics.drafted_tokens += drafted
        self.statistics.accepted_tokens += accepted

    def timed(self, rows: int, seconds: float) -> None:
        """Learn from a step's evaluation; only from one without prefill, whose rows have no logits."""
        self.costs.observe(rows, seconds)

    def close(self) -> None:
        """Free the drafters."""
        for drafter in self._drafters:
            drafter.close()

    def _step(self, base_rows: int, spare_rows: int, prefill_rows: int) -> Step:
        shared = base_rows > 1 or prefill_rows > 0
        return Step(
            base_rows=base_rows,
            spare_rows=spare_rows,
            beside=self.costs.seconds(prefill_rows) or 0.0,
            most_slower=MOST_SLOWER if shared else float("inf"),
        )

    def _worthwhile_drafts(self, room: dict[int, int], step: Step) -> tuple[dict[int, Draft], dict[int, int]]:
        drafts: dict[int, Draft] = {}
        lengths: dict[int, int] = {}
        for drafter, account in zip(self._drafters, self._accounts, strict=True):
            wanted = {key: most for key, most in room.items() if key not in lengths}
            guessing = drafter.seconds(len(wanted)) if wanted else 0.0
            if guessing:
                wanted = self._paid_wishes(drafter, account, wanted, guessing, step)
            if not wanted:
                continue
            began = self._clock()
            found = drafter.drafts(wanted)
            ended = self._clock()
            drafts.update(found)
            if found:
                lengths = draft_lengths(drafts, step, self.costs)
            if guessing and found:
                saved = expected_saving({key: drafts[key] for key in found}, lengths, step, self.costs)
                account.enter(spent=ended - began, saved=saved, now=ended)
            elif guessing:
                account.rest(spent=ended - began, now=ended)
        return drafts, lengths

    def _paid_wishes(
        self, drafter: Drafter, account: Account, wanted: dict[int, int], guessing: float, step: Step
    ) -> dict[int, int]:
        """What to ask of a drafter that takes time: what should pay, else a trial now and then."""
        if account.pays:
            chance = sum(map(drafter.expected_chance, wanted)) / len(wanted)
            length = paid_length(chance, len(wanted), max(wanted.values()), guessing, step, self.costs)
            if length:
                return {key: min(length, most) for key, most in wanted.items()}
        if not account.may_try(self._clock()):
            return {}
        key, most = next(iter(wanted.items()))
        return {key: min(TRIAL_LENGTH, most)}
