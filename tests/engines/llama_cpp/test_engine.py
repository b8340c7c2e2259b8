"""What the llama.cpp engine does beyond its contract."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from jackfield.contracts.engine import EngineSettings, TokenBatch
from jackfield.contracts.sampling import Sampling
from jackfield.errors import CellsExhausted, EngineFailure, InvalidRequest
from jackfield.messages import Message
from jackfield.testing.contract_suites.token_engine import assert_alike, next_row, prefill
from jackfield.testing.tiny_gguf import CHAT_TEMPLATE, END_TOKEN, write_chat_model
from jackfield_engines.llama_cpp import native
from jackfield_engines.llama_cpp.engine import LlamaCppEngine

PROMPT = "the cat sat on the mat and a dog ran to the cat "


def held(engine: LlamaCppEngine, sequence: int) -> int:
    """How many tokens llama.cpp has of a sequence."""
    return engine._pool.last_position(sequence) + 1


def batch_of(tokens: Sequence[int], *, start: int = 0, sequence: int = 0) -> TokenBatch:
    """Tokens from a position on, all flagged."""
    batch = TokenBatch()
    for at, token in enumerate(tokens):
        batch.add(token, position=start + at, sequence=sequence, logits=True)
    return batch


def test_a_pass_that_stops_half_way_leaves_nothing_behind(open_chat) -> None:
    """More rows than go through the layers at once are two passes inside; the second is stopped from outside."""
    engine = open_chat(batch_tokens=512, cells=1024)
    tokens = (engine.tokenize(PROMPT, special=False) * 6)[:200]
    whole = prefill(engine, tokens)
    engine.truncate(0, 100)
    batch = batch_of(tokens[100:], start=100)
    for at, token in enumerate(tokens):
        batch.add(token, position=at, sequence=1, logits=True)
    calls: list[int] = []
    with _stopped_when(engine, lambda: calls.append(1) or False):
        engine.evaluate(batch)
    engine.truncate(0, 100)
    engine.truncate(1, 0)
    last_quarter = iter([False] * (len(calls) * 3 // 4))
    with _stopped_when(engine, lambda: next(last_quarter, True)), pytest.raises(EngineFailure, match="was stopped"):
        engine.evaluate(batch)
    assert (held(engine, 0), held(engine, 1)) == (100, 0)
    with pytest.raises(EngineFailure, match="not flagged"):
        engine.logits(0)
    assert_alike(prefill(engine, tokens[100:], start=100), whole)


@contextmanager
def _stopped_when(engine: LlamaCppEngine, stop: Callable[[], bool]) -> Iterator[None]:
    """llama.cpp asks before every step of a pass whether to stop."""
    never, asked = native.api.ggml_abort_callback(0), native.api.ggml_abort_callback(lambda _: stop())
    native.api.llama_set_abort_callback(engine._context.pointer, asked, ctypes.c_void_p(0))
    yield
    native.api.llama_set_abort_callback(engine._context.pointer, never, ctypes.c_void_p(0))


def test_positions_that_leave_a_gap_are_named(open_chat) -> None:
    engine = open_chat()
    prefill(engine, [10, 11, 12])
    with pytest.raises(EngineFailure, match="positions"):
        engine.evaluate(batch_of([13], start=5))
    with pytest.raises(EngineFailure, match="positions"):
        engine.evaluate(batch_of([13], start=2))
    assert held(engine, 0) == 3


def test_numbers_beyond_32_bits_are_no_tokens(open_chat) -> None:
    engine = open_chat()
    with pytest.raises((EngineFailure, OverflowError)):
        engine.evaluate(batch_of([2**32 + 5]))
    assert held(engine, 0) == 0


def test_more_rows_of_one_sequence_can_be_flagged_at_once(open_chat) -> None:
    """As verifying a draft needs."""
    engine = open_chat()
    tokens = engine.tokenize(PROMPT, special=False)[:20]
    engine.evaluate(batch_of(tokens))
    together = [engine.logits(row).copy() for row in range(20)]
    for at, token in enumerate(tokens):
        row = next_row(engine, token, position=at, sequence=1)
        assert_alike(together[at], engine.logits(row))


def test_logits_are_not_to_be_written(open_chat) -> None:
    engine = open_chat()
    engine.evaluate(batch_of([10]))
    with pytest.raises(ValueError, match="read-only"):
        engine.logits(0)[0] = 1


def test_cells_are_shared_and_not_copied(open_chat) -> None:
    """512 cells hold a prefix of 200 tokens once for four sequences, and not four times."""
    engine = open_chat()
    prefix = (engine.tokenize(PROMPT, special=False) * 20)[:200]
    prefill(engine, prefix)
    for sequence in (1, 2, 3):
        engine.share_prefix(0, sequence, 200)
        prefill(engine, prefix[:50], sequence=sequence, start=200)
    assert [held(engine, sequence) for sequence in range(4)] == [200, 250, 250, 250]


def test_sharing_what_is_not_there_is_refused(open_chat) -> None:
    engine = open_chat()
    prefill(engine, [10, 11, 12])
    prefill(engine, [10], sequence=1)
    for source, target, length in ((0, 2, 4), (0, 1, 2), (0, 99, 1), (99, 0, 1), (3, 2, 1)):
        with pytest.raises(EngineFailure):
            engine.share_prefix(source, target, length)
    engine.share_prefix(0, 2, 0)
    assert held(engine, 2) == 0


def test_sliding_over_shared_cells_moves_only_its_own(open_chat) -> None:
    engine = open_chat()
    tokens = (engine.tokenize(PROMPT, special=False) * 4)[:100]
    whole = prefill(engine, tokens)
    engine.share_prefix(0, 1, 99)
    engine.slide(1, 4, 10)
    assert (held(engine, 0), held(engine, 1)) == (100, 89)
    engine.slide(1, 4, 10)
    slid = engine.logits(next_row(engine, tokens[-1], position=79, sequence=1)).copy()
    alone = open_chat()
    prefill(alone, tokens[:99])
    alone.slide(0, 4, 10)
    alone.slide(0, 4, 10)
    assert_alike(slid, alone.logits(next_row(alone, tokens[-1], position=79)))
    engine.truncate(0, 99)
    assert_alike(prefill(engine, tokens[-1:], start=99), whole)


def test_sliding_without_room_for_own_cells_changes_nothing(open_chat) -> None:
    engine = open_chat(cells=256)
    tokens = (engine.tokenize(PROMPT, special=False) * 8)[:200]
    prefill(engine, tokens)
    engine.share_prefix(0, 1, 200)
    with pytest.raises(CellsExhausted):
        engine.slide(1, 4, 10)
    assert (held(engine, 0), held(engine, 1)) == (200, 200)
    engine.slide(1, 4, 196)
    assert (held(engine, 0), held(engine, 1)) == (200, 4)


def test_sliding_further_than_there_is_is_refused(open_chat) -> None:
    engine = open_chat()
    prefill(engine, [10, 11, 12, 13])
    for keep, discard in ((2, 3), (-1, 2), (2, 0), (2, -1)):
        with pytest.raises(EngineFailure):
            engine.slide(0, keep, discard)
    assert held(engine, 0) == 4


def test_a_saved_sequence_is_known_for_whose_it_is(open_chat, tmp_path: Path) -> None:
    engine = open_chat()
    prefill(engine, list(range(10, 60)))
    state = engine.save(0)
    stranger = open_chat(write_chat_model(tmp_path / "other.gguf", general__name="Other"))
    with pytest.raises(EngineFailure, match="another model"):
        stranger.restore(0, state)
    for damaged in (state[:-1], state + b"x", state[:200] + b"\xff" + state[201:], state[:20]):
        with pytest.raises(EngineFailure):
            engine.restore(1, damaged)
        assert held(engine, 1) == 0
    with pytest.raises(EngineFailure, match="not empty"):
        engine.restore(0, state)
    again = open_chat()
    again.restore(3, state)
    assert held(again, 3) == 50


def test_restoring_without_room_is_told_apart(open_chat) -> None:
    engine = open_chat(cells=256)
    prefill(engine, [10] * 200)
    state = engine.save(0)
    with pytest.raises(CellsExhausted):
        engine.restore(1, state)
    assert held(engine, 1) == 0
    short = open_chat(context_length=100)
    with pytest.raises(EngineFailure, match="200 saved tokens do not fit the context of 100"):
        short.restore(0, state)
    assert held(short, 0) == 0


def test_a_begin_token_is_left_to_the_caller(open_chat, tmp_path: Path) -> None:
    template = "{{ bos_token }}" + CHAT_TEMPLATE
    path = write_chat_model(tmp_path / "m.gguf", tokenizer__ggml__add_bos_token=True, tokenizer__chat_template=template)
    engine = open_chat(path)
    assert engine.model.begin_token == 1
    rendered = engine.render_chat([Message.of("user", "hi")], [], reply_starts=True)
    assert rendered == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    assert 1 not in engine.tokenize(rendered, special=True)
    untold = open_chat(write_chat_model(tmp_path / "n.gguf", tokenizer__chat_template=template))
    assert untold.model.begin_token is None
    assert untold.render_chat([], [], reply_starts=True).startswith("<s>")


def test_without_a_template_the_vocabulary_decides(open_chat, tmp_path: Path) -> None:
    engine = open_chat(write_chat_model(tmp_path / "m.gguf", tokenizer__chat_template=None))
    assert engine.render_chat([Message.of("user", "hi")], [], reply_starts=True).startswith("<|im_start|>user\nhi<|im")


def test_control_tokens_are_recognised_when_asked_for(open_chat) -> None:
    engine = open_chat()
    assert engine.tokenize("<|im_end|>", special=True) == [END_TOKEN]
    assert len(engine.tokenize("<|im_end|>", special=False)) > 1


def test_odd_texts_are_tokenized_or_refused(open_chat) -> None:
    engine = open_chat()
    with pytest.raises(InvalidRequest, match="character 3"):
        engine.tokenize("abc\ud83d", special=False)
    for text in ("nul \0 inside", "x" * 100_000, "\u200b\ufeff", "🙂" * 5000):
        spelled = b"".join(map(engine.piece, engine.tokenize(text, special=False))).decode()
        assert spelled == text


def test_a_token_that_is_none_is_refused(open_chat) -> None:
    engine = open_chat()
    for token in (-1, engine.model.vocabulary_size, 2**40):
        with pytest.raises(EngineFailure, match="There is no token"):
            engine.piece(token)


def test_a_closed_engine_says_so(open_chat) -> None:
    engine = open_chat()
    engine.evaluate(batch_of([10]))
    engine.piece(10)
    engine.close()
    assert engine.piece(10)
    for call in (
        lambda: engine.tokenize("x", special=False),
        lambda: engine.piece(200),
        lambda: engine.evaluate(batch_of([10])),
        lambda: engine.logits(0),
        lambda: engine.truncate(0, 0),
        lambda: engine.save(0),
        lambda: engine.share_prefix(0, 1, 1),
    ):
        with pytest.raises(EngineFailure):
            call()


def test_engines_on_one_file_share_its_weights_until_the_last_is_closed(open_chat, chat_file: Path) -> None:
    assert not native.weights_are_loaded(chat_file)
    one, other = open_chat(), open_chat()
    assert one._weights is other._weights
    one.close()
    assert native.weights_are_loaded(chat_file)
    other.close()
    assert not native.weights_are_loaded(chat_file)


def test_engines_evaluate_beside_each_other(open_chat) -> None:
    engines = [open_chat(), open_chat()]
    tokens = engines[0].tokenize(PROMPT * 3, special=False)
    expected = prefill(engines[0], tokens)
    engines[0].truncate(0, 0)
    outcomes: list[np.ndarray] = []

    def work(engine: LlamaCppEngine) -> None:
        for _ in range(10):
            outcomes.append(prefill(engine, tokens))
            engine.truncate(0, 0)

    threads = [threading.Thread(target=work, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 20
    for outcome in outcomes:
        assert_alike(outcome, expected)


@pytest.mark.parametrize(
    "settings", [{"sequences": 64, "batch_tokens": 8}, {"sequences": 256, "cells": 1}, {"cells": 7}]
)
def test_unusual_limits_hold(open_chat, settings: dict[str, int]) -> None:
    """llama.cpp aborts the process where a batch could not hold a row for each sequence."""
    engine = open_chat(**settings)
    last = engine.limits.sequences - 1
    assert engine.limits.cells % 256 == 0
    prefill(engine, list(range(10, 50)), sequence=last)
    engine.restore(0, engine.save(last))
    assert held(engine, 0) == 40


@pytest.mark.model
def test_opening_and_closing_keeps_no_memory(factory, install, starter_file: Path) -> None:
    model = install(starter_file)
    settings = EngineSettings(context_length=512, cells=1024)

    def once() -> int:
        engine = factory.open(model, settings)
        row = 0
        batch = TokenBatch()
        for at, token in enumerate(engine.tokenize("Once upon a time", special=False)):
            row = batch.add(token, position=at, sequence=0, logits=True)
        engine.evaluate(batch)
        sampler = engine.sampler(Sampling(), None)
        sampler.sample(row)
        embedder = factory.open_embedding(model, settings)
        embedder.embed(["Once upon a time"])
        for resource in (sampler, embedder, engine):
            resource.close()
        return int(psutil.Process().memory_info().rss)

    before = max(once() for _ in range(4))
    after = min([once() for _ in range(20)][-4:])
    # The heap of a process that ran other tests grows by itself; twenty contexts that stayed are 400 MB of cells alone.
    assert after - before < 100_000_000


@pytest.mark.model
def test_the_starter_model_answers(factory, install, starter_file: Path) -> None:
    engine = factory.open(install(starter_file), EngineSettings(context_length=512, cells=1024))
    question = [Message.of("user", "What is the opposite of hot?")]
    tokens = engine.tokenize(engine.render_chat(question, [], reply_starts=True), special=True)
    sampler = engine.sampler(Sampling(temperature=0), None)
    prefill(engine, tokens[:-1])
    answer = [tokens[-1]]
    while answer[-1] not in engine.model.end_tokens and len(answer) < 40:
        row = next_row(engine, answer[-1], position=len(tokens) + len(answer) - 2)
        answer.append(sampler.sample(row))
    assert "cold" in b"".join(map(engine.piece, answer)).decode()
    engine.close()
