"""Which database addresses are taken, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from jackfield.contracts.records import sqlite_url
from jackfield.errors import MissingDependency, SettingsInvalid, StateUnavailable
from jackfield_migrations.migrator import AlembicMigrator
from jackfield_storage.state_store import SqlStateStoreFactory


@pytest.mark.parametrize(
    ("url", "claimed"),
    [
        ("sqlite+aiosqlite:////data/jackfield.db", True),
        ("sqlite:////data/jackfield.db", True),
        ("postgresql://ann@db/jackfield", True),
        ("postgresql+psycopg://ann@db/jackfield", True),
        ("mysql://ann@db/jackfield", False),
        ("sqlite", True),
        ("memory:", False),
        ("", False),
    ],
)
def test_store_and_migrator_claim_the_same_addresses(url: str, claimed: bool) -> None:
    assert SqlStateStoreFactory().claims(url) is claimed
    assert AlembicMigrator().claims(url) is claimed


@pytest.mark.parametrize(
    "url", ["sqlite", "sqlite://", "sqlite:///:memory:", "sqlite://jackfield.db", "postgresql://ann@db:port/jackfield"]
)
async def test_an_address_that_names_no_database_is_a_setting_to_mend(url: str) -> None:
    with pytest.raises(SettingsInvalid, match="database_url"):
        AlembicMigrator().upgrade(url)
    with pytest.raises(SettingsInvalid, match="database_url"):
        await SqlStateStoreFactory().open(url)


@pytest.mark.parametrize("name", ["what?", "100%", "a%20b", "über uns", "x;y&z=1#2", "a@b:c"])
async def test_a_data_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    url = sqlite_url(tmp_path / name)
    AlembicMigrator().upgrade(url)
    store = await SqlStateStoreFactory().open(url)
    await store.close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name / "jackfield.db").is_file()


async def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    url = "postgresql://ann:opensesame@127.0.0.1:1/jackfield"
    with pytest.raises(StateUnavailable) as upgrading:
        AlembicMigrator().upgrade(url)
    with pytest.raises(StateUnavailable) as opening:
        await SqlStateStoreFactory().open(url)
    for caught in (upgrading, opening):
        assert "127.0.0.1:1/jackfield" in caught.value.message
        assert "opensesame" not in caught.value.message


def test_a_missing_driver_is_a_missing_dependency() -> None:
    from jackfield_storage.failures import platform_error

    error = platform_error(ModuleNotFoundError("No module named 'psycopg'", name="psycopg"), "postgresql://db/x")
    assert isinstance(error, MissingDependency)
    assert "psycopg" in error.message
    assert "pip install" in error.message
