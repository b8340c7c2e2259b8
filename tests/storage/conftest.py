"""A database file that is up to date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def database(fresh_database: Callable[[Path], str], tmp_path: Path) -> Path:
    """The file of an up-to-date database."""
    fresh_database(tmp_path)
    return tmp_path / "jackfield.db"
