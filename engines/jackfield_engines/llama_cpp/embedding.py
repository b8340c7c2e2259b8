"""The embedding engine: a context of its own, on weights that a token engine may share."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from jackfield.contracts.models import ModelDescription
from jackfield.errors import ContextOverflow, EngineFailure, InvalidRequest
from jackfield_engines.llama_cpp.context_plan import EmbeddingPlan
from jackfield_engines.llama_cpp.native import Weights
from jackfield_engines.llama_cpp.native_context import Context

FEW_TOKENS = 32
"""Passes of no more are computed by one thread. For 13 tokens, on two virtual cores with nothing else on them, two
threads take 5.5 ms (median) and 36 (p95), for each waits for the other at a hundred barriers; one takes 8.6 and 10.
"""


class LlamaCppEmbeddingEngine:
    """An EmbeddingEngine: several short texts in each pass, with the tokens that the model wants around them."""

    def __init__(
        self,
        weights: Weights,
        context: Context,
        *,
        model: ModelDescription,
        size: int,
        plan: EmbeddingPlan,
        decomposes: bool = False,
    ) -> None:
        """`size` is the length of the model's vectors; `decomposes` that its vocabulary has letters without accents.

        llama.cpp takes such letters apart too, but of a Korean syllable it keeps the first letter only.
        """
        self.model = model
        self._weights: Weights | None = weights
        self._context = context
        self._size = size
        self._plan = plan
        self._decomposes = decomposes

    @property
    def max_tokens(self) -> int:
        """The longest text it takes, with the tokens around it."""
        return self._plan.max_tokens

    def count_tokens(self, text: str) -> int:
        """How many tokens a text is, with those that the model wants around it."""
        return len(self._tokens(text))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of unit length, (n, dimensions); raises ContextOverflow or InvalidRequest before anything is done."""
        tokenized = [self._checked_tokens(number, text) for number, text in enumerate(texts)]
        vectors = np.empty((len(tokenized), self._size), dtype=np.float32)
        for start, end in _passes([len(tokens) for tokens in tokenized], self._plan):
            vectors[start:end] = self._pooled(tokenized[start:end])
        return vectors

    def close(self) -> None:
        """Free the context, and the weights once nobody else has them; a second call does nothing."""
        self._weights = None
        self._context.close()

    def _tokens(self, text: str) -> list[int]:
        weights = self._weights
        if weights is None:
            raise EngineFailure("The model was closed.")
        if self._decomposes and not text.isascii():
            text = unicodedata.normalize("NFD", text)
        try:
            return weights.tokenize(text, add_special=True, parse_special=False)
        except UnicodeEncodeError as error:
            raise InvalidRequest(
                f"The text is not valid Unicode: half of a surrogate pair stands at character {error.start}.",
                parameter="input",
            ) from error

    def _checked_tokens(self, number: int, text: str) -> list[int]:
        tokens = self._tokens(text)
        if not text or not tokens:
            raise InvalidRequest(f"Text {number + 1} to embed is empty; give at least one word.", parameter="input")
        if len(tokens) > self.max_tokens:
            raise ContextOverflow(
                prompt_tokens=len(tokens), context_length=self.max_tokens, reserved=0, parameter="input"
            )
        return tokens

    def _pooled(self, texts: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """The unit vectors of texts that go through in one pass, a sequence each."""
        rows = [(token, at, number) for number, tokens in enumerate(texts) for at, token in enumerate(tokens)]
        tokens, positions, sequences = (list(column) for column in zip(*rows, strict=True))
        self._context.forget()
        self._context.compute_on(1 if len(rows) <= FEW_TOKENS else self._plan.threads)
        self._context.decode(tokens, positions, sequences, [True] * len(rows))
        vectors = np.stack([self._context.pooled(number, self._size) for number in range(len(texts))])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise EngineFailure("The model gave a vector without a direction; its file may be damaged: pull it again.")
        unit: NDArray[np.float32] = vectors / lengths
        return unit


def _passes(lengths: Sequence[int], plan: EmbeddingPlan) -> Iterator[tuple[int, int]]:
    """Where each pass starts and ends, in order: as many texts as fit together, or one that is longer than that."""
    start = tokens = 0
    for number, length in enumerate(lengths):
        if number > start and (tokens + length > plan.packed_tokens or number - start == plan.texts):
            yield start, number
            start, tokens = number, 0
        tokens += length
    if lengths:
        yield start, len(lengths)
