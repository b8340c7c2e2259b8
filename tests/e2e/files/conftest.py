"""A home that several processes work in, on either kind of database; the processes start within milliseconds."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from uuid import uuid4

import pytest

POSTGRES = os.environ.get("JACKFIELD_TEST_POSTGRES", "")


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Makes processes from one that has imported everything and has no threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jackfield.testing.file_workloads", "jackfield_storage.semantic_files.store"])
    return context


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Empty for the home's own SQLite file, or the address of a fresh schema that JACKFIELD_TEST_POSTGRES has."""
    if request.param == "sqlite":
        yield ""
        return
    if not POSTGRES:
        pytest.skip("JACKFIELD_TEST_POSTGRES names no server (such as postgresql://user@localhost/name)")
    import psycopg

    schema = f"jackfield_{uuid4().hex}"
    with psycopg.connect(POSTGRES.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{POSTGRES}?options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"
