"""How fast engines read and write, taken in turns so that whatever else the machine does slows all of them."""

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
ROUNDS = 3


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens per second, and how much faster the best round was than the middle one: near 1 on an idle machine."""

    prefill: float
    decode: float
    spread: float = 1.0

    @property
    def seconds(self) -> float:
        """For a prompt and an answer of the usual lengths: the one number by which formats are compared."""
        return PROMPT_TOKENS / self.prefill + USUAL_ANSWER_TOKENS / self.decode


def speeds(engines: Sequence[TokenEngine], tokens: Sequence[int], ran: Callable[[], None]) -> tuple[Speed, ...]:
    """Of each engine in its best of several rounds, in which they take turns; `ran` is called after every forward pass.

    The best, because what else a machine does can only slow it. The engines' first sequences are empty before and
    after.
    """
    for engine in engines:
        _evaluate(engine, tokens[:WARM_UP_TOKENS], at_once=engine.limits.batch_tokens, ran=ran)
    rounds = [[_round(engine, tokens, ran) for engine in engines] for _ in range(ROUNDS)]
    return tuple(best(of_engine) for of_engine in zip(*rounds, strict=True))


def _round(engine: TokenEngine, tokens: Sequence[int], ran: Callable[[], None]) -> Speed:
    """One prompt and one answer, of whose tokens the median counts."""
    prompt = tokens[: min(PROMPT_TOKENS, engine.limits.context_length)]
    passes = _evaluate(engine, prompt, at_once=engine.limits.batch_tokens, ran=ran)
    answer = _evaluate(engine, tokens[:ANSWER_TOKENS], at_once=1, ran=ran)
    return Speed(prefill=len(prompt) / sum(passes), decode=1 / statistics.median(answer))


def best(rounds: Sequence[Speed]) -> Speed:
    """The highest of each."""
    prefills, decodes = [each.prefill for each in rounds], [each.decode for each in rounds]
    spread = max(max(each) / statistics.median(each) for each in (prefills, decodes))
    return Speed(prefill=max(prefills), decode=max(decodes), spread=spread)


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
