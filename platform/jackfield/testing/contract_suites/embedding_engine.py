"""The embedding engine's promises, for any implementation of `jackfield.contracts.engine.EmbeddingEngine`."""

from __future__ import annotations

import numpy as np
import pytest

from jackfield.contracts.engine import EmbeddingEngine
from jackfield.errors import ContextOverflow, InvalidRequest

TEXTS = ("the cat sat on the mat", "a dog ran", "to the cat and to the dog", "mat", "the dog sat on a mat and ran")


class EmbeddingEngineContract:
    """Override `engine` with a fixture that opens a fresh one for each test."""

    @pytest.fixture
    def engine(self) -> EmbeddingEngine:
        """A fresh engine."""
        raise NotImplementedError("override `engine` with a fixture that gives a fresh embedding engine")

    @pytest.fixture
    def too_long(self, engine: EmbeddingEngine) -> str:
        """A text a little longer than the engine takes."""
        words = ["cat"]
        while engine.count_tokens(" ".join(words)) <= engine.max_tokens:
            words += ["cat"] * max(len(words) // 8, 1)
        return " ".join(words)

    def test_vectors_have_unit_length_and_the_models_dimensions(self, engine: EmbeddingEngine) -> None:
        vectors = engine.embed(TEXTS)
        assert vectors.shape == (len(TEXTS), engine.model.embedding_size)
        assert vectors.dtype == np.float32
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_texts_keep_their_order_and_do_not_see_each_other(self, engine: EmbeddingEngine) -> None:
        together = engine.embed(TEXTS)
        for vector, text in zip(together, TEXTS, strict=True):
            assert float(vector @ engine.embed([text])[0]) > 0.995

    def test_different_texts_have_different_vectors(self, engine: EmbeddingEngine) -> None:
        one, other = engine.embed(TEXTS[:2])
        assert float(one @ other) < 0.9999

    def test_more_texts_than_fit_one_pass_all_get_their_vectors(self, engine: EmbeddingEngine) -> None:
        vectors = engine.embed([TEXTS[number % len(TEXTS)] for number in range(71)])
        first = vectors[: len(TEXTS)]
        for number, vector in enumerate(vectors):
            assert float(vector @ first[number % len(TEXTS)]) > 0.995

    def test_no_texts_are_no_vectors(self, engine: EmbeddingEngine) -> None:
        assert engine.embed([]).shape == (0, engine.model.embedding_size)

    def test_a_text_too_long_is_refused_and_never_cut(self, engine: EmbeddingEngine, too_long: str) -> None:
        with pytest.raises(ContextOverflow, match=str(engine.max_tokens)):
            engine.embed([TEXTS[0], too_long])

    def test_the_longest_text_it_takes_is_taken(self, engine: EmbeddingEngine, too_long: str) -> None:
        words = too_long.split(" ")
        while engine.count_tokens(" ".join(words)) > engine.max_tokens:
            words.pop()
        assert engine.embed([" ".join(words)]).shape == (1, engine.model.embedding_size)

    def test_an_empty_text_is_refused(self, engine: EmbeddingEngine) -> None:
        with pytest.raises(InvalidRequest, match="empty"):
            engine.embed([TEXTS[0], ""])

    def test_tokens_are_counted(self, engine: EmbeddingEngine) -> None:
        assert 0 < engine.count_tokens(TEXTS[1]) < engine.count_tokens(TEXTS[4]) <= engine.max_tokens

    def test_closing_twice_is_closing(self, engine: EmbeddingEngine) -> None:
        engine.close()
        engine.close()
