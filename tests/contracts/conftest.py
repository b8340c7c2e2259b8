"""Databases for the shared suites, and assertions in them that show their values."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from jackfield.plugin_host import PluginHost

pytest.register_assert_rewrite("jackfield.testing.contract_suites")

REGISTRY = PluginHost().load().registry
POSTGRES = os.environ.get("JACKFIELD_TEST_POSTGRES", "")


def upgraded(url: str) -> str:
    """An address whose database is up to date."""
    next(migrator for _, migrator in REGISTRY.migrators.items() if migrator.claims(url)).upgrade(url)
    return url


@pytest.fixture
def sqlite(fresh_database: Callable[[Path], str], tmp_path: Path) -> str:
    """The address of a fresh file."""
    return fresh_database(tmp_path)


@pytest.fixture
def postgres() -> Iterator[str]:
    """The address of a fresh schema on the server that JACKFIELD_TEST_POSTGRES names."""
    if not POSTGRES:
        pytest.skip("JACKFIELD_TEST_POSTGRES names no server (such as postgresql://user@localhost/name)")
    import psycopg

    schema = f"jackfield_{uuid4().hex}"
    with psycopg.connect(POSTGRES.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield upgraded(f"{POSTGRES}?options=-csearch_path%3D{schema}")
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """The address of an empty, up-to-date database of each kind."""
    address: str = request.getfixturevalue(request.param)
    return address
