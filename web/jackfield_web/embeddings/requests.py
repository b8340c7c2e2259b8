"""The body of an embeddings request."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from jackfield.errors import InvalidRequest

MAX_TEXTS = 2048


class EmbeddingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Texts to turn into vectors."""

    model: Annotated[str, Meta(description="The name of an installed model.")]
    input: Annotated[str | list[str | int | list[int]], Meta(description="A text, or a list of at most 2048.")]
    encoding_format: (
        Annotated[Literal["float", "base64"], Meta(description="base64 is of little-endian 32-bit floats.")] | None
    ) = None
    dimensions: Annotated[int, Meta(ge=1, description="Must be the model's own, or left out.")] | None = None
    user: Annotated[str, Meta(description="Not kept: vectors are the same for everyone.")] | None = None


def embedded_texts(request: EmbeddingRequest) -> list[str]:
    """The texts to embed; raises InvalidRequest for anything else."""
    entries = [request.input] if isinstance(request.input, str) else request.input
    texts = [entry for entry in entries if isinstance(entry, str)]
    if len(texts) < len(entries):
        sentence = "'input' has token ids, and texts are expected: another tokenizer's ids mean nothing here."
        raise InvalidRequest(sentence, parameter="input")
    if not texts or "" in texts:
        raise InvalidRequest("'input' has nothing to embed; give texts that are not empty.", parameter="input")
    if len(texts) > MAX_TEXTS:
        sentence = f"'input' has {len(texts)} texts; {MAX_TEXTS} are allowed in one request."
        raise InvalidRequest(sentence, parameter="input")
    return texts


def check_dimensions(request: EmbeddingRequest, model: str, width: int) -> None:
    """Vectors have the width that their model gives them."""
    if request.dimensions not in (None, width):
        sentence = f"Model '{model}' gives vectors of {width} dimensions, and not of {request.dimensions}."
        raise InvalidRequest(sentence, parameter="dimensions")
