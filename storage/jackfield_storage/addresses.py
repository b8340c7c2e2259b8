"""Database addresses: which are served here, through which driver, and how each is named to people."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from jackfield.errors import SettingsInvalid

SCHEMES = ("sqlite", "sqlite+aiosqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg")


def is_served(url: str) -> bool:
    """Whether an address is of a database that these tables live in."""
    return url.partition("://")[0] in SCHEMES


def async_url(url: str) -> URL:
    """The address through the driver that the event loop uses."""
    parsed = _parsed(url)
    return parsed.set(drivername="sqlite+aiosqlite" if is_sqlite(parsed) else "postgresql+psycopg")


def blocking_url(url: str) -> URL:
    """The address of the same database through a driver that blocks."""
    parsed = _parsed(url)
    return parsed.set(drivername="sqlite+pysqlite" if is_sqlite(parsed) else "postgresql+psycopg")


def is_sqlite(url: URL) -> bool:
    """Whether the database is a file of SQLite's."""
    return url.get_backend_name() == "sqlite"


def database_file(url: URL) -> Path | None:
    """Where a SQLite database lies; None for a server's."""
    if not is_sqlite(url):
        return None
    name = url.database or ""
    return Path(unquote(name.removeprefix("file:")) if name.startswith("file:") else name)


def place(url: URL) -> str:
    """The database as an error names it: a path, or an address without its password."""
    path = database_file(url)
    return url.render_as_string(hide_password=True) if path is None else str(path)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SettingsInvalid(_unreadable(url)) from error
    if is_sqlite(parsed) and (parsed.host or parsed.database in (None, "", ":memory:", "file::memory:")):
        raise SettingsInvalid(_unreadable(url))
    return parsed


def _unreadable(url: str) -> str:
    scheme = url.partition("://")[0]
    form = (
        "sqlite:////absolute/path/jackfield.db" if scheme.startswith("sqlite") else "postgresql://user@host:5432/name"
    )
    return f"The setting 'database_url' is not an address of a kept {scheme} database; it must look like {form}."
