"""Writing a model's weights in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from jackfield.contracts.models import InstalledModel
from jackfield.contracts.sources import Progress


class WeightFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A way to store a model's weights; `bytes` is what its file will take, `summary` a few words on what it is."""

    name: str
    summary: str
    bytes: int


@runtime_checkable
class Quantizer(Protocol):
    """What an EngineFactory also is if it can write models in other formats. It neither measures nor chooses."""

    def formats(self, model: InstalledModel) -> tuple[WeightFormat, ...]:
        """What is worth trying for a model; none where its file cannot be rewritten. Raises ModelFileInvalid."""
        ...

    def quantize(self, model: InstalledModel, format_name: str, target: Path, progress: Progress) -> None:
        """Write a model in one of its `formats`; `target` is there whole or not at all. Blocking for minutes.

        Calls `progress` several times a second, and lets pass what it raises: that is how it is stopped.
        Raises InvalidRequest for a format that is none of them, ModelFileInvalid, DiskFull, EngineFailure.
        """
        ...
