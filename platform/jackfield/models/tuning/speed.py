"""How fast engines read and write, taken in turns so that whatever else the machine does slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

import msgspec

from jackfield.contracts.engine import TokenBatch, TokenEngine

PROMPT_TOKENS, ANSWER_TOKENS = 512, 64
"""What is timed, as llama-bench does: a prompt, and an answer that begins in an empty context."""
WARM_UP_TOKENS = 64
ROUNDS = 3


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens per second."""

    prefill: float
    decode: float

    @property
    def seconds(self) -> float:
        """For a prompt and an answer of the usual lengths: the one number by which formats are compared."""
        return PROMPT_TOKENS / self.prefill + ANSWER_TOKENS / self.decode


def middle(found: Sequence[Speed]) -> Speed:
    """The median of each."""
    return Speed(
        prefill=statistics.median(each.prefill for each in found),
        decode=statistics.median(each.decode for each in found),
    )


def speeds(engines: Sequence[TokenEngine], tokens: Sequence[int], ran: Callable[[], None]) -> tuple[Speed, ...]:
    """Medians over rounds in which each engine has its turn; `ran` is called after every forward pass.

    The engines' first sequences are empty before and after.
    """
    for engine in engines:
        _evaluate(engine, tokens[:WARM_UP_TOKENS], at_once=engine.limits.batch_tokens, ran=ran)
    prefills: list[list[float]] = [[] for _ in engines]
    decodes: list[list[float]] = [[] for _ in engines]
    for _ in range(ROUNDS):
        for engine, prefill, decode in zip(engines, prefills, decodes, strict=True):
            prompt = tokens[: min(PROMPT_TOKENS, engine.limits.context_length)]
            passes = _evaluate(engine, prompt, at_once=engine.limits.batch_tokens, ran=ran)
            prefill.append(len(prompt) / sum(passes))
            decode += [1 / seconds for seconds in _evaluate(engine, tokens[:ANSWER_TOKENS], at_once=1, ran=ran)]
    medians = zip(map(statistics.median, prefills), map(statistics.median, decodes), strict=True)
    return tuple(Speed(prefill=prefill, decode=decode) for prefill, decode in medians)


def _evaluate(engine: TokenEngine, tokens: Sequence[int], *, at_once: int, ran: Callable[[], None]) -> list[float]:
    """Seconds of each pass over tokens from an empty sequence, which is empty again after."""
    seconds = []
    for start in range(0, len(tokens), at_once):
        batch = TokenBatch()
        for at, token in enumerate(tokens[start : start + at_once], start):
            batch.add(token, position=at, sequence=0, logits=at == len(tokens) - 1 or at_once == 1)
        began = time.perf_counter()
        engine.evaluate(batch)
        seconds.append(max(time.perf_counter() - began, 1e-9))
        ran()
    engine.truncate(0, 0)
    return seconds
