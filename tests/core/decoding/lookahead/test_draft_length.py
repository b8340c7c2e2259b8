"""Drafts are as long as pays: never longer than there is room, none where verifying them costs what they save."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from jackfield.decoding.lookahead.draft_length import Step, draft_lengths, paid_length
from jackfield.decoding.lookahead.drafter import Draft
from jackfield.decoding.lookahead.step_costs import StepCosts


def known(cost: Callable[[int], float]) -> StepCosts:
    """Costs of all sizes up to 64, learned."""
    costs = StepCosts()
    for _ in range(3):
        for rows in range(1, 65):
            costs.observe(rows, cost(rows))
    return costs


FLAT = known(lambda rows: 0.01)
LINEAR = known(lambda rows: 0.01 * rows)
USUAL = known(lambda rows: 0.008 + 0.002 * rows)


def draft(chance: float, length: int) -> Draft:
    return Draft([1] * length, [chance] * length)


drafts = st.dictionaries(
    st.integers(0, 5),
    st.lists(st.floats(0, 1), max_size=20).map(lambda chances: Draft([1] * len(chances), chances)),
    max_size=6,
)


@given(drafts, st.integers(0, 30), st.integers(0, 40), st.sampled_from([FLAT, LINEAR, USUAL, StepCosts()]))
def test_lengths_keep_to_the_drafts_and_the_room(
    drafts: dict[int, Draft], others: int, spare: int, costs: StepCosts
) -> None:
    lengths = draft_lengths(drafts, Step(base_rows=len(drafts) + others or 1, spare_rows=spare), costs)
    assert all(0 < length <= len(drafts[key].tokens) for key, length in lengths.items())
    assert sum(lengths.values()) <= spare


@given(st.floats(0, 1), st.integers(1, 31), st.integers(1, 8))
def test_nothing_is_drafted_where_every_row_costs_as_much_as_a_step(chance: float, length: int, base: int) -> None:
    step = Step(base_rows=base, spare_rows=64)
    assert draft_lengths({0: draft(chance, length)}, step, LINEAR) == {}


def test_nothing_is_drafted_before_costs_are_known() -> None:
    assert draft_lengths({0: draft(1, 31)}, Step(base_rows=1, spare_rows=64), StepCosts()) == {}


def test_all_is_drafted_where_rows_are_free() -> None:
    assert draft_lengths({0: draft(0.9, 15)}, Step(base_rows=1, spare_rows=64), FLAT) == {0: 15}


def test_likelier_drafts_are_longer() -> None:
    lengths = [
        draft_lengths({0: draft(chance, 31)}, Step(base_rows=1, spare_rows=64), USUAL).get(0, 0)
        for chance in (0.05, 0.2, 0.5, 0.8, 0.95, 0.99)
    ]
    assert lengths == sorted(lengths)
    assert lengths[0] == 0
    assert lengths[-1] >= 15


def test_the_likelier_of_two_sequences_gets_the_room() -> None:
    lengths = draft_lengths({0: draft(0.3, 20), 1: draft(0.95, 20)}, Step(base_rows=2, spare_rows=10), FLAT)
    assert lengths[1] > lengths.get(0, 0)


def test_a_shared_step_is_not_made_much_slower() -> None:
    step = Step(base_rows=4, spare_rows=64, most_slower=2.0)
    lengths = draft_lengths({0: draft(1, 31), 1: draft(1, 31)}, step, USUAL)
    assert 0 < sum(lengths.values()) <= 8


def test_prefill_beside_makes_drafts_cheap() -> None:
    chance = draft(0.35, 8)
    assert draft_lengths({0: chance}, Step(base_rows=1, spare_rows=64), known(lambda rows: 0.005 * (1 + rows))) == {}
    beside = Step(base_rows=1, spare_rows=64, beside=0.5)
    assert draft_lengths({0: chance}, beside, known(lambda rows: 0.005 * (1 + rows))) != {}


@given(st.floats(0, 1), st.integers(1, 6), st.integers(0, 20), st.floats(0, 1), st.integers(0, 40))
def test_paid_guesses_keep_to_the_room(chance: float, sequences: int, most: int, guessing: float, spare: int) -> None:
    step = Step(base_rows=sequences, spare_rows=spare)
    length = paid_length(chance, sequences, most, guessing, step, USUAL)
    assert 0 <= length <= most
    assert length * sequences <= spare


def test_guesses_that_take_as_long_as_they_save_are_not_made() -> None:
    step = Step(base_rows=1, spare_rows=64)
    assert paid_length(0.8, 1, 8, 0.0001, step, USUAL) > 2
    assert paid_length(0.8, 1, 8, 0.01, step, USUAL) == 0
    assert paid_length(0.1, 1, 8, 0.0001, step, USUAL) == 0
    assert paid_length(0.8, 1, 8, 0.0001, step, StepCosts()) == 0
