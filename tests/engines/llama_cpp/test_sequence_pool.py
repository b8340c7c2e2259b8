"""A prompt that is read apart from the pool of all other sequences: nobody can tell by what comes out."""

from __future__ import annotations

import random

import numpy as np
import pytest

from jackfield.contracts.engine import TokenBatch
from jackfield.errors import CellsExhausted, EngineFailure
from jackfield.testing.contract_suites.token_engine import assert_alike, next_row, prefill
from jackfield_engines.llama_cpp.engine import LlamaCppEngine

TOKENS = random.Random(7)


def tokens_of(count: int) -> list[int]:
    """Some ordinary tokens."""
    return [TOKENS.randrange(3, 100) for _ in range(count)]


def crowded(open_chat, **settings: int) -> LlamaCppEngine:
    """An engine whose pool holds 300 tokens of sequence 0."""
    engine: LlamaCppEngine = open_chat(**({"context_length": 512, "cells": 1536, "batch_tokens": 512} | settings))
    prefill(engine, tokens_of(300))
    return engine


def guest(engine: LlamaCppEngine) -> int | None:
    """The sequence that is being read apart."""
    assert engine._pool._prefill is not None
    return engine._pool._prefill.guest


def test_a_prompt_beside_a_crowd_is_read_apart_and_goes_on_at_home(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(60)
    apart = prefill(engine, prompt, sequence=1)
    assert guest(engine) == 1
    alone = open_chat(context_length=512, batch_tokens=512)
    assert_alike(apart, prefill(alone, prompt, sequence=1))
    written = engine.logits(next_row(engine, 5, position=60, sequence=1)).copy()
    assert guest(engine) is None
    assert_alike(written, alone.logits(next_row(alone, 5, position=60, sequence=1)))


def test_a_short_prompt_and_an_empty_pool_are_not_worth_it(open_chat) -> None:
    engine = crowded(open_chat)
    prefill(engine, tokens_of(7), sequence=1)
    assert guest(engine) is None
    alone = open_chat(batch_tokens=512)
    prefill(alone, tokens_of(100))
    assert guest(alone) is None


def test_a_prompt_in_small_pieces_stays_apart(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(20)
    for start in range(0, 18, 3):
        batch = TokenBatch()
        for position in range(start, start + 3):
            batch.add(prompt[position], position=position, sequence=1, logits=False)
        engine.evaluate(batch)
        assert guest(engine) == 1
    last = prefill(engine, prompt[18:], start=18, sequence=1)
    assert guest(engine) is None
    alone = open_chat(context_length=512, batch_tokens=512)
    assert_alike(last, prefill(alone, prompt))


def test_several_prompts_and_a_decode_in_one_batch(open_chat) -> None:
    engine, prompts = crowded(open_chat), [tokens_of(40), tokens_of(50), tokens_of(30)]
    batch = TokenBatch()
    last = [batch.add(9, position=300, sequence=0, logits=True)]
    for sequence, prompt in enumerate(prompts, start=1):
        for position, token in enumerate(prompt):
            row = batch.add(token, position=position, sequence=sequence, logits=position == len(prompt) - 1)
        last.append(row)
    engine.evaluate(batch)
    alone = open_chat(context_length=512, batch_tokens=512)
    for sequence, prompt in enumerate(prompts, start=1):
        assert_alike(engine.logits(last[sequence]), prefill(alone, prompt, sequence=sequence))
    assert np.isfinite(engine.logits(last[0])).all()


def test_what_is_read_so_far_can_be_shared(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(80)
    prefill(engine, prompt[:50], sequence=1)
    engine.share_prefix(1, 2, 40)
    first = prefill(engine, prompt[50:], start=50, sequence=1)
    second = prefill(engine, prompt[40:], start=40, sequence=2)
    assert_alike(first, second)


def test_a_guest_can_be_cut_saved_and_emptied(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(60)
    whole = prefill(engine, prompt, sequence=1)
    assert engine.truncate(1, 50)
    assert guest(engine) == 1
    assert_alike(prefill(engine, prompt[50:], start=50, sequence=1), whole)
    state = engine.save(1)
    engine.restore(2, state)
    assert engine.truncate(2, 59)
    assert_alike(engine.logits(next_row(engine, prompt[59], position=59, sequence=2)), whole)
    prefill(engine, prompt, sequence=3)
    assert engine.truncate(3, 0)
    with pytest.raises(EngineFailure):
        engine.share_prefix(3, 4, 1)


def test_a_prompt_longer_than_the_room_apart_goes_on_in_the_pool(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(500)
    engine._pool._prefill._cells = 200
    prefill(engine, prompt[:150], sequence=1)
    assert guest(engine) == 1
    whole = prefill(engine, prompt[150:], start=150, sequence=1)
    assert guest(engine) is None
    alone = open_chat(context_length=512, batch_tokens=512)
    assert_alike(whole, prefill(alone, prompt))


def test_a_full_pool_leaves_every_sequence_as_it_was(open_chat) -> None:
    engine = crowded(open_chat, cells=512)
    prompt = tokens_of(230)
    prefill(engine, tokens_of(5), sequence=2)
    prefill(engine, prompt[:100], sequence=1)
    batch = TokenBatch()
    for position in range(100, 230):
        batch.add(prompt[position], position=position, sequence=1, logits=position == 229)
    for position in range(212):
        batch.add(3, position=300 + position, sequence=0, logits=False)
    with pytest.raises(CellsExhausted):
        engine.evaluate(batch)
    assert engine._pool.last_position(1) == 99
    assert engine._pool.last_position(0) == 299


def test_a_pool_in_pieces_takes_a_guest_home(open_chat) -> None:
    """Cells between others are free, none of the gaps as long as the guest."""
    engine = open_chat(context_length=512, cells=1024, batch_tokens=512, sequences=16)
    for sequence in range(16):
        prefill(engine, tokens_of(60), sequence=sequence)
    for sequence in range(0, 16, 2):
        engine.truncate(sequence, 0)
    prompt = tokens_of(200)
    apart = prefill(engine, prompt, sequence=0)
    assert guest(engine) == 0
    engine.truncate(0, 199)
    assert engine._pool.bring_home(0)
    assert_alike(engine.logits(next_row(engine, prompt[199], position=199, sequence=0)), apart)


def test_a_continuation_of_a_shared_prefix_is_read_apart_and_the_prefix_stays_shared(open_chat) -> None:
    engine, prefix = crowded(open_chat), tokens_of(400)
    prefill(engine, prefix, sequence=1)
    alone = open_chat(context_length=512, batch_tokens=512)
    for sequence in range(2, 8):
        rest = tokens_of(60)
        engine.share_prefix(1, sequence, 400)
        apart = prefill(engine, rest, start=400, sequence=sequence)
        assert guest(engine) == sequence
        expected = prefill(alone, prefix + rest, sequence=sequence)
        assert_alike(apart, expected)
        written = engine.logits(next_row(engine, 5, position=460, sequence=sequence)).copy()
        assert guest(engine) is None
        assert_alike(written, alone.logits(next_row(alone, 5, position=460, sequence=sequence)))
        assert alone.truncate(sequence, 0)
    # Six copies of the prefix would not have fitted.
    assert engine.limits.cells < 300 + 7 * 400


def test_a_continuation_that_is_cut_into_its_prefix_is_cut_at_home_too(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(160)
    prefill(engine, prompt[:100], sequence=1)
    engine.share_prefix(1, 2, 100)
    prefill(engine, prompt[100:], start=100, sequence=2)
    assert engine.truncate(2, 80)
    assert guest(engine) == 2
    alone = open_chat(context_length=512, batch_tokens=512)
    whole = prefill(alone, prompt)
    assert_alike(prefill(engine, prompt[80:], start=80, sequence=2), whole)
    written = engine.logits(next_row(engine, 5, position=160, sequence=2)).copy()
    assert_alike(written, alone.logits(next_row(alone, 5, position=160)))


def test_a_prefix_can_be_shared_into_a_guest_that_was_emptied(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(100)
    prefill(engine, prompt[:80], sequence=1)
    prefill(engine, tokens_of(40), sequence=2)
    assert engine.truncate(2, 0)
    engine.share_prefix(1, 2, 80)
    alone = open_chat(context_length=512, batch_tokens=512)
    assert_alike(prefill(engine, prompt[80:], start=80, sequence=2), prefill(alone, prompt))


def test_a_draft_is_verified_in_the_pool_however_long_it_is(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(40)
    prefill(engine, prompt, sequence=1)
    engine.evaluate(drafted(prompt, first=5, length=31, sequence=1))
    assert guest(engine) is None


def drafted(prompt: list[int], *, first: int, length: int, sequence: int) -> TokenBatch:
    """A sequence's newest token and a draft, all flagged for logits."""
    batch = TokenBatch()
    for offset, token in enumerate([first, *tokens_of(length)]):
        batch.add(token, position=len(prompt) + offset, sequence=sequence, logits=True)
    return batch


def test_what_slid_into_cells_of_its_own_counts_as_such(open_chat) -> None:
    engine, prompt = crowded(open_chat), tokens_of(200)
    prefill(engine, prompt, sequence=1)
    engine.share_prefix(1, 2, 200)
    used = engine._pool._used_cells()
    engine.slide(2, 4, 50)
    assert engine._pool._used_cells() == used + 150
