"""Log-probabilities of written tokens, from the logits before sampling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.engine import TokenEngine
from jackfield.events import TokenChance, TokenScore

IMPOSSIBLE = -9999.0
"""Stands for minus infinity, which JSON cannot say; OpenAI's own answers hold the same number."""


def token_score(engine: TokenEngine, row: int, token: int, likeliest: int) -> TokenScore:
    """The chance of a token and of the `likeliest` most probable ones at a row of the last evaluation."""
    logprobs = log_softmax(engine.logits(row))
    likeliest = min(likeliest, len(logprobs))
    best = np.argpartition(logprobs, -likeliest)[-likeliest:] if likeliest else np.empty(0, dtype=np.int64)
    best = best[np.argsort(logprobs[best])[::-1]]
    return TokenScore(
        chosen=_chance(engine, logprobs, token),
        likeliest=tuple(_chance(engine, logprobs, int(other)) for other in best),
    )


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Natural log-probabilities, (n_vocab,), in double precision."""
    shifted = logits.astype(np.float64) - logits.max()
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result


def _chance(engine: TokenEngine, logprobs: NDArray[np.float64], token: int) -> TokenChance:
    return TokenChance(engine.piece(token), max(float(logprobs[token]), IMPOSSIBLE))
