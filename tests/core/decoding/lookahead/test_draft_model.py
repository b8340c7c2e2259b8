"""A draft model keeps in step with the sequences it guesses for, and its troubles stay its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield.contracts.engine import EngineLimits, TokenBatch
from jackfield.contracts.sampling import Sampling
from jackfield.decoding.lookahead.draft_model import DraftModel
from jackfield.decoding.lookahead.planner import Lookahead
from jackfield.errors import EngineFailure, InvalidRequest
from jackfield.testing.bare_loop import BareLoop, LookaheadGuessing
from jackfield.testing.scripted_engine import END, ScriptedEngine, Timing, endless


def vowels_differ(tokens: Sequence[int]) -> int:
    """The alphabet as the big model says it, but for some letters."""
    right = endless(tokens)
    return ord("?") if chr(right) in "aeiou" else right


class FailingEngine(ScriptedEngine):
    """Evaluates a number of batches, and then none."""

    def __init__(self, passes: int) -> None:
        super().__init__(endless)
        self._left = passes

    def evaluate(self, batch: TokenBatch) -> None:
        self._left -= 1
        if self._left < 0:
            raise EngineFailure("the draft model's file is gone")
        super().evaluate(batch)


def limits(*, sequences: int = 4, cells: int = 512, context: int = 128, batch: int = 64) -> EngineLimits:
    return EngineLimits(context_length=context, cells=cells, sequences=sequences, batch_tokens=batch)


def test_guesses_follow_the_sequence_as_it_grows() -> None:
    engine = ScriptedEngine(vowels_differ, limits=limits())
    drafter = DraftModel(engine, ScriptedEngine())
    tokens = list(b"abcdefg")
    drafter.follow(7, tokens)
    assert drafter.drafts({7: 4})[7].tokens == list(b"h?jk")
    tokens += b"hi"
    assert drafter.drafts({7: 3})[7].tokens == list(b"jkl")
    tokens += b"jklm"
    assert drafter.drafts({7: 2})[7].tokens == list(b"n?")
    drafter.forget(7)
    drafter.forget(7)
    assert engine.used_cells == 0
    drafter.close()
    assert engine.closed


def test_only_what_is_new_is_evaluated() -> None:
    engine = ScriptedEngine(endless, limits=limits())
    drafter = DraftModel(engine, ScriptedEngine())
    tokens = [ord("a") + place % 26 for place in range(40)]
    drafter.follow(1, tokens)
    tokens += drafter.drafts({1: 4})[1].tokens
    tokens.append(endless(tokens))
    before = engine.evaluated_rows
    drafter.drafts({1: 1})
    assert engine.evaluated_rows - before == 2


def test_sequences_are_guessed_for_in_one_pass() -> None:
    engine = ScriptedEngine(endless, limits=limits())
    drafter = DraftModel(engine, ScriptedEngine())
    for key in range(3):
        drafter.follow(key, [97] * (key + 2))
    passes = engine.passes
    drafts = drafter.drafts({0: 3, 1: 2, 2: 3})
    assert engine.passes - passes == 3
    assert {key: len(draft.tokens) for key, draft in drafts.items()} == {0: 3, 1: 2, 2: 3}


def test_a_long_prompt_is_read_in_parts_and_keeps_nobody_waiting() -> None:
    engine = ScriptedEngine(endless, limits=limits(context=512))
    drafter = DraftModel(engine, ScriptedEngine())
    drafter.follow(1, [97] * 200)
    drafter.follow(2, [97] * 5)
    guessed = [sorted(drafter.drafts({1: 2, 2: 2})) for _ in range(4)]
    assert guessed == [[2], [2], [2], [1, 2]]


def test_more_sequences_than_slots_take_turns() -> None:
    engine = ScriptedEngine(endless, limits=limits(sequences=1))
    drafter = DraftModel(engine, ScriptedEngine())
    drafter.follow(1, list(b"abc"))
    drafter.follow(2, list(b"abcde"))
    assert drafter.drafts({1: 2})[1].tokens == list(b"de")
    assert drafter.drafts({2: 2})[2].tokens == list(b"fg")
    assert list(drafter.drafts({1: 2, 2: 2})) == [2]
    drafter.forget(2)
    assert drafter.drafts({1: 2})[1].tokens == list(b"de")


def test_cells_that_run_out_are_taken_from_who_is_not_wanted() -> None:
    engine = ScriptedEngine(endless, limits=limits(cells=60))
    drafter = DraftModel(engine, ScriptedEngine())
    drafter.follow(1, [97] * 40)
    drafter.follow(2, [97] * 40)
    assert drafter.drafts({1: 2})
    assert drafter.drafts({2: 2})
    assert drafter.drafts({1: 2})


def test_a_sequence_too_long_for_the_draft_model_goes_without() -> None:
    drafter = DraftModel(ScriptedEngine(endless, limits=limits(cells=30, context=64)), ScriptedEngine())
    drafter.follow(1, [97] * 62)
    drafter.follow(2, [97] * 40)
    assert drafter.drafts({1: 4}) == {}
    assert drafter.drafts({2: 4}) == {}
    drafter.follow(3, [97] * 4)
    assert drafter.drafts({3: 4})


@given(st.integers(0, 12))
@settings(max_examples=15, deadline=None)
def test_an_engine_that_fails_ends_the_guessing_only(passes: int) -> None:
    engine = FailingEngine(passes)
    lookahead = Lookahead([DraftModel(engine, ScriptedEngine())])
    prompts = [list(b"abc"), list(b"abcdef")]
    plain = BareLoop(ScriptedEngine(endless), most=30).answers(prompts)
    timing = Timing(per_pass=0.0005)
    assert (
        BareLoop(ScriptedEngine(endless, timing=timing), most=30).answers(prompts, LookaheadGuessing(lookahead))
        == plain
    )


@given(st.lists(st.integers(1, 50), min_size=1, max_size=4), st.integers(1, 4), st.integers(60, 300))
@settings(max_examples=25, deadline=None)
def test_the_output_is_the_big_models_own(lengths: list[int], slots: int, cells: int) -> None:
    prompts = [[97] * length for length in lengths]
    plain = BareLoop(ScriptedEngine(endless), most=30).answers(prompts)
    small = ScriptedEngine(vowels_differ, limits=limits(sequences=slots, cells=cells))
    target = ScriptedEngine(endless, timing=Timing(per_pass=0.002))
    lookahead = Lookahead([DraftModel(small, target)])
    loop = BareLoop(target, most=30)
    assert loop.answers(prompts, LookaheadGuessing(lookahead)) == plain
    for key in range(len(prompts)):
        lookahead.forget(key)
    assert small.used_cells == 0


def test_drafts_save_steps_where_they_pay() -> None:
    target = ScriptedEngine(endless, timing=Timing(per_pass=0.01))
    loop = BareLoop(target, most=60)
    lookahead = Lookahead([DraftModel(ScriptedEngine(vowels_differ), target)])
    loop.answers([list(b"abc")], LookaheadGuessing(lookahead))
    assert len(loop.timed) < 40
    assert 0 < lookahead.statistics.accepted_tokens <= lookahead.statistics.drafted_tokens


def test_sampled_output_is_the_same_too() -> None:
    sampling = Sampling(temperature=3.0, seed=5)
    plain = BareLoop(ScriptedEngine(endless), most=60, sampling=sampling).answers([list(b"abc")])
    target = ScriptedEngine(endless, timing=Timing(per_pass=0.002))
    lookahead = Lookahead([DraftModel(ScriptedEngine(endless), target)])
    loop = BareLoop(target, most=60, sampling=sampling)
    assert loop.answers([list(b"abc")], LookaheadGuessing(lookahead)) == plain


def test_another_vocabulary_is_refused_in_words() -> None:
    small, target = ScriptedEngine(name="small"), ScriptedEngine(name="big")
    small.model = msgspec.structs.replace(small.model, vocabulary_size=300)
    with pytest.raises(InvalidRequest, match="'small' cannot draft for 'big': it has 300 tokens and not 258"):
        DraftModel(small, target)


def test_a_vocabulary_of_other_pieces_is_refused_in_words() -> None:
    class Rot13Engine(ScriptedEngine):
        def piece(self, token: int) -> bytes:
            return super().piece(token ^ 1 if token < END - 1 else token)

    with pytest.raises(InvalidRequest, match="token 0 is"):
        DraftModel(Rot13Engine(), ScriptedEngine())


def test_a_model_that_cannot_take_guesses_back_is_refused_in_words() -> None:
    recurrent = ScriptedEngine(limits=msgspec.structs.replace(limits(), shares_parts=False))
    with pytest.raises(InvalidRequest, match="recurrent"):
        DraftModel(recurrent, ScriptedEngine())
