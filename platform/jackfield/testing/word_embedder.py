"""Vectors of texts from the words they have: deterministic, and near each other where words are shared."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from jackfield.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 256


class WordEmbedder:
    """Implements `jackfield.contracts.files.Embedder`; `embedded` is every text it was given, in order.

    With `model` None it is one that is not installed, which may be changed at any time.
    """

    def __init__(self, model: str | None = "words") -> None:
        self.model = model
        self.embedded: list[str] = []

    async def key(self) -> str | None:
        """The model's name."""
        return self.model

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Raises Unavailable without a model."""
        if self.model is None:
            raise Unavailable("There is no model to find files by meaning.")
        self.embedded += texts
        return word_vectors(texts)


def word_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """Unit vectors, (n, 256): the sum of a direction for each word, the text itself where it has none."""
    import numpy as np

    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()) or [text]:
            row += _direction(word)
        row /= np.linalg.norm(row)
    return vectors


@lru_cache(4096)
def _direction(word: str) -> NDArray[np.float32]:
    import numpy as np

    seed = hashlib.blake2b(word.encode(errors="surrogatepass"), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(seed)).standard_normal(DIMENSIONS, dtype=np.float32)
