"""A model file as the catalog would hand it to a factory, without a catalog."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from jackfield.contracts.engine import EngineFactory
from jackfield.contracts.models import InstalledModel


def file_model(factory: EngineFactory, path: Path) -> InstalledModel:
    """The model of a file; raises ModelFileInvalid where the factory cannot read it."""
    return InstalledModel(
        name=path.stem,
        path=path,
        reference=str(path),
        sha256=_digest(path),
        pulled_at=datetime.now(UTC),
        description=factory.inspect(path),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
