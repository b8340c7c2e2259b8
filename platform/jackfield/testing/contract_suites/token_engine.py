"""The token engine's promises, for any implementation of `jackfield.contracts.engine.TokenEngine`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from jackfield.contracts.engine import TokenBatch, TokenEngine
from jackfield.contracts.sampling import Sampling
from jackfield.errors import CellsExhausted, EngineFailure, InvalidRequest
from jackfield.messages import Message
from jackfield.testing.contract_suites.constrained_answers import ConstrainedAnswers

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXTS = (
    "The cat sat on the mat.",
    "  two spaces, a tab\tand a line\n\nbreak ",
    "naïve café, Straße, Ελληνικά, 日本語",
    "🙂 👩‍👩‍👧‍👦 🏳️‍🌈",
    "def f(x: int) -> str:\n    return f'{x!r}' * 2  # <tag> & co",
)
CONTROL_TEXTS = ("<|im_end|>", "<|im_start|>system", "<|end|>", "<|start|>", "</s>", "<|endoftext|>", "[SEP]")
GREEDY = Sampling(temperature=0)
TOLERANCE = 0.1
"""How far two ways to the same logits may lie apart: kernels and quantization round differently by batch size."""


def prefill(engine: TokenEngine, tokens: Sequence[int], *, sequence: int = 0, start: int = 0) -> NDArray[np.float32]:
    """Evaluate tokens from position `start`, in as few batches as the engine takes, and give the last one's logits."""
    row = 0
    for first in range(0, len(tokens), engine.limits.batch_tokens):
        batch = TokenBatch()
        for at, token in enumerate(tokens[first : first + engine.limits.batch_tokens], first):
            row = batch.add(token, position=start + at, sequence=sequence, logits=at == len(tokens) - 1)
        engine.evaluate(batch)
    return engine.logits(row).copy()


def next_row(engine: TokenEngine, token: int, *, position: int, sequence: int = 0) -> int:
    """Evaluate one token and give the row that its logits are under."""
    batch = TokenBatch()
    row = batch.add(token, position=position, sequence=sequence, logits=True)
    engine.evaluate(batch)
    return row


def assert_alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> None:
    """The same prediction but for rounding: a small part of what the logits vary by, and the likeliest still likely."""
    assert float((one - other).std()) <= TOLERANCE * float(other.std())
    assert one[other.argmax()] >= one.max() - TOLERANCE * float(one.max() - one.min())


