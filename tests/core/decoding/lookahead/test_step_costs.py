"""Step costs are learned from steps, whatever slows single ones."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jackfield.decoding.lookahead.step_costs import FORGOTTEN_AFTER, StepCosts


def affine(rows: int) -> float:
    return 0.01 + 0.002 * rows


def ratio(costs: StepCosts, rows: int, to: int = 1) -> float:
    """Cost of a size in parts of another's."""
    above, below = costs.seconds(rows), costs.seconds(to)
    assert above is not None
    assert below is not None
    return above / below


def test_nothing_is_known_before_a_size_was_seen_twice() -> None:
    costs = StepCosts()
    assert costs.seconds(1) is None
    costs.observe(1, 0.01)
    assert costs.seconds(1) is None
    costs.observe(1, 0.01)
    assert costs.knows(1)
    assert costs.seconds(1) == pytest.approx(0.01)
    assert not costs.knows(4)
    assert 0.01 < (costs.seconds(4) or 0) < 0.04


def test_sizes_between_and_beyond_lie_on_a_line() -> None:
    costs = StepCosts()
    for rows in (2, 8, 2, 8, 2, 8):
        costs.observe(rows, affine(rows))
    for rows in (1, 4, 16):
        assert costs.seconds(rows) == pytest.approx(affine(rows))


def test_steps_slowed_by_something_else_change_little() -> None:
    chance = random.Random(3)
    costs = StepCosts()
    for _ in range(300):
        rows = chance.choice((1, 1, 1, 4, 8))
        slowed = 5.0 if chance.random() < 0.1 else chance.uniform(0.9, 1.1)
        costs.observe(rows, affine(rows) * slowed)
    assert ratio(costs, 8) == pytest.approx(affine(8) / affine(1), rel=0.15)
    assert ratio(costs, 4) == pytest.approx(affine(4) / affine(1), rel=0.15)


def test_a_machine_that_slows_down_slows_all_sizes() -> None:
    costs = StepCosts()
    for _ in range(20):
        for rows in (1, 8):
            costs.observe(rows, affine(rows))
    for _ in range(20):
        costs.observe(8, 3 * affine(8))
    assert costs.seconds(8) == pytest.approx(3 * affine(8), rel=0.05)
    assert costs.seconds(1) == pytest.approx(3 * affine(1), rel=0.25)


def test_one_slow_first_step_does_not_condemn_a_size() -> None:
    costs = StepCosts()
    for _ in range(5):
        costs.observe(1, 0.01)
    costs.observe(4, 1.0)
    assert (costs.seconds(4) or 1) < 0.03


def test_a_size_not_seen_for_long_is_forgotten() -> None:
    costs = StepCosts()
    for _ in range(3):
        costs.observe(1, 0.01)
        costs.observe(4, 0.5)
    for _ in range(2 * FORGOTTEN_AFTER):
        costs.observe(1, 0.01)
    assert not costs.knows(4)
    assert costs.knows(1)


def test_two_slow_first_steps_do_not_condemn_a_size_for_good() -> None:
    costs = StepCosts()
    for _ in range(5):
        costs.observe(1, 0.01)
    for seconds in (1.0, 1.0, 0.02):
        costs.observe(4, seconds)
    assert costs.seconds(4) == pytest.approx(0.02, rel=0.1)


def test_relations_do_not_drift_over_many_steps() -> None:
    chance = random.Random(8)
    costs = StepCosts()
    for rows in (1, 16, 1, 16):
        costs.observe(rows, affine(rows))
    for step in range(6000):
        rows = 16 if step % 40 == 0 else 1
        costs.observe(rows, affine(rows) * chance.uniform(0.8, 1.5))
    assert ratio(costs, 16) == pytest.approx(affine(16) / affine(1), rel=0.3)


def test_sizes_far_from_any_known_are_out_of_reach() -> None:
    costs = StepCosts()
    assert not costs.within_reach(1)
    for rows in (1, 1):
        costs.observe(rows, 0.01)
    assert costs.within_reach(4)
    assert not costs.within_reach(16)


@given(st.lists(st.tuples(st.integers(1, 64), st.floats(0, 1e3)), max_size=60), st.integers(1, 200))
def test_an_expected_time_is_a_time(steps: list[tuple[int, float]], rows: int) -> None:
    costs = StepCosts()
    for seen, seconds in steps:
        costs.observe(seen, seconds)
    expected = costs.seconds(rows)
    assert expected is None or 0 < expected < float("inf")
