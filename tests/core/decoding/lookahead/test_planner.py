"""Drafts are made where they pay, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st

from jackfield.decoding.lookahead.drafter import Draft
from jackfield.decoding.lookahead.lookup_drafter import PromptLookupDrafter
from jackfield.decoding.lookahead.planner import Lookahead

Cost = Callable[[int], float]


def usual(rows: int) -> float:
    return 0.008 + 0.002 * rows


def speed_up(lookahead: Lookahead, prompt: list[int], answer: list[int], cost: Cost) -> float:
    """How many times sooner an answer is written than one token a step, in a replay of steps that take `cost`."""
    tokens = [*prompt, answer[0]]
    lookahead.follow(0, tokens)
    seconds, written = 0.0, 1
    while written < len(answer):
        left = len(answer) - written
        draft = lookahead.plan({0: left - 1}, spare_rows=63).get(0, [])
        accepted = 0
        while accepted < len(draft) and draft[accepted] == answer[written + accepted]:
            accepted += 1
        tokens += answer[written : written + accepted + 1]
        written += accepted + 1
        lookahead.timed(1 + len(draft), cost(1 + len(draft)))
        if draft:
            lookahead.verified(len(draft), accepted)
        seconds += cost(1 + len(draft))
    lookahead.forget(0)
    return (len(answer) - 1) * cost(1) / seconds


def text(seed: int, length: int, words: int = 5000) -> list[int]:
    """Tokens of a vocabulary, common ones more often, as in a language."""
    chance = random.Random(seed)
    return [int(words ** chance.random()) for _ in range(length)]


def test_a_copy_is_written_near_the_bound_of_its_batches() -> None:
    source = text(1, 400)
    lookahead = Lookahead([PromptLookupDrafter()])
    bound = 32 * usual(1) / usual(32)
    assert speed_up(lookahead, [*source, 1, 2, 3], source, usual) >= 0.8 * bound
    assert speed_up(lookahead, [*source, 1, 2, 3], source, usual) >= 0.9 * bound
    assert lookahead.statistics.accepted_tokens > 700


def test_a_copy_with_changes_is_written_fast() -> None:
    source = text(1, 400)
    changed = [7 if place % 50 == 10 else token for place, token in enumerate(source)]
    assert speed_up(Lookahead([PromptLookupDrafter()]), [*source, 1, 2, 3], changed, usual) >= 2


def test_text_that_does_not_repeat_loses_nothing() -> None:
    for seed in range(5):
        lookahead = Lookahead([PromptLookupDrafter()])
        assert speed_up(lookahead, text(seed, 600), text(seed + 100, 600), usual) >= 0.98


def test_text_of_few_words_without_order_loses_little() -> None:
    lookahead = Lookahead([PromptLookupDrafter()])
    assert speed_up(lookahead, text(1, 600, words=6), text(2, 600, words=6), usual) >= 0.97


def test_nothing_is_drafted_for_long_where_rows_cost_as_much_as_steps() -> None:
    source = text(1, 400)
    assert speed_up(Lookahead([PromptLookupDrafter()]), [*source, 1, 2], source, lambda rows: 0.01 * rows) >= 0.98


def test_a_model_whose_batches_come_in_tiles_gets_whole_tiles() -> None:
    def tiled(rows: int) -> float:
        return 0.01 + 0.008 * -(-rows // 8)

    source = text(1, 400)
    lookahead = Lookahead([PromptLookupDrafter()])
    assert speed_up(lookahead, [*source, 1, 2, 3], source, tiled) >= 0.75 * 32 * tiled(1) / tiled(32)


@given(
    st.dictionaries(st.integers(0, 5), st.integers(-1, 20), max_size=5),
    st.integers(0, 30),
    st.integers(0, 64),
)
def test_plans_keep_to_every_room(rooms: dict[int, int], spare: int, prefill: int) -> None:
    lookahead = Lookahead([PromptLookupDrafter()])
    for rows in (1, 1, 2, 2, 8, 8):
        lookahead.timed(rows, usual(rows))
    for key in rooms:
        lookahead.follow(key, [1, 2, 3, 4] * 10)
    for _ in range(7):
        drafts = lookahead.plan(rooms, spare_rows=spare, prefill_rows=prefill)
        assert all(0 < len(draft) <= rooms[key] for key, draft in drafts.items())
        assert sum(map(len, drafts.values())) <= spare
    assert drafts or spare == 0 or len(rooms) != 1 or max(rooms.values()) < 3


def test_a_sequence_that_is_not_followed_gets_no_draft_and_counts_all_the_same() -> None:
    lookahead = Lookahead([PromptLookupDrafter()])
    for rows in (1, 1, 2, 2, 8, 8):
        lookahead.timed(rows, usual(rows))
    lookahead.follow(1, [1, 2, 3, 4] * 10)
    lookahead.plan({}, spare_rows=30)
    assert set(lookahead.plan({1: 8, 2: 8}, spare_rows=30)) == {1}
    lookahead.forget(1)
    assert lookahead.plan({1: 8, 2: 8}, spare_rows=30) == {}


class CostlyGuesses:
    """Guesses 1, 2, 3, … which take time; it is surer of them in general than of any single one."""

    def __init__(self, seconds: float, *, general: float = 0.7, fading: float = 0.8) -> None:
        self.spent = 0.0
        self.closed = False
        self._seconds = seconds
        self._general = general
        self._chance = general
        self._fading = fading

    def follow(self, key: int, tokens: Sequence[int], references: Sequence[Sequence[int]]) -> None: ...

    def catch_up(self) -> None: ...

    def seconds(self, sequences: int) -> float:
        return self._seconds

    def expected_chance(self, key: int) -> float:
        return self._general

    def drafts(self, wanted: Mapping[int, int]) -> dict[int, Draft]:
        self.spent += self._seconds * max(wanted.values())
        self._chance *= self._fading
        return {key: Draft([*range(1, most + 1)], [self._chance] * most) for key, most in wanted.items()}

    def forget(self, key: int) -> None: ...

    def close(self) -> None:
        self.closed = True


def test_a_drafter_that_does_not_pay_gets_a_hundredth_of_the_time() -> None:
    drafter = CostlyGuesses(0.004)
    now = 0.0
    lookahead = Lookahead([drafter], clock=lambda: now + drafter.spent)
    lookahead.follow(0, [1])
    for _ in range(2000):
        rows = 1 + len(lookahead.plan({0: 8}, spare_rows=8).get(0, []))
        lookahead.timed(rows, usual(rows))
        now += usual(rows)
    assert 0 < drafter.spent < 0.03 * now
    lookahead.close()
    assert drafter.closed


def test_a_drafter_that_pays_goes_on() -> None:
    drafter = CostlyGuesses(0.0002, general=0.9, fading=1.0)
    now = 0.0
    lookahead = Lookahead([drafter], clock=lambda: now + drafter.spent)
    lookahead.follow(0, [1])
    drafted = 0
    for _ in range(500):
        rows = 1 + len(lookahead.plan({0: 8}, spare_rows=8).get(0, []))
        lookahead.timed(rows, usual(rows))
        now += usual(rows)
        drafted += rows > 1
    assert drafted > 450


def test_what_lookup_finds_is_not_guessed_again() -> None:
    drafter = CostlyGuesses(0.0001)
    lookahead = Lookahead([PromptLookupDrafter(), drafter])
    lookahead.follow(0, [*range(50), *range(30)])
    for rows in (1, 1, 8, 8):
        lookahead.timed(rows, usual(rows))
    drafts = lookahead.plan({0: 8}, spare_rows=20)
    assert drafts[0] == [*range(30, 30 + len(drafts[0]))]
    assert drafter.spent == 0
