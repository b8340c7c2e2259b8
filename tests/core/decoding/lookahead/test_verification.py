"""Whatever is drafted, what is written is what would have been written without."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.sampling import Sampling
from jackfield.decoding.lookahead.lookup_drafter import PromptLookupDrafter
from jackfield.decoding.lookahead.planner import Lookahead
from jackfield.decoding.lookahead.verification import drawn_tokens
from jackfield.testing.bare_loop import BareLoop, LookaheadGuessing
from jackfield.testing.scripted_engine import END, ScriptedEngine

LETTERS = 4


def next_letter(tokens: Sequence[int]) -> int:
    """One of a few letters, by the last three and now and then by the length; rarely the end."""
    last = tuple(tokens[-3:])
    choice = random.Random(hash(last) if len(tokens) % 11 else hash((last, len(tokens))))
    return END if choice.random() < 0.01 else ord("a") + choice.randrange(LETTERS)


class RandomGuessing:
    """Right and wrong drafts of any length, so long as they fit."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def drafts(
        self, rooms: Mapping[int, int], texts: Mapping[int, list[int]], spare_rows: int
    ) -> Mapping[int, list[int]]:
        drafts = {}
        for key, room in rooms.items():
            length = self._random.randint(0, min(room, spare_rows // len(rooms)))
            right = self._random.randint(0, length)
            draft: list[int] = []
            for place in range(length):
                guess = next_letter(texts[key] + draft)
                draft.append(guess if place < right else self._random.choice([guess, END, ord("a"), 255]))
            drafts[key] = draft
        return drafts

    def stepped(self, rows: int, seconds: float, verified: Sequence[tuple[int, int]]) -> None:
        assert all(0 <= accepted <= drafted for drafted, accepted in verified)


prompts = st.lists(
    st.lists(st.integers(ord("a"), ord("a") + LETTERS - 1), min_size=1, max_size=30), min_size=1, max_size=4
)


@given(prompts, st.integers(0, 10**6), st.sampled_from([0.0, 0.7, 5.0]), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_any_drafts_leave_the_output_as_it_is(
    prompts: list[list[int]], seed: int, temperature: float, most: int
) -> None:
    sampling = Sampling(temperature=temperature, seed=seed)
    plain = BareLoop(ScriptedEngine(next_letter), most=most, sampling=sampling).answers(prompts)
    engine = ScriptedEngine(next_letter)
    drafted = BareLoop(engine, most=most, sampling=sampling).answers(prompts, RandomGuessing(seed))
    assert drafted == plain
    assert engine.used_cells == 0


@given(prompts, st.integers(1, 80))
@settings(max_examples=60, deadline=None)
def test_prompt_lookup_leaves_the_output_as_it_is(prompts: list[list[int]], most: int) -> None:
    plain = BareLoop(ScriptedEngine(next_letter), most=most).answers(prompts)
    loop = BareLoop(ScriptedEngine(next_letter), most=most)
    assert loop.answers(prompts, LookaheadGuessing(Lookahead([PromptLookupDrafter()]))) == plain


def test_a_draft_is_kept_up_to_the_first_token_that_differs() -> None:
    drawn = [5, 6, 9, 1]
    assert list(drawn_tokens(drawn.__getitem__, [0, 1, 2, 3], [5, 6, 7])) == [5, 6, 9]
    assert list(drawn_tokens(drawn.__getitem__, [0, 1, 2, 3], [5, 6, 9])) == [5, 6, 9, 1]
    assert list(drawn_tokens(drawn.__getitem__, [0], [])) == [5]


def test_who_stops_asking_stops_the_drawing() -> None:
    drawn: list[int] = []

    def draw(row: int) -> int:
        drawn.append(row)
        return row

    for token in drawn_tokens(draw, [0, 1, 2], [0, 1]):
        if token == 1:
            break
    assert drawn == [0, 1]


def test_rows_that_do_not_fit_the_draft_are_refused() -> None:
    with pytest.raises(ValueError, match="2 tokens"):
        list(drawn_tokens(int, [0, 1], [0, 1]))
