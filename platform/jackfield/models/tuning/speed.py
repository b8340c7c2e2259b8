"""How fast engines read and write, on a machine that may have other things to do."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import msgspec

from jackfield.contracts.engine import TokenBatch, TokenEngine

PROMPT_TOKENS, ANSWER_TOKENS = 512, 64
"""What is timed, as llama-bench does: a prompt, and an answer that begins in an empty context."""
USUAL_ANSWER_TOKENS = 256
"""What a prompt of that length is usually answered with; 64 tokens tell how fast that is."""
WARM_UP_TOKENS = 64
ROUNDS, ATTEMPTS = 3, 3
"""Rounds in which engines take turns, and how often these are run while most of them find the machine busy."""


BUSY = 1.25
"""A round that is this many times as slow as another: something else has the machine."""


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens per second."""

    prefill: float
    decode: float

    @property
    def seconds(self) -> float:
        """For a prompt and an answer of the usual lengths: the one number by which formats are compared."""
        return PROMPT_TOKENS / self.prefill + USUAL_ANSWER_TOKENS / self.decode

    def is_far_below(self, other: Speed) -> bool:
        """Whether it is so much slower, in reading or in writing, that the same engine was not alone."""
        return self.prefill * BUSY < other.prefill or self.decode * BUSY < other.decode


def best(found: Sequence[Speed]) -> Speed:
    """The highest of each, because what else a machine does can only slow it."""
    return Speed(prefill=max(each.prefill for each in found), decode=max(each.decode for each in found))


class PairedTiming:
    """Times engines in turns with one that all of them are compared with, so that what slows one slows both.

    The engines' first sequences are empty before and after.
    """

    def __init__(
        self, original: TokenEngine, tokens: Sequence[int], clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._clock = clock
        self._original = original
        self._tokens = tokens
        self._rounds: list[Speed] = []

    @property
    def original(self) -> Speed:
        """Of the engine that others are compared with, over all rounds so far."""
        return best(self._rounds)

    def of(self, engine: TokenEngine, ran: Callable[[], None]) -> tuple[Speed, bool]:
        """An engine's speed, and whether something else had the machine however often it was tried.

        `ran` is called after every forward pass.
        """
        found: list[Speed] = []
        for each in (self._original, engine):
            self._evaluate(each, self._tokens[:WARM_UP_TOKENS], at_once=each.limits.batch_tokens, ran=ran)
        for _ in range(ATTEMPTS):
            turns = [[self._round(each, ran) for each in (self._original, engine)] for _ in range(ROUNDS)]
            self._rounds += [original for original, _ in turns]
            found += [own for _, own in turns]
            calm = [original for original, _ in turns if not original.is_far_below(self.original)]
            if 2 * len(calm) > ROUNDS:
                return best(found), False
        return best(found), True

    def _round(self, engine: TokenEngine, ran: Callable[[], None]) -> Speed:
        """One prompt and one answer, of whose tokens the median counts."""
        prompt = self._tokens[: min(PROMPT_TOKENS, engine.limits.context_length)]
        passes = self._evaluate(engine, prompt, at_once=engine.limits.batch_tokens, ran=ran)
        answer = self._evaluate(engine, self._tokens[:ANSWER_TOKENS], at_once=1, ran=ran)
        return Speed(prefill=len(prompt) / sum(passes), decode=1 / statistics.median(answer))

    def _evaluate(
        self, engine: TokenEngine, tokens: Sequence[int], *, at_once: int, ran: Callable[[], None]
    ) -> list[float]:
        """Seconds of each pass over tokens from an empty sequence, which is empty again after."""
        seconds = []
        for start in range(0, len(tokens), at_once):
            batch = TokenBatch()
            for at, token in enumerate(tokens[start : start + at_once], start):
                batch.add(token, position=at, sequence=0, logits=at == len(tokens) - 1 or at_once == 1)
            began = self._clock()
            engine.evaluate(batch)
            seconds.append(max(self._clock() - began, 1e-9))
            ran()
        engine.truncate(0, 0)
        return seconds
