"""What is known of a model: as a file on disk, and as it describes itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from jackfield.contracts.sampling import SamplingOverrides


class ModelDescription(msgspec.Struct, frozen=True, kw_only=True):
    """What a model file says of itself; lengths in tokens, sizes in bytes.

    An adapter is no model by itself: it changes how one of its architecture writes, which has the lengths.
    """

    name: str
    architecture: str
    format: str
    parameters: int
    bytes: int
    vocabulary_size: int
    context_length: int
    embedding_size: int
    layers: int
    end_tokens: frozenset[int] = frozenset()
    begin_token: int | None = None
    chat_template: str | None = None
    licence: str | None = None
    generates: bool = True
    is_adapter: bool = False

    @property
    def bits_per_weight(self) -> float:
        """Stored bits for each parameter, averaged over the file."""
        return self.bytes * 8 / self.parameters if self.parameters else 0.0


class InstalledModel(msgspec.Struct, frozen=True, kw_only=True):
    """A verified model file that this installation can open; `path` may lie outside the data folder when linked."""

    name: str
    path: Path
    reference: str
    sha256: str
    pulled_at: datetime
    description: ModelDescription
    sampling: SamplingOverrides = {}
    linked: bool = False
