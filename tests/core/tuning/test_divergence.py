"""How far predictions are from others: what the figures are, whatever the logits."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from jackfield.decoding.scores import log_softmax
from jackfield.models.tuning.divergence import ReferenceScores, kept_bytes, kullback_leibler, next_token_scores
from jackfield.testing.scripted_engine import VOCABULARY_SIZE, ScriptedEngine

LOGITS = arrays(np.float32, 20, elements=st.floats(-40, 40, width=32))
ON_FILES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def logits_that_like(token: int, by: float = 40.0) -> NDArray[np.float64]:
    """Scores of a vocabulary of four."""
    logits = np.zeros(4, dtype=np.float32)
    logits[token] = by
    return log_softmax(logits)


@given(LOGITS, LOGITS)
def test_divergence_is_never_negative(one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    assert kullback_leibler(log_softmax(one), log_softmax(other)) >= 0


@given(LOGITS)
def test_equal_predictions_do_not_diverge(logits: NDArray[np.float32]) -> None:
    assert kullback_leibler(log_softmax(logits), log_softmax(logits.copy())) == 0


def test_divergence_counts_nats() -> None:
    expected, found = np.log([0.5, 0.25, 0.25]), np.log([0.25, 0.25, 0.5])
    assert kullback_leibler(expected, found) == pytest.approx(0.25 * math.log(2))


def test_what_cannot_come_costs_nothing_and_missing_what_can_costs_everything() -> None:
    certain, even = np.array([0.0, -np.inf]), np.log([0.5, 0.5])
    assert kullback_leibler(certain, even) == pytest.approx(math.log(2))
    assert kullback_leibler(even, certain) == math.inf


@ON_FILES
@given(st.lists(LOGITS, min_size=1, max_size=5))
def test_a_reference_that_is_kept_in_a_file_hardly_moves(tmp_path: Path, rows: list[NDArray[np.float32]]) -> None:
    scores = [log_softmax(row) for row in rows]
    found = ReferenceScores(tmp_path / "scores", iter(scores)).divergence(iter(scores))
    assert found.mean < 1e-4
    assert (found.tokens, found.flips) == (len(rows), 0.0)
    assert (tmp_path / "scores").stat().st_size == kept_bytes(len(rows), 20)


def test_flips_are_counted_even_where_they_are_near_ties(tmp_path: Path) -> None:
    reference = ReferenceScores(tmp_path / "scores", [logits_that_like(0, 1e-4), logits_that_like(2)])
    found = reference.divergence([logits_that_like(1, 1e-4), logits_that_like(2)])
    assert found.flips == 0.5
    assert found.mean < 1e-4


def test_the_worst_rows_show_in_the_percentile(tmp_path: Path) -> None:
    agreed = [logits_that_like(1)] * 97
    reference = ReferenceScores(tmp_path / "scores", [*agreed, *[logits_that_like(0)] * 3])
    found = reference.divergence([*agreed, *[logits_that_like(3)] * 3])
    assert found.mean == pytest.approx(0.03 * 40, rel=0.01)
    assert found.most == pytest.approx(40, rel=0.01)


def test_every_token_of_every_window_is_predicted_and_the_engine_is_left_empty() -> None:
    engine = ScriptedEngine()
    windows = [list(b"x" * 200), list(b"y" * 30)]
    rows = list(next_token_scores(engine, windows))
    assert len(rows) == 230
    assert rows[0].shape == (VOCABULARY_SIZE,)
    assert engine.used_cells == 0
