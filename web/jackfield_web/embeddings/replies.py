"""Vectors as OpenAI words them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Literal

import msgspec

from jackfield.workbench import Embeddings
from jackfield_web.embeddings.requests import EmbeddingRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class EmbeddingUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens read; both counts are the same."""

    prompt_tokens: int
    total_tokens: int


class Embedding(msgspec.Struct, frozen=True, kw_only=True):
    """One text's vector of unit length, as numbers or as base64."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingList(msgspec.Struct, frozen=True, kw_only=True):
    """Vectors in the order of their texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


def embedding_list(request: EmbeddingRequest, model: str, embeddings: Embeddings) -> EmbeddingList:
    """What a request gets back."""
    return EmbeddingList(
        data=[
            Embedding(index=index, embedding=_encoded(vector, request.encoding_format))
            for index, vector in enumerate(embeddings.vectors)
        ],
        model=model,
        usage=EmbeddingUsage(prompt_tokens=embeddings.prompt_tokens, total_tokens=embeddings.prompt_tokens),
    )


def _encoded(vector: NDArray[np.float32], encoding: str | None) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    numbers: list[float] = vector.tolist()
    return numbers
