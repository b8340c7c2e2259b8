"""One transaction at a time changes what is found, so that caches read the feed in the order of its commits."""

from __future__ import annotations

from sqlalchemy import Connection

_LOCK = 0x6A61636B
"""Any number that nothing else in the database locks."""
_TAKEN_IN = "jackfield_turn"
"""Where a connection notes the transaction that has its turn: asking again is a way to the server and back."""


def take_turn(connection: Connection) -> None:
    """Wait until no other transaction changes the index; held until this one ends.

    SQLite has one writer anyway. On PostgreSQL a transaction that changes several files, or locks rows first, takes
    its turn before any of that: rows of passages are shared by files, and two could wait for each other.
    """
    if connection.dialect.name == "postgresql":
        taken_in = connection.info.get(_TAKEN_IN)
        if taken_in is None or taken_in is not connection.get_transaction():
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
            connection.info[_TAKEN_IN] = connection.get_transaction()
