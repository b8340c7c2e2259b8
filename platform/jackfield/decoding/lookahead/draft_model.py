"""Drafts by a small model of the same vocabulary (speculative decoding; SpecDec++, arXiv 2405.19715)."""

from __future__ import annotations

import math
import time
from bisect import bisect
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from jackfield.contracts.engine import TokenBatch, TokenEngine
from jackfield.decoding.lookahead.drafter import Draft
from jackfield.decoding.lookahead.followed_sequence import FollowedSequence
from jackfield.decoding.lookahead.hit_rates import HitRates
from jackfield.decoding.lookahead.step_costs import PROVEN, StepCosts
from jackfield.errors import CellsExhausted, EngineFailure, InvalidRequest

log = structlog.get_logger()

LEAST_REACHING = 0.3
"""A draft ends once the chance that it is accepted as a whole falls below this (SpecDec++'s 1 - h)."""

READING_ROWS = 64
"""Rows of context evaluated in one go, so that a long prompt does not stall the sequences that it is read for."""

_SURENESS = (0.3, 0.5, 0.7, 0.85, 0.95, 0.99)
_BELIEF = (0.2, 0.4, 0.6, 0.75, 0.85, 0.93, 0.98)
"""How likely a guess is by how sure the draft model was of it, until there are figures."""

_OVERALL_BELIEF = (0.7,)