class TokenEngineContract(ConstrainedAnswers):
    """Override `engine` with a fixture that opens a fresh one for each test; small limits make it quick."""

    @pytest.fixture
    def engine(self) -> TokenEngine:
        """A fresh engine with room for at least 3 sequences of 200 tokens."""
        raise NotImplementedError("override `engine` with a fixture that gives a fresh token engine")

    @pytest.fixture
    def prompt(self, engine: TokenEngine) -> list[int]:
        """Enough tokens to tell a right answer from a wrong one."""
        return engine.tokenize("The cat sat on the mat, and the dog ran to a cat. 🙂 " * 2, special=False)

    @pytest.mark.parametrize("text", TEXTS)
    def test_pieces_spell_the_text(self, engine: TokenEngine, text: str) -> None:
        spelled = b"".join(engine.piece(token) for token in engine.tokenize(text, special=False))
        assert spelled.decode() in (text, f" {text}")

    def test_no_text_is_no_tokens(self, engine: TokenEngine) -> None:
        assert engine.tokenize("", special=False) == []

    @pytest.mark.parametrize("text", CONTROL_TEXTS)
    def test_control_tokens_are_plain_text_unless_asked_for(self, engine: TokenEngine, text: str) -> None:
        tokens = engine.tokenize(f"before{text}after", special=False)
        assert engine.model.end_tokens.isdisjoint(tokens)
        assert b"".join(map(engine.piece, tokens)).decode().strip() == f"before{text}after"

    def test_tokens_that_end_an_answer_write_nothing(self, engine: TokenEngine) -> None:
        assert engine.model.end_tokens
        assert {engine.piece(token) for token in engine.model.end_tokens} == {b""}

    def test_other_threads_may_tokenize_and_render(self, engine: TokenEngine) -> None:
        seen: list[object] = []
        hello = [Message.of("user", "Hello")]

        def work() -> None:
            tokens = engine.tokenize(TEXTS[0], special=True)
            seen.extend([b"".join(map(engine.piece, tokens)), engine.render_chat(hello, [], reply_starts=True)])

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert len(seen) == 2

    def test_a_rendered_chat_has_its_messages_and_ends_where_the_reply_starts(self, engine: TokenEngine) -> None:
        messages = [Message.of("user", "What is the tallest tower?"), Message.of("assistant", "That depends.")]
        without = engine.render_chat(messages, [], reply_starts=False)
        reply = engine.render_chat(messages, [], reply_starts=True)
        assert 0 < without.index("tallest tower") < without.index("depends")
        assert reply.startswith(without.rstrip())
        assert len(reply) > len(without)

    def test_logits_are_numbers_for_the_whole_vocabulary(self, engine: TokenEngine, prompt: list[int]) -> None:
        logits = prefill(engine, prompt)
        assert logits.shape == (engine.model.vocabulary_size,)
        assert logits.dtype == np.float32
        assert np.isfinite(logits).all()

    def test_a_row_has_logits_only_if_it_was_flagged(self, engine: TokenEngine, prompt: list[int]) -> None:
        batch = TokenBatch()
        rows = [batch.add(token, position=at, sequence=0, logits=at % 2 == 1) for at, token in enumerate(prompt[:4])]
        engine.evaluate(batch)
        assert engine.logits(rows[1]).shape == engine.logits(rows[3]).shape
        for row in (rows[0], rows[2], rows[3] + 1, -1):
            with pytest.raises(EngineFailure):
                engine.logits(row)
            with pytest.raises(EngineFailure):
                engine.sampler(Sampling(), None).sample(row)

    def test_sequences_of_one_batch_do_not_see_each_other(self, engine: TokenEngine, prompt: list[int]) -> None:
        one, other = prompt[:20], prompt[9:25]
        alone = [prefill(engine, one, sequence=0), prefill(engine, other, sequence=1)]
        engine.truncate(0, 0)
        engine.truncate(1, 0)
        batch = TokenBatch()
        rows = {}
        for at in range(len(one)):
            for sequence, tokens in enumerate((one, other)):
                if at < len(tokens):
                    last = at == len(tokens) - 1
                    rows[sequence] = batch.add(tokens[at], position=at, sequence=sequence, logits=last)
        engine.evaluate(batch)
        for sequence in (0, 1):
            assert_alike(engine.logits(rows[sequence]), alone[sequence])

    def test_a_prompt_in_chunks_is_the_prompt(self, engine: TokenEngine, prompt: list[int]) -> None:
        whole = prefill(engine, prompt, sequence=0)
        for start in range(0, len(prompt), 7):
            chunked = prefill(engine, prompt[start : start + 7], sequence=1, start=start)
        assert_alike(chunked, whole)

    def test_a_shared_prefix_is_as_good_as_a_prefilled_one(self, engine: TokenEngine, prompt: list[int]) -> None:
        whole = prefill(engine, prompt, sequence=0)
        engine.share_prefix(0, 1, len(prompt) - 5)
        assert_alike(prefill(engine, prompt[-5:], sequence=1, start=len(prompt) - 5), whole)

    def test_a_shared_prefix_outlives_its_source(self, engine: TokenEngine, prompt: list[int]) -> None:
        whole = prefill(engine, prompt, sequence=0)
        engine.share_prefix(0, 1, len(prompt) - 1)
        assert engine.truncate(0, 0)
        prefill(engine, prompt[::-1], sequence=0)
        assert_alike(prefill(engine, prompt[-1:], sequence=1, start=len(prompt) - 1), whole)

    def test_a_truncated_sequence_goes_on_as_if_the_rest_had_not_been(
        self, engine: TokenEngine, prompt: list[int]
    ) -> None:
        whole = prefill(engine, prompt, sequence=0)
        prefill(engine, [*prompt[:10], *prompt[::-1]], sequence=1)
        if not engine.truncate(1, 10):
            pytest.skip("this model cannot be truncated")
        assert_alike(prefill(engine, prompt[10:], sequence=1, start=10), whole)

    def test_truncating_to_nothing_empties_a_sequence_whatever_it_holds(
        self, engine: TokenEngine, prompt: list[int]
    ) -> None:
        whole = prefill(engine, prompt, sequence=2)
        assert engine.truncate(2, 0)
        assert engine.truncate(2, 0)
        assert_alike(prefill(engine, prompt, sequence=2), whole)

    def test_a_slid_sequence_goes_on_and_disturbs_no_other(self, engine: TokenEngine, prompt: list[int]) -> None:
        whole = prefill(engine, prompt, sequence=0)
        engine.share_prefix(0, 1, len(prompt) - 1)
        try:
            engine.slide(1, 4, 8)
        except InvalidRequest:
            pytest.skip("this model cannot slide")
        after = len(prompt) - 1 - 8
        slid = engine.logits(next_row(engine, prompt[-1], position=after, sequence=1)).copy()
        assert np.isfinite(slid).all()
        assert engine.truncate(0, len(prompt) - 1)
        assert_alike(prefill(engine, prompt[-1:], start=len(prompt) - 1), whole)

    def test_a_slid_sequence_can_be_saved_at_once(self, engine: TokenEngine, prompt: list[int]) -> None:
        prefill(engine, prompt)
        try:
            engine.slide(0, 4, 8)
        except InvalidRequest:
            pytest.skip("this model cannot slide")
        engine.restore(1, engine.save(0))
        after = len(prompt) - 8
        here = engine.logits(next_row(engine, prompt[-1], position=after)).copy()
        assert_alike(engine.logits(next_row(engine, prompt[-1], position=after, sequence=1)), here)

    def test_a_restored_sequence_goes_on_where_it_was_saved(self, engine: TokenEngine, prompt: list[int]) -> None:
        whole = prefill(engine, prompt)
        engine.truncate(0, 0)
        prefill(engine, prompt[:-1])
        state = engine.save(0)
        engine.restore(2, state)
        assert_alike(engine.logits(next_row(engine, prompt[-1], position=len(prompt) - 1, sequence=2)), whole)

    @pytest.mark.parametrize("state", [b"", b"no such state", bytes(500)])
    def test_restoring_something_else_is_refused(self, engine: TokenEngine, prompt: list[int], state: bytes) -> None:
        with pytest.raises(EngineFailure):
            engine.restore(0, state)
        prefill(engine, prompt)

    def test_greedy_takes_the_likeliest_every_time(self, engine: TokenEngine, prompt: list[int]) -> None:
        logits = prefill(engine, prompt)
        for sampling in (GREEDY, Sampling(temperature=0, seed=3, top_k=3)):
            row = next_row(engine, int(logits.argmax()), position=len(prompt))
            assert engine.sampler(sampling, None).sample(row) == int(engine.logits(row).argmax())
            assert engine.truncate(0, len(prompt))

    def test_equal_seeds_draw_equally(self, engine: TokenEngine, prompt: list[int]) -> None:
        prefill(engine, prompt[:-1])
        row = next_row(engine, prompt[-1], position=len(prompt) - 1)
        for seed in (7, -1, 2**63 - 1, -(2**63), 0xFFFFFFFF):
            one, other = (engine.sampler(Sampling(temperature=1.5, top_k=0, seed=seed), None) for _ in range(2))
            assert [one.sample(row) for _ in range(8)] == [other.sample(row) for _ in range(8)]
            one.close()
            other.close()

    @pytest.mark.parametrize(
        "sampling",
        [
            Sampling(temperature=0),
            Sampling(temperature=0, repeat_penalty=1.3, frequency_penalty=1.5),
            Sampling(temperature=1.5, top_k=0, seed=5),
            Sampling(temperature=5, top_k=0, top_p=1, min_p=0, seed=6, presence_penalty=2, penalty_window=3),
            Sampling(temperature=2, top_k=1, seed=7),
        ],
    )
    def test_a_sampler_that_repeats_what_another_drew_goes_on_as_it_does(
        self, engine: TokenEngine, prompt: list[int], sampling: Sampling
    ) -> None:
        prefill(engine, prompt[:-1])
        row = next_row(engine, prompt[-1], position=len(prompt) - 1)
        one = engine.sampler(sampling, None)
        drawn = [one.sample(row) for _ in range(10)]
        for cut in (0, 1, 4, 9):
            other = engine.sampler(sampling, None)
            for token in drawn[:cut]:
                other.repeat(token)
            assert [other.sample(row) for _ in range(10 - cut)] == drawn[cut:]
            other.close()
        one.close()

    def test_a_fresh_seed_draws_from_the_vocabulary(self, engine: TokenEngine, prompt: list[int]) -> None:
        prefill(engine, prompt[:-1])
        row = next_row(engine, prompt[-1], position=len(prompt) - 1)
        sampler = engine.sampler(Sampling(temperature=1.0), None)
        assert all(0 <= sampler.sample(row) < engine.model.vocabulary_size for _ in range(8))

    @pytest.mark.parametrize("temperature", [0.0, 1.0])
    def test_a_bias_forces_a_token(self, engine: TokenEngine, prompt: list[int], temperature: float) -> None:
        prefill(engine, prompt[:-1])
        row = next_row(engine, prompt[-1], position=len(prompt) - 1)
        unlikely = int(engine.logits(row).argmin())
        sampler = engine.sampler(Sampling(temperature=temperature, logit_bias={unlikely: 1000.0}), None)
        assert sampler.sample(row) == unlikely

    def test_accepted_tokens_do_no_harm(self, engine: TokenEngine, prompt: list[int]) -> None:
        prefill(engine, prompt[:-1])
        row = next_row(engine, prompt[-1], position=len(prompt) - 1)
        sampler = engine.sampler(Sampling(temperature=0, repeat_penalty=1.1, presence_penalty=0.5), None)
        for token in prompt:
            sampler.accept(token)
        assert 0 <= sampler.sample(row) < engine.model.vocabulary_size
        sampler.close()
        sampler.close()

    def test_a_batch_beyond_the_limits_is_refused_and_changes_nothing(
        self, engine: TokenEngine, prompt: list[int]
    ) -> None:
        limits = engine.limits
        whole = prefill(engine, prompt)
        assert engine.truncate(0, len(prompt) - 1)
        beyond = [
            [(0, at, 1) for at in range(limits.batch_tokens + 1)],
            [(0, 0, limits.sequences)],
            [(0, 0, -1)],
            [(0, limits.context_length, 1)],
            [(0, len(prompt) + 3, 0)],
            [(engine.model.vocabulary_size + 5, 0, 1)],
            [],
        ]
        for rows in beyond:
            batch = TokenBatch()
            for token, position, sequence in rows:
                batch.add(token, position=position, sequence=sequence, logits=True)
            with pytest.raises(EngineFailure):
                engine.evaluate(batch)
        assert_alike(prefill(engine, prompt[-1:], start=len(prompt) - 1), whole)

    def test_running_out_of_cells_leaves_every_sequence_as_it_was(self, engine: TokenEngine, prompt: list[int]) -> None:
        limits = engine.limits
        if limits.cells >= (limits.sequences - 1) * (limits.context_length - 8):
            pytest.skip("every sequence has cells for a whole context")
        whole = prefill(engine, prompt)
        assert engine.truncate(0, len(prompt) - 1)
        filled, came_too_late = _fill(engine, prompt)
        assert engine.truncate(filled, 0)
        engine.evaluate(came_too_late)
        assert_alike(prefill(engine, prompt[-1:], start=len(prompt) - 1), whole)

    def test_closing_twice_is_closing(self, engine: TokenEngine) -> None:
        engine.close()
        engine.close()


def _fill(engine: TokenEngine, prompt: list[int]) -> tuple[int, TokenBatch]:
    """Fill sequences from 1 on until no cell is left: a filled one, and the batch of 8 rows that came too late."""
    limits = engine.limits
    for sequence in range(1, limits.sequences):
        for start in range(0, limits.context_length - 8, 8):
            batch = TokenBatch()
            for at in range(start, start + 8):
                batch.add(prompt[at % len(prompt)], position=at, sequence=sequence, logits=False)
            try:
                engine.evaluate(batch)
            except CellsExhausted:
                assert sequence > 1, "there are not even cells for one context"
                return 1, batch
    raise AssertionError("the cells were never exhausted")
