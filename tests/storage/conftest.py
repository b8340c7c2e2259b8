"""A database file that is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.contracts.records import sqlite_url
from jackfield_migrations.migrator import AlembicMigrator


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """The file of an up-to-date database."""
    AlembicMigrator().upgrade(sqlite_url(tmp_path))
    return tmp_path / "jackfield.db"