class DraftModel:
    """A drafter over an engine of its own, whose sequences it keeps in step with those it guesses for.

    An error of the draft model's engine ends its drafting and nothing else.
    """

    def __init__(self, engine: TokenEngine, target: TokenEngine) -> None:
        """Takes the engine over; raises InvalidRequest where it cannot take guesses back or has another vocabulary."""
        if not engine.limits.shares_parts:
            raise InvalidRequest(
                f"'{engine.model.name}' cannot draft: its memory is one state that no guess can be taken out of; "
                "choose a draft model without recurrent layers.",
                parameter="draft_model",
            )
        require_one_vocabulary(engine, target)
        self._engine = engine
        self._limits = engine.limits
        self._free_slots = list(range(engine.limits.sequences))
        self._followed: dict[int, FollowedSequence] = {}
        self._costs = StepCosts()
        self._sureness_rates = HitRates(_BELIEF)
        self._overall_rates = HitRates(_OVERALL_BELIEF)
        self._uses = 0
        self._broken = False

    def follow(self, key: int, tokens: Sequence[int], references: Sequence[Sequence[int]] = ()) -> None:
        """Guess for a sequence; references are nothing that a model reads."""
        self.forget(key)
        self._followed[key] = FollowedSequence(tokens, HitRates(self._sureness_rates), HitRates(self._overall_rates))

    def catch_up(self) -> None:
        """Nothing: reading takes the model's time, so it waits until a draft is wanted."""

    def seconds(self, sequences: int) -> float:
        """What a pass over one row for each sequence takes, measured before the first draft."""
        if not (self._broken or self._costs.knows(1)) and self._free_slots:
            self._guarded(self._measure)
        return self._costs.seconds(sequences) or 0.0

    def expected_chance(self, key: int) -> float:
        """How many of the guesses for a sequence came true, lately."""
        return self._followed[key].overall_rates.chance(0)

    def drafts(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        """Greedy guesses, several sequences in a pass; a sequence still being read gets none."""
        drafts: dict[int, Draft] = {}
        if not self._broken:
            self._guarded(lambda: drafts.update(self._guess(wanted)))
        return drafts

    def forget(self, key: int) -> None:
        """Free a sequence's cells."""
        followed = self._followed.pop(key, None)
        if followed is not None:
            self._guarded(lambda: self._give_up_slot(followed))

    def close(self) -> None:
        """Free the engine."""
        self._followed.clear()
        self._engine.close()

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except EngineFailure as error:
            log.error("the draft model failed and is used no more", model=self._engine.model.name, reason=error.message)
            self._broken = True

    def _measure(self) -> None:
        slot = self._free_slots[-1]
        for position in range(PROVEN + 1):
            batch = TokenBatch()
            batch.add(0, position=position, sequence=slot, logits=True)
            self._timed_pass(batch)
        self._truncate(slot, 0)

    def _guess(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        ready = self._read([key for key, most in wanted.items() if self._is_ready(key, most, wanted)])
        drafts = {key: Draft([], []) for key in ready}
        for key in ready:
            self._followed[key].begin_guessing()
        while ready:
            newest = {}
            for key, row in ready.items():
                draft = drafts[key]
                reaching = self._guess_one(draft, self._followed[key], row)
                if reaching >= LEAST_REACHING and len(draft.tokens) < wanted[key]:
                    newest[key] = draft.tokens[-1]
            ready = self._evaluate_guesses(newest)
        return drafts

    def _guess_one(self, draft: Draft, followed: FollowedSequence, row: int) -> float:
        """Add the likeliest token of a row; the chance that the draft is accepted as a whole."""
        token, probability = _likeliest(self._engine.logits(row))
        draft.tokens.append(token)
        draft.chances.append(followed.guess(token, bisect(_SURENESS, probability)))
        return math.prod(draft.chances)

    def _evaluate_guesses(self, newest: Mapping[int, int]) -> dict[int, int]:
        """Let sequences go on by one guess each; the rows to guess from next, none once the cells are used up."""
        if not newest:
            return {}
        batch = TokenBatch()
        rows = {}
        for key, token in newest.items():
            followed = self._followed[key]
            rows[key] = batch.add(token, position=len(followed.held), sequence=_slot(followed), logits=True)
        try:
            self._timed_pass(batch)
        except CellsExhausted:
            return {}
        for key, token in newest.items():
            self._followed[key].held.append(token)
        return rows

    def _read(self, keys: Sequence[int]) -> dict[int, int]:
        """Evaluate what sequences hold by now, some rows at most; of those read to the end, the rows to go on from."""
        batch = TokenBatch()
        ends: dict[int, int] = {}
        rows: dict[int, int] = {}
        budget = min(self._limits.batch_tokens, max(READING_ROWS, len(keys)))
        # Who has least to read goes first: a new prompt must not keep the others from their guesses.
        for key in sorted(keys, key=lambda key: self._followed[key].missing):
            followed = self._followed[key]
            ends[key] = min(len(followed.tokens), len(followed.held) + budget - len(batch))
            for position in range(len(followed.held), ends[key]):
                token, last = followed.tokens[position], position == len(followed.tokens) - 1
                row = batch.add(token, position=position, sequence=_slot(followed), logits=last)
                if last:
                    rows[key] = row
        if not (len(batch) and self._evaluates(batch, keys)):
            return {}
        for key, end in ends.items():
            followed = self._followed[key]
            followed.held.extend(followed.tokens[len(followed.held) : end])
        return rows

    def _evaluates(self, batch: TokenBatch, keys: Sequence[int]) -> bool:
        """Evaluate, if need be after emptying what is not wanted now; where even that is not enough, give these up."""
        try:
            self._engine.evaluate(batch)
        except CellsExhausted:
            for followed in (followed for key, followed in self._followed.items() if key not in keys):
                self._give_up_slot(followed)
        else:
            return True
        try:
            self._engine.evaluate(batch)
        except CellsExhausted:
            log.warning("the draft model's context has no room", model=self._engine.model.name, sequences=len(keys))
            for key in keys:
                self._followed[key].given_up = True
                self._give_up_slot(self._followed[key])
            return False
        return True

    def _is_ready(self, key: int, most: int, wanted: Mapping[int, int]) -> bool:
        """Bring a sequence's held tokens to a prefix of its own, in a slot; False where there is no room for it."""
        followed = self._followed[key]
        followed.learn()
        if followed.given_up or len(followed.tokens) + most > self._limits.context_length:
            return False
        self._uses += 1
        followed.last_used = self._uses
        if followed.slot is None:
            self._take_slot(followed, wanted)
        if followed.slot is None:
            return False
        agreed = followed.num_agreed()
        if agreed < len(followed.held):
            self._truncate(followed.slot, agreed)
            followed.drop(agreed)
        return True

    def _take_slot(self, followed: FollowedSequence, wanted: Mapping[int, int]) -> None:
        """A free slot, or that of the sequence which was wanted longest ago and is not wanted now."""
        if not self._free_slots:
            idle = [other for key, other in self._followed.items() if other.slot is not None and key not in wanted]
            if idle:
                self._give_up_slot(min(idle, key=lambda other: other.last_used))
        if self._free_slots:
            followed.slot = self._free_slots.pop()

    def _give_up_slot(self, followed: FollowedSequence) -> None:
        if followed.slot is not None and not self._broken:
            self._truncate(followed.slot, 0)
            self._free_slots.append(followed.slot)
        followed.slot = None
        followed.drop(0)

    def _truncate(self, slot: int, length: int) -> None:
        if not self._engine.truncate(slot, length):
            raise EngineFailure(f"The engine could not cut sequence {slot} to {length} tokens.")

    def _timed_pass(self, batch: TokenBatch) -> None:
        began = time.perf_counter()
        self._engine.evaluate(batch)
        self._costs.observe(len(batch), time.perf_counter() - began)


def require_one_vocabulary(draft: TokenEngine, target: TokenEngine) -> None:
    """Raise InvalidRequest unless each token means the same to both, so that one's guess is the other's token."""
    names = f"'{draft.model.name}' cannot draft for '{target.model.name}'"
    if draft.model.vocabulary_size != target.model.vocabulary_size:
        raise InvalidRequest(
            f"{names}: it has {draft.model.vocabulary_size} tokens and not {target.model.vocabulary_size}; "
            "choose a draft model of the same family.",
            parameter="draft_model",
        )
    for token in range(target.model.vocabulary_size):
        if draft.piece(token) != target.piece(token):
            raise InvalidRequest(
                f"{names}: token {token} is {draft.piece(token)!r} there and {target.piece(token)!r} here; "
                "choose a draft model of the same family.",
                parameter="draft_model",
            )


def _slot(followed: FollowedSequence) -> int:
    if followed.slot is None:
        raise AssertionError("only sequences with a slot are evaluated")
    return followed.slot


def _likeliest(logits: NDArray[np.float32]) -> tuple[int, float]:
    """The token of the highest logit, and its probability."""
    token = int(logits.argmax())
    return token, 1.0 / float(np.exp(logits - logits[token]).sum())
