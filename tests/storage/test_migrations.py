"""Migrations: complete, repeatable, reversible, safe when several processes start at once, and quick when done."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from jackfield.contracts.records import sqlite_url
from jackfield.errors import StateUnavailable
from jackfield_migrations import scripts
from jackfield_migrations.connections import alone, connected
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_migrations.revisions import newest_revision, revision_names, revision_of
from jackfield_storage.addresses import blocking_url
from jackfield_storage.tables import REVISION, Base

POSTGRES = os.environ.get("JACKFIELD_TEST_POSTGRES", "")


@pytest.fixture
def sqlite_address(tmp_path: Path) -> str:
    """No file is there yet."""
    return sqlite_url(tmp_path / "data")


@pytest.fixture
def postgres_address() -> Iterator[str]:
    """A schema of its own on the server that JACKFIELD_TEST_POSTGRES names."""
    if not POSTGRES:
        pytest.skip("JACKFIELD_TEST_POSTGRES names no server (such as postgresql://user@localhost/name)")
    import psycopg

    schema = f"jackfield_{uuid4().hex}"
    with psycopg.connect(POSTGRES.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{POSTGRES}?options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(params=["sqlite_address", pytest.param("postgres_address", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """The address of a database without tables, of each kind."""
    address: str = request.getfixturevalue(request.param)
    return address


def test_an_upgrade_names_what_it_applied_and_a_second_applies_nothing(url: str) -> None:
    migrator = AlembicMigrator()
    assert migrator.current(url) is None
    assert migrator.upgrade(url) == revision_names()
    assert migrator.current(url) == migrator.newest()
    assert migrator.upgrade(url) == ()


def test_an_upgraded_database_is_what_the_tables_say(url: str) -> None:
    AlembicMigrator().upgrade(url)
    with connected(blocking_url(url)) as connection:
        opts = {"compare_type": True, "compare_server_default": True, "include_name": _is_of_the_metadata}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def _is_of_the_metadata(name: str | None, kind: str, parents: object) -> bool:
    """All but the full text, which each kind of database has in its own form."""
    return kind != "table" or not str(name).startswith(("passage_words", "file_words", "file_names"))


def test_every_revision_can_be_undone_and_applied_again(url: str) -> None:
    AlembicMigrator().upgrade(url)
    with alone(blocking_url(url)) as connection:
        scripts.downgrade(connection, "base")
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    assert AlembicMigrator().current(url) is None
    assert AlembicMigrator().upgrade(url) == revision_names()


def test_of_processes_that_upgrade_at_once_one_does_and_all_succeed(url: str) -> None:
    program = (
        "import sys; from jackfield_migrations.migrator import AlembicMigrator; import jackfield_migrations.scripts\n"
        "print('ready', flush=True); sys.stdin.readline(); print(len(AlembicMigrator().upgrade(sys.argv[1])))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    last_lines = [process.communicate(timeout=60)[0].splitlines()[-1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert sorted(last_lines) == ["0", "0", "0", f"{len(revision_names())}"]


def test_a_database_that_a_newer_jackfield_upgraded_is_left_alone(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    url = sqlite_url(database.parent)
    with pytest.raises(StateUnavailable, match=r"'9999'.*Upgrade Jackfield"):
        AlembicMigrator().upgrade(url)
    assert AlembicMigrator().current(url) == "9999"


def test_tables_of_another_program_are_not_touched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "jackfield.db")) as connection, connection:
        connection.execute("CREATE TABLE runs (distance REAL)")
        connection.execute("INSERT INTO runs VALUES (42.195)")
    with pytest.raises(StateUnavailable, match="runs already exists"):
        AlembicMigrator().upgrade(sqlite_url(tmp_path))
    with closing(sqlite3.connect(tmp_path / "jackfield.db")) as connection:
        assert connection.execute("SELECT name, distance FROM sqlite_master, runs").fetchall() == [("runs", 42.195)]


def test_looking_at_a_database_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    assert AlembicMigrator().current(sqlite_url(tmp_path / "data")) is None
    assert list(tmp_path.iterdir()) == []


def test_the_revisions_are_one_line_that_ends_at_the_tables() -> None:
    in_order = [script.revision for script in reversed(list(scripts.scripts().walk_revisions()))]
    assert in_order == [revision_of(name) for name in revision_names()]
    assert scripts.scripts().get_heads() == [newest_revision()]
    assert newest_revision() == REVISION


def test_an_up_to_date_database_costs_no_import_of_alembic(database: Path) -> None:
    program = (
        "import sys; from jackfield_migrations.migrator import AlembicMigrator\n"
        "print(AlembicMigrator().upgrade(sys.argv[1]), 'alembic' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, sqlite_url(database.parent)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "() False\n"


def test_finding_the_plugins_imports_neither_sqlalchemy_nor_alembic() -> None:
    program = (
        "import sys, jackfield_storage.plugin, jackfield_migrations.plugin\n"
        "print([name for name in ('sqlalchemy', 'alembic', 'aiosqlite', 'psycopg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
