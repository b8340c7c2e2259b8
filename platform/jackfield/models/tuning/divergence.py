"""How far a model's predictions are from another's over one text: Kullback-Leibler divergence and top-1 flips.

Perplexity hides damage: LLM-KICK (arXiv:2310.01382) and "Accuracy is Not All You Need" (arXiv:2407.09141) judge a
compressed model by these two against the model it was made from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.engine import TokenBatch, TokenEngine
from jackfield.decoding.scores import log_softmax
from jackfield.models.disk import disk_errors

ROWS_AT_ONCE = 128
"""Rows whose logits are kept at once: half a megabyte each for large vocabularies."""
KEPT = np.dtype(np.float16)


class Divergence(msgspec.Struct, frozen=True, kw_only=True):
    """Over `tokens` predictions: nats of divergence, in the mean and below which 99 of 100 lie; the share of flips."""

    tokens: int
    mean: float
    most: float
    flips: float


def next_token_scores(engine: TokenEngine, windows: Iterable[Sequence[int]]) -> Iterator[NDArray[np.float64]]:
    """Natural log-probabilities, (n_vocab,), of what follows each token, where each window stands alone."""
    rows = min(ROWS_AT_ONCE, engine.limits.batch_tokens)
    for window in windows:
        for start in range(0, len(window), rows):
            batch = TokenBatch()
            for at, token in enumerate(window[start : start + rows], start):
                batch.add(token, position=at, sequence=0, logits=True)
            engine.evaluate(batch)
            for row in range(len(batch)):
                yield log_softmax(engine.logits(row))
        engine.truncate(0, 0)


class ReferenceScores:
    """The reference's log-probabilities, kept in a file: in memory they would take more than the model.

    Half precision moves a divergence by less than 0.0001; which token is the likeliest is kept apart, exactly.
    """

    def __init__(self, path: Path, scores: Iterable[NDArray[np.float64]]) -> None:
        self._path = path
        self._likeliest: list[int] = []
        with disk_errors(path), path.open("wb") as file:
            for row in scores:
                self._likeliest.append(int(row.argmax()))
                file.write(row.astype(KEPT).data)

    def divergence(self, scores: Iterable[NDArray[np.float64]]) -> Divergence:
        """Of other predictions for the same tokens."""
        rows = np.memmap(self._path, dtype=KEPT, mode="r").reshape(len(self._likeliest), -1)
        nats, flips = [], 0
        for kept, likeliest, found in zip(rows, self._likeliest, scores, strict=True):
            nats.append(kullback_leibler(log_softmax(kept.astype(np.float32)), found))
            flips += int(found.argmax()) != likeliest
        return Divergence(
            tokens=len(nats),
            mean=float(np.mean(nats)),
            most=float(np.percentile(nats, 99)),
            flips=flips / len(nats),
        )


def kept_bytes(tokens: int, vocabulary_size: int) -> int:
    """The size of the file that keeps the scores of so many tokens."""
    return tokens * vocabulary_size * KEPT.itemsize


def kullback_leibler(expected: NDArray[np.float64], found: NDArray[np.float64]) -> float:
    """Nats that are lost where `found` stands for `expected`, both log-probabilities, (n_vocab,)."""
    possible = expected > -np.inf
    lost = np.exp(expected[possible]) * (expected[possible] - found[possible])
    return max(float(lost.sum()), 0.0)
