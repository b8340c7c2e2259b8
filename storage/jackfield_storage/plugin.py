"""What the storage room offers: a state store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jackfield.contracts.registration import Provided
from jackfield.hookspecs import hookimpl

if TYPE_CHECKING:
    from jackfield.contracts.records import StateStoreFactory


@hookimpl
def jackfield_state_stores() -> list[Provided[StateStoreFactory]]:
    """One factory for both kinds of database, since the tables are the same."""
    return [Provided("sqlalchemy", _state_store_factory, "state in a SQLite file or on a PostgreSQL server")]


def _state_store_factory() -> StateStoreFactory:
    from jackfield_storage.state_store import SqlStateStoreFactory

    return SqlStateStoreFactory()
