"""Log-probabilities as JSON can carry them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jackfield.decoding.scores import IMPOSSIBLE, log_softmax, token_score
from jackfield.testing.scripted_engine import ScriptedEngine


class MaskedEngine(ScriptedEngine):
    """An engine whose logits rule tokens out."""

    def logits(self, row: int) -> NDArray[np.float32]:
        logits = np.full(258, -np.inf, dtype=np.float32)
        logits[[65, 66]] = [1.0, 2.0]
        return logits


def test_log_probabilities_are_of_a_distribution() -> None:
    logits = np.array([1.0, 2.0, 3.0], dtype=np.float32)
    assert np.isclose(np.exp(log_softmax(logits)).sum(), 1.0)


def test_what_cannot_be_drawn_has_a_finite_score() -> None:
    score = token_score(MaskedEngine(), 0, 70, 3)
    assert score.chosen.logprob == IMPOSSIBLE
    assert [chance.piece for chance in score.likeliest[:2]] == [b"B", b"A"]
    assert score.likeliest[2].logprob == IMPOSSIBLE


def test_more_likeliest_tokens_than_there_are_is_all_of_them() -> None:
    assert len(token_score(MaskedEngine(), 0, 65, 1000).likeliest) == 258
