"""Lists as one parameter, so that a statement is the same text however long they are, and Core has no work with it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection


def listed(connection: Connection, values: Sequence[int | str]) -> str | list[int | str]:
    """For `IN (SELECT value FROM json_each(?))` on SQLite, and for `= ANY(%s)` on PostgreSQL."""
    if connection.dialect.name == "postgresql":
        return list(values)
    return msgspec.json.encode(values).decode()
