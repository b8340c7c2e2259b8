"""How the next token is drawn: llama.cpp's bias, penalties, top-k, top-p, min-p and temperature, then our draw."""

from __future__ import annotations

import ctypes
import math
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.sampling import Sampling
from jackfield.errors import EngineFailure, InvalidRequest
from jackfield_engines.llama_cpp.native_sampler import SamplerChain

if TYPE_CHECKING:
    from jackfield.decoding.constraints.matcher import ConstraintMatcher

GREEDY_BELOW = 1e-5
"""A lower temperature draws the likeliest token anyway, and dividing by it overflows."""

LEAST_TIME = np.float32(2**-24)
"""In place of 0, which single precision gives once in 2**23 times, and with which any token would win."""

Logits = Callable[[int], NDArray[np.float32]]
Tokens = NDArray[np.int64]
"""Token ids, ascending."""


class SampledVocabulary(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn from: `size` tokens, but for those that the model must never write."""

    size: int
    suppressed: tuple[int, ...]
    longest_sequence: int


def sampler_for(sampling: Sampling, *, logits: Logits, vocabulary: SampledVocabulary) -> PlainSampler:
    """A fresh sampler; `logits` gives a row's logits and raises where there are none. Raises InvalidRequest."""
    bias = _bias(sampling, vocabulary)
    if _is_greedy(sampling) and not bias and not _penalizes(sampling):
        return GreedySampler(logits)
    draw = None if _is_greedy(sampling) else SeededDraw(sampling.seed, vocabulary.size)
    return ChainSampler(_chain(sampling, bias, vocabulary), draw, logits)


class GreedySampler:
    """The likeliest token, the lower number of equals."""

    complete = False

    def __init__(self, logits: Logits) -> None:
        self._logits = logits

    def sample(self, row: int, among: Tokens | None = None) -> int:
        """The likeliest token of a row, or of some tokens."""
        logits = self._logits(row)
        return likeliest(logits) if among is None else int(among[likeliest(logits[among])])

    def accept(self, token: int) -> None:
        """Nothing here depends on earlier tokens."""

    def repeat(self, token: int) -> None:
        """Nothing here depends on earlier draws."""

    def close(self) -> None:
        """Nothing is held."""


class SeededDraw:
    """Draws in proportion to probability, by the least of exponential times (the Gumbel-max trick).

    Each token has a time of its own in each draw, which only the seed and the draw's number decide. So the rounding
    errors by which equal requests differ, read in other batches, change a draw only where two tokens race closely.
    """

    def __init__(self, seed: int | None, vocabulary_size: int) -> None:
        self._seed = secrets.randbits(64) if seed is None else seed % 2**64
        self._size = vocabulary_size
        self._drawn = 0

    def among(self, tokens: NDArray[np.int32], logits: NDArray[np.float32]) -> int:
        """The next draw, among some tokens with their logits."""
        if len(tokens) == 1:
            self._drawn += 1
            return int(tokens[0])
        times = np.random.Generator(np.random.SFC64((self._seed, self._drawn))).standard_exponential(
            self._size, dtype=np.float32
        )
        self._drawn += 1
        return int(tokens[(logits - np.log(np.maximum(times[tokens], LEAST_TIME))).argmax()])

    def skip(self) -> None:
        """Leave out a draw whose outcome is known."""
        self._drawn += 1


class ChainSampler:
    """A chain of llama.cpp's samplers, and then the draw, or the likeliest where there is none."""

    complete = False

    def __init__(self, chain: SamplerChain, draw: SeededDraw | None, logits: Logits) -> None:
        self._chain = chain
        self._draw = draw
        self._logits = logits

    def sample(self, row: int, among: Tokens | None = None) -> int:
        """Draw from a row, or from some of its tokens, whose logits are numbers: llama.cpp aborts where none is."""
        logits = self._logits(row)
        likeliest(logits)
        tokens, changed = self._chain.remaining(logits, among)
        token = int(tokens[changed.argmax()]) if self._draw is None else self._draw.among(tokens, changed)
        self._chain.accept(token)
        return token

    def accept(self, token: int) -> None:
        """Count a token towards the penalties."""
        self._chain.accept(token)

    def repeat(self, token: int) -> None:
        """Count a token as one that was drawn."""
        if self._draw:
            self._draw.skip()
        self._chain.accept(token)

    def close(self) -> None:
        """Free the chain."""
        self._chain.close()


PlainSampler = GreedySampler | ChainSampler


class ConstrainedSampler:
    """Draws among the tokens that keep an answer in its shape; bias, penalties, top-k and the rest work on those."""

    def __init__(self, sampler: PlainSampler, matcher: ConstraintMatcher) -> None:
        self._sampler = sampler
        self._matcher = matcher

    @property
    def complete(self) -> bool:
        """Whether the shape is whole and nothing may follow."""
        return self._matcher.complete

    def sample(self, row: int) -> int:
        """Draw from a row's allowed tokens and count what was drawn; raises EngineFailure where none is."""
        token = self._drawn(row)
        self._matcher.advance(token)
        return token

    def _drawn(self, row: int) -> int:
        """The likeliest token of all is also the likeliest of those that are allowed, where it is one of them."""
        if isinstance(self._sampler, GreedySampler) and self._matcher.allows(token := self._sampler.sample(row)):
            return token
        return self._sampler.sample(row, self._matcher.allowed())

    def accept(self, token: int) -> None:
        """Count a token towards the penalties; it is no part of the shape."""
        self._sampler.accept(token)

    def repeat(self, token: int) -> None:
        """Count a token as one that was drawn, and go on behind it in the shape."""
        self._sampler.repeat(token)
        self._matcher.advance(token)

    def close(self) -> None:
        """Free the sampler."""
        self._sampler.close()


def likeliest(logits: NDArray[np.float32]) -> int:
    """The token of the highest logit; raises EngineFailure where the logits are not numbers."""
    token = int(logits.argmax())
    if not math.isfinite(logits[token]):
        raise EngineFailure("The model gave logits that are not numbers; its file may be damaged: pull it again.")
    return token


def _chain(sampling: Sampling, bias: list[tuple[int, float]], vocabulary: SampledVocabulary) -> SamplerChain:
    chain = SamplerChain()
    if bias:
        chain.add_logit_bias(vocabulary.size, bias)
    if _penalizes(sampling):
        chain.add_penalties(
            vocabulary.size,
            window=min(sampling.penalty_window, vocabulary.longest_sequence),
            repeat=sampling.repeat_penalty,
            frequency=sampling.frequency_penalty,
            presence=sampling.presence_penalty,
        )
    if _is_greedy(sampling):
        return chain
    if sampling.top_k:
        chain.add_top_k(min(sampling.top_k, vocabulary.size))
    if sampling.top_p < 1:
        chain.add_top_p(sampling.top_p)
    if sampling.min_p > 0:
        chain.add_min_p(sampling.min_p)
    chain.add_temperature(sampling.temperature)
    return chain


def _is_greedy(sampling: Sampling) -> bool:
    return sampling.temperature < GREEDY_BELOW


def _penalizes(sampling: Sampling) -> bool:
    changed = sampling.repeat_penalty != 1 or sampling.frequency_penalty != 0 or sampling.presence_penalty != 0
    return changed and sampling.penalty_window > 0


def _bias(sampling: Sampling, vocabulary: SampledVocabulary) -> list[tuple[int, float]]:
    """What is added to which logits; tokens that the model must never write get minus infinity."""
    for token, bias in sampling.logit_bias.items():
        if not 0 <= token < vocabulary.size:
            raise InvalidRequest(
                f"logit_bias names token {token}; this model's tokens are 0 to {vocabulary.size - 1}.",
                parameter="logit_bias",
            )
        if not math.isfinite(ctypes.c_float(bias).value):
            raise InvalidRequest(
                f"logit_bias of token {token} is {bias}; give a number such as -100 to forbid it, 100 to force it.",
                parameter="logit_bias",
            )
    return [*sampling.logit_bias.items(), *((token, -math.inf) for token in vocabulary.suppressed)]
